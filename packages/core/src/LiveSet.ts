/**
 * A capped set of live streams: of however many are open, the active one and the most recently used others are
 * followed, and the rest keep their place (laws C9, C10).
 *
 * What should be live is a plain function of what was used when. What is live is brought there step by step: a follow
 * that isn't wanted any more is ended, and only when it has ended is its room given to the next. So no order in which
 * opens, answers and failures come can put too many or two of one stream in the air.
 *
 * A stream's state and cursor are one thing: they change together, and an ended follow leaves them as they are. The need
 * to begin anew is part of it too, and only a state that was taken whole ends it.
 *
 * What needs attention comes by a lane of its own, whatever is followed (law C11).
 */
import { Cause, Effect, type Fiber, type Scope, Stream } from "effect"
import { Backoff, type BackoffOptions } from "./Backoff.ts"
import type { Cursor } from "./Cursor.ts"
import { InvalidOption, type ReadError } from "./Errors.ts"
import type * as EventSet from "./EventSet.ts"
import type { Folded } from "./Folding.ts"
import { Listeners } from "./Listeners.ts"
import type { Attention, Events, FollowItem, LiveSource } from "./LiveSource.ts"
import * as Projection from "./Projection.ts"
import { type Selected, select } from "./Select.ts"

/** How a live set behaves. */
export interface LiveSetOptions<E extends EventSet.Any> {
  /** The most streams that are followed at one time; 4 by default. */
  readonly capacity?: number
  /** The most events that a stream replays when it comes back; beyond that its state is asked for. 1,000 by default. */
  readonly replayCap?: number
  /** How many states and cursors of streams that are not live are kept, the most recently used; 64 by default. */
  readonly keep?: number
  /** Told of the attention events of all streams, followed or not, each once. */
  readonly onAttention?: (attention: Pick<Attention<E>, "stream" | "event">) => void
  /**
   * Told when attention has begun: what is pending and asked for from now on, and what is told from now on, leave nothing
   * out between them.
   */
  readonly onAttentionBegan?: () => void
  /** Where attention begins: behind these cursors; now by default. */
  readonly attentionAfter?: ReadonlyMap<string, Cursor>
  /** Told of volatile events of live streams. */
  readonly onVolatile?: (stream: string, events: ReadonlyArray<EventSet.Volatile<E>>) => void
  /** Told of what listeners throw, and of every failure that is tried again. Logged by default. */
  readonly onError?: (error: unknown) => void
  /** Between tries. */
  readonly backoff?: BackoffOptions
}

/**
 * How a stream stands.
 *
 * - `loading`: wanted, and on its way.
 * - `live`: all that is stored was applied, and what comes is.
 * - `retrying`: the last try failed with `error`; the next one is due.
 * - `paused`: not among the live ones; open or activate it to go on.
 * - `failed`: the projection threw `error`: no state comes of this stream until it is opened again.
 */
export type LiveStatus = "loading" | "live" | "retrying" | "paused" | "failed"

/** A stream as it is shown. The same object until something changed. */
export interface LiveSnapshot<S> {
  readonly status: LiveStatus
  /** Never changes; the initial state before anything was read. */
  readonly state: S
  /** The last event in `state`. */
  readonly cursor: Cursor | undefined
  /** The last seq that is proven to survive power loss, as far as it is known here. */
  readonly synced: number
  readonly error: unknown
}

/** One stream of a live set. Its methods are bound: `useSyncExternalStore(view.subscribe, view.getSnapshot)`. */
export interface LiveView<S> {
  readonly stream: string
  readonly getSnapshot: () => LiveSnapshot<S>
  /** Calls `listener` when the snapshot is another one. Answers how to stop. */
  readonly subscribe: (listener: () => void) => () => void
  /** A slice of it, which is silent when the slice did not change. Hold on to it: each is a new one. */
  readonly select: <T>(
    selector: (snapshot: LiveSnapshot<S>) => T,
    equals?: (a: T, b: T) => boolean
  ) => Selected<T>
}

/** A capped set of live streams. */
export interface LiveSet<S> {
  /** Uses a stream: it becomes live, and the least recently used one that isn't active pauses when there is no room. */
  readonly open: (stream: string) => LiveView<S>
  /** Opens a stream, and keeps it live until another one is active. */
  readonly activate: (stream: string) => LiveView<S>
  /** Lets go of a stream: it isn't live any more. Its place is kept for a while, for when it is opened again. */
  readonly release: (stream: string) => void
  /** The streams that are to be live: the active one, then the most recently used. */
  readonly live: () => ReadonlyArray<string>
  /** The last attention event of each stream that was told: `attentionAfter` of the next set. */
  readonly attentionCursors: () => ReadonlyMap<string, Cursor>
}

/** A live set for code without Effect. */
export interface PromiseLiveSet<S> extends LiveSet<S>, AsyncDisposable {
  /** Ends all follows. States stay readable. */
  readonly close: () => Promise<void>
}

/**
 * Makes a live set, which ends with its scope.
 *
 * ```ts
 * const live = yield* LiveSet.make(log, Transcript, { capacity: 4 })
 * const view = live.activate("s-1")
 * view.subscribe(() => show(view.getSnapshot()))
 * ```
 */
export const make = Effect.fnUntraced(function* <E extends EventSet.Any, S>(
  source: LiveSource<E>,
  projection: Projection.Projection<E, S>,
  options: LiveSetOptions<E> = {}
): Effect.fn.Return<LiveSet<S>, InvalidOption, Scope.Scope> {
  const { capacity = 4, keep = 64, replayCap = 1000 } = options
  for (const [option, value, least] of [
    ["capacity", capacity, 1],
    ["keep", keep, 0],
    ["replayCap", replayCap, 0]
  ] as const) {
    if (!Number.isSafeInteger(value) || value < least)
      return yield* new InvalidOption({ option, problem: `is not an integer from ${least}` })
  }
  const fork = Effect.runForkWith(yield* Effect.context<never>())
  const onError =
    options.onError ?? ((error) => void fork(Effect.logWarning("A live set met a failure", error)))
  const set = new Streams<E, S>(source, projection, { ...options, capacity, keep, onError, replayCap }, fork)
  yield* Effect.addFinalizer(() => set.close)
  if (options.onAttention !== undefined)
    yield* Effect.forkScoped(attend(source, set.attention, { ...options, onError }))
  return {
    open: (stream) => set.open(stream),
    activate: (stream) => set.activate(stream),
    release: (stream) => set.release(stream),
    live: () => set.wanted().map((place) => place.stream),
    attentionCursors: () => new Map(set.attention)
  }
})

/** The same for code without Effect: `await using live = await LiveSet.open(log.effect, Transcript)`. */
export const open = async <E extends EventSet.Any, S>(
  source: LiveSource<E>,
  projection: Projection.Projection<E, S>,
  options?: LiveSetOptions<E>
): Promise<PromiseLiveSet<S>> => {
  let end: () => void = () => undefined
  let ended: Promise<void> = Promise.resolve()
  const set = await new Promise<LiveSet<S>>((resolve, reject) => {
    const life = Effect.flatMap(make(source, projection, options), (made) =>
      Effect.callback<void>((resume) => {
        end = () => resume(Effect.void)
        resolve(made)
      })
    )
    ended = Effect.runPromise(Effect.scoped(life))
    ended.catch(reject)
  })
  const close = (): Promise<void> => {
    end()
    return ended
  }
  return { ...set, close, [Symbol.asyncDispose]: close }
}

type Fork = <A, Err>(effect: Effect.Effect<A, Err>) => Fiber.Fiber<A, Err>

/** Options with their defaults. */
type Settled<E extends EventSet.Any> = LiveSetOptions<E> &
  Required<Pick<LiveSetOptions<E>, "capacity" | "replayCap" | "keep" | "onError">>

/** What is known of one stream: a state and the cursor it stands at, which only change together. */
class Place<E extends EventSet.Any, S> implements LiveView<S> {
  readonly stream: string
  readonly listeners: Listeners<void>
  /** The state must be taken anew: there is none, or its history cannot go on. Ends when one was taken, not before. */
  lost = true
  isOpen = false
  private readonly projection: Projection.Projection<E, S>
  private state: S
  private cursor: Cursor | undefined
  private synced = 0
  private status: LiveStatus = "paused"
  private error: unknown
  private shown: LiveSnapshot<S> | undefined

  constructor(stream: string, projection: Projection.Projection<E, S>, report: (error: unknown) => void) {
    this.stream = stream
    this.projection = projection
    this.listeners = new Listeners(report)
    this.state = projection.initial()
  }

  readonly getSnapshot = (): LiveSnapshot<S> => {
    if (this.shown === undefined) {
      const { cursor, error, state, status, synced } = this
      this.shown = { status, state: Projection.publish(state), cursor, synced, error }
    }
    return this.shown
  }

  readonly subscribe = (listener: () => void): (() => void) => this.listeners.add(listener)

  readonly select = <T>(
    selector: (snapshot: LiveSnapshot<S>) => T,
    equals?: (a: T, b: T) => boolean
  ): Selected<T> => select(this, selector, equals)

  get after(): Cursor | undefined {
    return this.cursor
  }

  get hasFailed(): boolean {
    return this.status === "failed"
  }

  /** On its way. A failure is shown until it is over. */
  load(): void {
    if (this.status !== "retrying") this.turn("loading")
  }

  turn(status: LiveStatus, error?: unknown): void {
    if (this.status === status && this.error === error) return
    this.status = status
    this.error = error
    this.changed()
  }

  /** Begins with a state that was taken whole. */
  begin({ cursor, state }: Folded<S>): void {
    this.state = Projection.draft(state)
    this.cursor = cursor
    this.synced = 0
    this.lost = false
    this.changed()
  }

  /** Lets go of the state, for room. */
  forget(): void {
    this.state = this.projection.initial()
    this.cursor = undefined
    this.synced = 0
    this.lost = true
    this.changed()
  }

  /** Applies what is new. Seen events are dropped; false when some are missing: they must be fetched (DESIGN 6). */
  take({ cursor, events, synced }: Events<E>): boolean {
    const next = (this.cursor?.seq ?? 0) + 1
    const fresh =
      events.length > 0 && events[0]!.seq < next ? events.filter(({ seq }) => seq >= next) : events
    if (fresh.length > 0) {
      if (fresh[0]!.seq !== next) return false
      this.state = Projection.apply(this.projection, this.state, fresh)
      this.cursor = cursor
    }
    if (fresh.length > 0 || synced > this.synced) {
      this.synced = Math.max(this.synced, synced)
      this.changed()
    }
    return true
  }

  private changed(): void {
    this.shown = undefined
    this.listeners.tell()
  }
}

/** The places of all streams, and which of them are followed. Plain code: between two turns nothing is half done. */
class Streams<E extends EventSet.Any, S> {
  /** The last attention event of each stream that was told. */
  readonly attention: Map<string, Cursor>
  private readonly source: LiveSource<E>
  private readonly projection: Projection.Projection<E, S>
  private readonly options: Settled<E>
  private readonly fork: Fork
  /** By stream, the least recently used first. */
  private readonly places = new Map<string, Place<E, S>>()
  private active: Place<E, S> | undefined
  /** Follows in the air, those that are ending included. Never more than the capacity, one a stream. */
  private readonly flights = new Map<Place<E, S>, Fiber.Fiber<void>>()
  private isSettling = false
  private isDue = false
  private isClosed = false
  private closed: () => void = () => undefined

  constructor(
    source: LiveSource<E>,
    projection: Projection.Projection<E, S>,
    options: Settled<E>,
    fork: Fork
  ) {
    this.source = source
    this.projection = projection
    this.options = options
    this.fork = fork
    this.attention = new Map(options.attentionAfter)
  }

  open(stream: string): Place<E, S> {
    const place = this.use(stream)
    this.settle()
    return place
  }

  activate(stream: string): Place<E, S> {
    // The one that was active was in use until now.
    if (this.active !== undefined) this.use(this.active.stream)
    this.active = this.use(stream)
    this.settle()
    return this.active
  }

  release(stream: string): void {
    const place = this.places.get(stream)
    if (place === undefined) return
    place.isOpen = false
    if (this.active === place) this.active = undefined
    this.settle()
  }

  /** Ends all follows, and waits for their end. */
  readonly close: Effect.Effect<void> = Effect.callback<void>((resume) => {
    this.isClosed = true
    this.closed = () => resume(Effect.void)
    this.settle()
  })

  /** The places that should be live: the active one, then the most recently used. */
  wanted(): ReadonlyArray<Place<E, S>> {
    if (this.isClosed) return []
    const { active } = this
    const others = [...this.places.values()].filter(
      (place) => place.isOpen && !place.hasFailed && place !== active
    )
    const first = active === undefined || active.hasFailed ? [] : [active]
    return [...first, ...others.reverse()].slice(0, this.options.capacity)
  }

  private use(stream: string): Place<E, S> {
    const place = this.places.get(stream) ?? new Place(stream, this.projection, this.options.onError)
    this.places.delete(stream)
    this.places.set(stream, place)
    place.isOpen = true
    // A projection that threw gets another chance, from a whole state.
    if (place.hasFailed) place.turn("paused")
    return place
  }

  /** Ends what isn't wanted, begins what is and has room. Called whenever either may have changed. */
  private settle(): void {
    this.isDue = true
    // A listener that opens a stream comes back to here in the midst of it.
    if (this.isSettling) return
    this.isSettling = true
    while (this.isDue) {
      this.isDue = false
      const wanted = this.wanted()
      for (const [place, flight] of this.flights) {
        if (!wanted.includes(place)) flight.interruptUnsafe()
      }
      for (const place of wanted) {
        if (this.flights.size < this.options.capacity && !this.flights.has(place)) this.begin(place)
      }
      this.trim(wanted)
    }
    this.isSettling = false
    if (this.isClosed && this.flights.size === 0) this.closed()
  }

  private begin(place: Place<E, S>): void {
    const flight = this.fork(Effect.andThen(Effect.yieldNow, this.follow(place)))
    this.flights.set(place, flight)
    flight.addObserver(() => {
      this.flights.delete(place)
      if (!place.hasFailed) place.turn("paused")
      this.settle()
    })
  }

  /** Keeps the most recently used of those that aren't live. */
  private trim(wanted: ReadonlyArray<Place<E, S>>): void {
    let spare = this.places.size - wanted.length - this.options.keep
    for (const place of this.places.values()) {
      if (spare <= 0) return
      if (wanted.includes(place) || this.flights.has(place)) continue
      spare--
      if (!place.lost) place.forget()
      if (!place.isOpen && place.listeners.size === 0) this.places.delete(place.stream)
    }
  }

  /** Keeps a stream live until it is interrupted, or until its projection throws. */
  private follow(place: Place<E, S>): Effect.Effect<void> {
    const { source, projection } = this
    const { onError, replayCap } = this.options
    const backoff = new Backoff(this.options.backoff)
    // A resync is answered at once; a source that answers one with the next is asked with pauses.
    let isFirst = true
    let isUrgent = false
    const take = (item: FollowItem<E>): boolean => {
      if (item._tag === "CaughtUp") {
        backoff.reset()
        isFirst = true
      } else if (item._tag === "Resync") {
        isUrgent = isFirst
        isFirst = false
      }
      return this.take(place, item)
    }
    const once = Effect.gen(function* () {
      isUrgent = false
      if (place.lost) place.begin(yield* source.stateWithCursor(place.stream, projection))
      const items = source.follow(place.stream, { after: place.after, replayCap })
      yield* Stream.runForEachWhile(items, (item) => Effect.sync(() => take(item)))
    })
    const failed = (cause: Cause.Cause<ReadError>): void => {
      const error = Cause.squash(cause)
      place.turn("retrying", error)
      onError(error)
    }
    return Effect.gen(function* () {
      while (!place.hasFailed) {
        place.load()
        yield* Effect.catchCause(once, (cause) => Effect.sync(() => failed(cause)))
        if (place.hasFailed) return
        place.load()
        if (!isUrgent) yield* backoff.wait
      }
    })
  }

  /** Answers whether the follow goes on. */
  private take(place: Place<E, S>, item: FollowItem<E>): boolean {
    switch (item._tag) {
      case "Events":
        try {
          return place.take(item)
        } catch (error) {
          // Nobody knows what a handler that threw has changed before.
          place.forget()
          place.turn("failed", error)
          return false
        }
      case "Volatile":
        tell(this.options, () => this.options.onVolatile?.(place.stream, item.events))
        return true
      case "CaughtUp":
        place.turn("live")
        return true
      case "Resync":
        place.lost = true
        return false
      case "Lagged":
        place.turn("loading")
        return true
    }
  }
}

/** Tells a listener that the options name. What it throws hurts nobody. */
const tell = ({ onError }: { readonly onError: (error: unknown) => void }, listener: () => void): void => {
  try {
    listener()
  } catch (error) {
    onError(error)
  }
}

/** The lane of attention: told whatever is live, and again only what nobody knows to have been told. */
const attend = <E extends EventSet.Any>(
  source: LiveSource<E>,
  told: Map<string, Cursor>,
  options: LiveSetOptions<E> & { readonly onError: (error: unknown) => void }
): Effect.Effect<never> => {
  const backoff = new Backoff(options.backoff)
  let began = options.attentionAfter !== undefined
  const once = Stream.runForEach(
    Stream.suspend(() => source.attention(began ? { after: new Map(told) } : {})),
    (item) =>
      Effect.sync(() => {
        backoff.reset()
        if (item._tag === "Began") {
          for (const [stream, cursor] of item.after) told.set(stream, cursor)
          began = true
          tell(options, () => options.onAttentionBegan?.())
          return
        }
        const { event, stream } = item
        const last = told.get(stream)
        if (last !== undefined && last.epoch === event.epoch && event.seq <= last.seq) return
        told.set(stream, { epoch: event.epoch, seq: event.seq })
        tell(options, () => options.onAttention?.({ stream, event }))
      })
  )
  const retried = Effect.catchCause(once, (cause) => Effect.sync(() => options.onError(Cause.squash(cause))))
  return Effect.forever(Effect.andThen(retried, backoff.wait))
}
