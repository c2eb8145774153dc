/**
 * Which streams of a live set are followed. What should be live is a plain function of what was used when. What is live is
 * brought there step by step: a follow that isn't wanted any more is ended, and only when it has ended is its room given
 * to the next. So no order in which opens, answers and failures come can put too many or two of one stream in the air
 * (law C9).
 */
import { Cause, Effect, type Fiber, Stream } from "effect"
import { Backoff, type BackoffOptions } from "./Backoff.ts"
import type { ReadError } from "./Errors.ts"
import type * as EventSet from "./EventSet.ts"
import { tell } from "./Listeners.ts"
import { LivePlace } from "./LivePlace.ts"
import type { FollowItem, LiveSource } from "./LiveSource.ts"
import type * as Projection from "./Projection.ts"

/** How streams are followed. */
export interface StreamsOptions<E extends EventSet.Any> {
  /** The most streams that are followed at one time; 4 by default. */
  readonly capacity?: number
  /** The most events that a stream replays when it comes back; beyond that its state is asked for. 1,000 by default. */
  readonly replayCap?: number
  /** How many states and cursors of streams that are not live are kept, the most recently used; 64 by default. */
  readonly keep?: number
  /** Told of volatile events of live streams. */
  readonly onVolatile?: (stream: string, events: ReadonlyArray<EventSet.Volatile<E>>) => void
  /** Told of what listeners throw, and of every failure that is tried again. Logged by default. */
  readonly onError?: (error: unknown) => void
  /** Between tries. */
  readonly backoff?: BackoffOptions
}

type RunFork = <A, Err>(effect: Effect.Effect<A, Err>) => Fiber.Fiber<A, Err>

/** The places of all streams, and which of them are followed. Plain code: between two turns nothing is half done. */
export class LiveStreams<E extends EventSet.Any, S> {
  private readonly source: LiveSource<E>
  private readonly projection: Projection.Projection<E, S>
  private readonly options: Required<StreamsOptions<E>>
  private readonly fork: RunFork
  /** By stream, the least recently used first. */
  private readonly places = new Map<string, LivePlace<E, S>>()
  private active: LivePlace<E, S> | undefined
  /** Follows in the air, those that are ending included. Never more than the capacity, one a stream. */
  private readonly flights = new Map<LivePlace<E, S>, Fiber.Fiber<void>>()
  private isSettling = false
  private isDue = false
  private isClosed = false
  private closed: () => void = () => undefined

  constructor(
    source: LiveSource<E>,
    projection: Projection.Projection<E, S>,
    options: Required<StreamsOptions<E>>,
    fork: RunFork
  ) {
    this.source = source
    this.projection = projection
    this.options = options
    this.fork = fork
  }

  open(stream: string): LivePlace<E, S> {
    const place = this.use(stream)
    this.settle()
    return place
  }

  activate(stream: string): LivePlace<E, S> {
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
  wanted(): ReadonlyArray<LivePlace<E, S>> {
    if (this.isClosed) return []
    const { active } = this
    const others = [...this.places.values()].filter(
      (place) => place.isOpen && !place.hasFailed && place !== active
    )
    const first = active === undefined || active.hasFailed ? [] : [active]
    return [...first, ...others.reverse()].slice(0, this.options.capacity)
  }

  private use(stream: string): LivePlace<E, S> {
    const place = this.places.get(stream) ?? new LivePlace(stream, this.projection, this.options.onError)
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

  private begin(place: LivePlace<E, S>): void {
    const flight = this.fork(Effect.andThen(Effect.yieldNow, this.follow(place)))
    this.flights.set(place, flight)
    flight.addObserver(() => {
      this.flights.delete(place)
      if (!place.hasFailed) place.turn("paused")
      this.settle()
    })
  }

  /** Keeps the most recently used of those that aren't live. */
  private trim(wanted: ReadonlyArray<LivePlace<E, S>>): void {
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
  private follow(place: LivePlace<E, S>): Effect.Effect<void> {
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
  private take(place: LivePlace<E, S>, item: FollowItem<E>): boolean {
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
        tell(this.options.onError, () => this.options.onVolatile(place.stream, item.events))
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
