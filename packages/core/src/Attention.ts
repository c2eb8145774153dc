/**
 * The lane of attention: events that want to be seen, of every stream, whoever follows it. It has cursors of its own and
 * moves nobody else's (law C8). An event may come twice and is never missed (law C11).
 */
import { Effect, Exit, Stream } from "effect"
import { type Cursor, sameCursor } from "./Cursor.ts"
import type { Damaged, ReadError, StorageError } from "./Errors.ts"
import * as EventSet from "./EventSet.ts"
import type { Following } from "./Follower.ts"
import type { Notification } from "./Listeners.ts"
import type { Attention, AttentionItem } from "./LiveSource.ts"
import type { Batch, Head, Query } from "./LogStorage.ts"

/** Events that one look reads of storage, at most. */
const pieceEvents = 512

/** The types of a set that want attention. */
const typesOf = (set: EventSet.Any): ReadonlyArray<string> =>
  Object.entries(set[EventSet.Definitions]).flatMap(([type, { attention }]) => (attention ? [type] : []))

class Lane<E extends EventSet.Any> {
  private readonly around: Following<E>
  private readonly types: ReadonlyArray<string>
  /** How far each stream was looked through. */
  private readonly cursors: Map<string, Cursor>
  /** Streams to be looked through, and where they end as far as was told. */
  private moved = new Map<string, Cursor>()
  wake: (() => void) | undefined
  ended = false
  readonly stop: () => void

  constructor(around: Following<E>, set: EventSet.Any, after: ReadonlyMap<string, Cursor>) {
    this.around = around
    this.types = typesOf(set)
    this.cursors = new Map(after)
    this.stop = around.moves.watchAll({
      told: (notification) => this.told(notification),
      found: (heads) => this.found(heads),
      ended: () => {
        this.ended = true
        this.wake?.()
      }
    })
  }

  get isIdle(): boolean {
    return this.moved.size === 0 && !this.ended
  }

  /** A group without such events, right behind what was looked through, costs no reading. */
  private told({ events, head, stream }: Notification): void {
    if (head === undefined) return
    const cursor = this.cursors.get(stream)
    const first = events[0]
    const isNext =
      first !== undefined &&
      (cursor === undefined
        ? first.seq === 1
        : first.seq === cursor.seq + 1 && first.epoch === cursor.epoch) &&
      first.seq + events.length - 1 === head.cursor.seq
    if (isNext && !events.some(({ type }) => this.types.includes(type)) && !this.moved.has(stream))
      return void this.cursors.set(stream, head.cursor)
    this.moved.set(stream, head.cursor)
    this.wake?.()
  }

  found(heads: ReadonlyArray<Head>): void {
    for (const { cursor, stream } of heads)
      if (!sameCursor(this.cursors.get(stream), cursor)) this.moved.set(stream, cursor)
    if (this.moved.size > 0) this.wake?.()
  }

  /** What stands in the streams that moved, a bounded piece of it. */
  readonly read: Effect.Effect<ReadonlyArray<Attention<E>>, StorageError | Damaged> = Effect.suspend(() => {
    const streams = [...this.moved.keys()]
    if (streams.length === 0 || this.types.length === 0) {
      this.moved.clear()
      return Effect.succeed([])
    }
    const { moved } = this
    this.moved = new Map()
    const after = new Map<string, Cursor>()
    for (const stream of streams) {
      const cursor = this.cursors.get(stream)
      if (cursor !== undefined) after.set(stream, cursor)
    }
    const query: Query = {
      streams,
      types: this.types,
      ...(after.size === 0 ? {} : { after }),
      limit: pieceEvents,
      batchEvents: pieceEvents
    }
    const found: Array<Attention<E>> = []
    const take = (batch: Batch): void => {
      const { events, head, last, resync, stream } = batch
      if (resync !== undefined) {
        if (resync.survived === undefined) this.cursors.delete(stream)
        else this.cursors.set(stream, resync.survived)
        if (head !== undefined) this.moved.set(stream, head)
        moved.delete(stream)
        return
      }
      for (const event of events) found.push({ _tag: "Attention", stream, event: this.around.decode(event) })
      if (last !== undefined) this.cursors.set(stream, last)
      if (head === undefined || sameCursor(last, head)) moved.delete(stream)
    }
    return Stream.runForEach(this.around.storage.query(query), (batch) =>
      Effect.sync(() => take(batch))
    ).pipe(
      Effect.onExit((exit) =>
        Effect.sync(() => {
          // What the limit cut off, or a failure, is still to be looked through.
          if (Exit.isSuccess(exit) && found.length < pieceEvents) return
          for (const [stream, head] of moved) if (!this.moved.has(stream)) this.moved.set(stream, head)
        })
      ),
      Effect.map(() => found)
    )
  })
}

/** `begin` settles what was recorded before (law O5). */
export const attention = <E extends EventSet.Any>(
  around: Following<E>,
  set: EventSet.Any,
  begin: Effect.Effect<void, ReadError>,
  after: ReadonlyMap<string, Cursor> | undefined
): Stream.Stream<AttentionItem<E>, ReadError> =>
  Stream.unwrap(
    Effect.gen(function* () {
      yield* begin
      const heads = (): Effect.Effect<ReadonlyArray<Head>, ReadError> => around.storage.heads({})
      // Without cursors it begins at the heads: what is told while they are read is behind one of them, or is read.
      const began = after ?? new Map((yield* heads()).map(({ cursor, stream }) => [stream, cursor]))
      const lane = yield* Effect.acquireRelease(
        Effect.sync(() => new Lane(around, set, began)),
        ({ stop }) => Effect.sync(stop)
      )
      lane.found(yield* heads())
      const moved = Effect.callback<void>((resume) => {
        if (!lane.isIdle) return resume(Exit.void)
        lane.wake = () => {
          lane.wake = undefined
          resume(Exit.void)
        }
        return Effect.sync(() => void (lane.wake = undefined))
      })
      const next: Effect.Effect<ReadonlyArray<Attention<E>> | undefined, ReadError> = Effect.suspend(() => {
        if (lane.ended) return Effect.undefined
        if (lane.isIdle) return Effect.andThen(moved, next)
        return Effect.flatMap(lane.read, (found) => (found.length === 0 ? next : Effect.succeed(found)))
      })
      const coming = Stream.fromEffectRepeat(next).pipe(
        Stream.takeWhile((found) => found !== undefined),
        Stream.flatMap((found) => Stream.fromIterable(found as ReadonlyArray<AttentionItem<E>>))
      )
      return after === undefined
        ? Stream.concat(Stream.succeed<AttentionItem<E>>({ _tag: "Began", after: began }), coming)
        : coming
    })
  )
