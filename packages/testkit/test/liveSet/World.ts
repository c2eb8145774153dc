/**
 * A source that a schedule drives: every answer waits for its turn, and may be a failure. It knows all that was ever
 * stored, so it can tell which state belongs to a cursor, and it counts who follows what.
 */
import {
  type AttentionItem,
  type Cursor,
  EventSet,
  event,
  type Folded,
  type FollowItem,
  type LiveSource,
  Projection,
  StorageError
} from "@varve/core"
import { Effect, Schema, Stream } from "effect"
import type * as fc from "fast-check"

export class Session extends EventSet.make({
  Said: { text: Schema.String },
  Asked: event({ text: Schema.String }, { barrier: true, attention: true })
}) {}

type Said = EventSet.Stored<typeof Session>
type Told = AttentionItem<typeof Session>
type Item = FollowItem<typeof Session>

/** Every id in order: a missed, repeated or misplaced event shows. */
export const Ids = Projection.make(Session, {
  name: "ids",
  version: 1,
  state: Schema.Array(Schema.String),
  initial: () => [],
  on: {},
  any: (ids, { id }) => void ids.push(id)
})

/** What a follow holds while nothing happens. */
interface Waiting {
  wake: (() => void) | undefined
  broken: boolean
}

class History {
  epoch = 1
  /** What is stored now. */
  events: ReadonlyArray<Said> = []
  /** By epoch, the ids that its holders have seen at most. */
  readonly seen = new Map<string, ReadonlyArray<string>>()
  readonly name: string

  constructor(name: string) {
    this.name = name
  }

  get head(): Cursor | undefined {
    const last = this.events.at(-1)
    return last === undefined ? undefined : { epoch: last.epoch, seq: last.seq }
  }

  append(count: number, type: "Said" | "Asked"): void {
    const epoch = `${this.name}${this.epoch}`
    for (let i = 0; i < count; i++) {
      const seq = this.events.length + 1
      const id = `${epoch}:${seq}`
      const stored = {
        stream: this.name,
        seq,
        epoch,
        id,
        type,
        version: 1,
        at: 0,
        data: { text: "" },
        meta: undefined,
        writtenAt: 0
      } as Said
      this.events = [...this.events, stored]
    }
    this.seen.set(
      epoch,
      this.events.map(({ id }) => id)
    )
  }

  /** The newest events are lost in a crash: what comes is of another epoch. */
  lose(count: number): void {
    this.events = this.events.slice(0, Math.max(0, this.events.length - count))
    this.epoch++
  }

  /** Whether what stands at this cursor is what is stored there. */
  has({ epoch, seq }: Cursor): boolean {
    return this.events[seq - 1]?.epoch === epoch
  }
}

export interface Faults {
  /** Each answer of a state takes one; true fails it. */
  readonly states: ReadonlyArray<boolean>
  readonly follows: ReadonlyArray<boolean>
  /** Whether a follower that is woken was too slow. */
  readonly lags: ReadonlyArray<boolean>
  /** By how many events an answer begins too early or too late. */
  readonly shifts: ReadonlyArray<number>
}

export class World {
  readonly histories = new Map<string, History>()
  /** Follows in the air, by stream; those that are ending count. */
  readonly following = new Map<string, number>()
  /** Streams whose follower was told that it lagged, and not yet that it caught up. */
  readonly lagging = new Set<string>()
  /** What went wrong, in words; empty when all is well. */
  readonly wrong: Array<string> = []
  /** Where the first lane of attention began. */
  began: ReadonlyMap<string, Cursor> | undefined
  private readonly waiting = new Set<Waiting & { readonly stream: string | undefined }>()
  private readonly scheduler: fc.Scheduler
  private readonly faults: { -readonly [K in keyof Faults]: Array<Faults[K][number]> }
  private readonly capacity: number
  private turns = 0

  constructor(scheduler: fc.Scheduler, capacity: number, faults: Faults) {
    this.scheduler = scheduler
    this.capacity = capacity
    this.faults = {
      states: [...faults.states],
      follows: [...faults.follows],
      lags: [...faults.lags],
      shifts: [...faults.shifts]
    }
  }

  history(stream: string): History {
    let history = this.histories.get(stream)
    if (history === undefined) this.histories.set(stream, (history = new History(stream)))
    return history
  }

  append(stream: string, count: number, type: "Said" | "Asked"): void {
    this.history(stream).append(count, type)
    this.wake((waiting) => waiting.stream === undefined || waiting.stream === stream)
  }

  /** The next states cannot be answered. */
  failStates(count: number): void {
    this.faults.states.push(...Array<boolean>(count).fill(true))
  }

  lose(stream: string, count: number): void {
    this.history(stream).lose(count)
    // A log that lost events was closed and opened: its follows are over.
    this.breakOff((waiting) => waiting.stream === undefined || waiting.stream === stream)
  }

  /** Everything in the air breaks off, as when a connection is lost. */
  disconnect(): void {
    this.breakOff(() => true)
  }

  readonly source: LiveSource<typeof Session> = {
    stateWithCursor: (stream, projection) =>
      Effect.gen({ self: this }, function* () {
        yield* this.turn(`state of ${stream}`)
        if (this.faults.states.shift() === true) return yield* failure("state")
        const { events, head } = this.history(stream)
        return { state: Projection.fold(projection, events), cursor: head } satisfies Folded<unknown> as never
      }),
    follow: (stream, { after, replayCap = Infinity } = {}) => {
      let at = after
      let isCaughtUp = false
      let isFirst = true
      let isOver = false
      const next = (waiting: Waiting): Effect.Effect<Item, StorageError> =>
        Effect.gen({ self: this }, function* (): Effect.gen.Return<Item, StorageError> {
          if (isOver) return yield* Effect.never
          if (isFirst && this.faults.follows.shift() === true) return yield* failure("follow")
          for (;;) {
            yield* this.turn(`follow ${stream}`)
            if (waiting.broken) return yield* failure("connection")
            const { events, head } = this.history(stream)
            const behind = events.length - (at?.seq ?? 0)
            if (at !== undefined && !this.history(stream).has(at)) {
              isOver = true
              return { _tag: "Resync", reason: "lost", survived: undefined, head }
            }
            if (isFirst && behind > replayCap) {
              isOver = true
              return { _tag: "Resync", reason: "too-far", survived: undefined, head }
            }
            isFirst = false
            if (behind > 0) {
              const from = Math.max(0, (at?.seq ?? 0) + (this.faults.shifts.shift() ?? 0))
              const chunk = events.slice(from, from + 2)
              if (chunk.length === 0) continue
              at = { epoch: chunk.at(-1)!.epoch, seq: chunk.at(-1)!.seq }
              return { _tag: "Events", events: chunk, cursor: at, synced: at.seq }
            }
            if (!isCaughtUp) {
              isCaughtUp = true
              this.lagging.delete(stream)
              return { _tag: "CaughtUp", cursor: at }
            }
            yield* this.sleep(waiting)
            if (this.faults.lags.shift() === true) {
              isCaughtUp = false
              this.lagging.add(stream)
              return { _tag: "Lagged", dropped: 1 }
            }
          }
        })
      return this.counted(stream, next)
    },
    attention: ({ after } = {}) => {
      let told: Map<string, number> | undefined
      const next = (waiting: Waiting): Effect.Effect<Told, StorageError> =>
        Effect.gen({ self: this }, function* (): Effect.gen.Return<Told, StorageError> {
          for (;;) {
            yield* this.turn("attention")
            if (waiting.broken) return yield* failure("connection")
            if (told === undefined) {
              const from = after ?? this.heads()
              const good = [...from].filter(([stream, cursor]) => this.history(stream).has(cursor))
              // At least once: a lane that is taken up again repeats its last event.
              const last = after === undefined ? 0 : 1
              told = new Map(good.map(([stream, { seq }]) => [stream, seq - last]))
              if (after === undefined) {
                this.began ??= from
                return { _tag: "Began", after: from }
              }
            }
            for (const [stream, { events }] of this.histories) {
              const event = events.find(({ seq, type }) => type === "Asked" && seq > (told!.get(stream) ?? 0))
              if (event === undefined) continue
              told.set(stream, event.seq)
              return { _tag: "Attention", stream, event }
            }
            yield* this.sleep(waiting)
          }
        })
      return this.open(undefined, next)
    }
  }

  private heads(): ReadonlyMap<string, Cursor> {
    return new Map(
      [...this.histories].flatMap(([stream, { head }]) => (head === undefined ? [] : [[stream, head]]))
    )
  }

  /** Waits until the schedule comes to it. What goes round for ever is stopped, so that it can be told. */
  turn(label: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.turns++ < 2000) return Effect.promise(() => this.scheduler.schedule(Promise.resolve(), label))
      if (this.turns === 2001) this.wrong.push("C10 reopen: it never comes to rest")
      return Effect.never
    })
  }

  private sleep(waiting: Waiting): Effect.Effect<void> {
    return Effect.callback((resume) => {
      waiting.wake = () => resume(Effect.void)
    })
  }

  private open<A>(
    stream: string | undefined,
    next: (waiting: Waiting) => Effect.Effect<A, StorageError>
  ): Stream.Stream<A, StorageError> {
    return Stream.suspend(() => {
      const waiting = { wake: undefined, broken: false, stream }
      this.waiting.add(waiting)
      return Stream.ensuring(
        Stream.fromEffectRepeat(next(waiting)),
        Effect.sync(() => void this.waiting.delete(waiting))
      )
    })
  }

  /** A follow ends when the other side has heard of it, which takes a turn. */
  private counted<A>(
    stream: string,
    next: (waiting: Waiting) => Effect.Effect<A, StorageError>
  ): Stream.Stream<A, StorageError> {
    return Stream.suspend(() => {
      const now = (this.following.get(stream) ?? 0) + 1
      this.following.set(stream, now)
      if (now > 1) this.wrong.push(`C9 cap: ${now} follows of ${stream}`)
      if (this.following.size > this.capacity)
        this.wrong.push(`C9 cap: ${this.following.size} follows in the air`)
      const over = Effect.sync(() => void this.following.delete(stream))
      return Stream.ensuring(this.open(stream, next), Effect.andThen(this.turn(`end of ${stream}`), over))
    })
  }

  private wake(whom: (waiting: { readonly stream: string | undefined }) => boolean): void {
    for (const waiting of this.waiting) if (whom(waiting)) waiting.wake?.()
  }

  private breakOff(whom: (waiting: { readonly stream: string | undefined }) => boolean): void {
    for (const waiting of this.waiting) if (whom(waiting)) waiting.broken = true
    this.wake(whom)
  }
}

const failure = (operation: string) => new StorageError({ operation, cause: new Error("as scheduled") })
