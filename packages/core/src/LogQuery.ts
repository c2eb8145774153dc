/** What is asked of a log and what it answers: the storage's query with the event set's types, decoded. */
import { Array, Effect, Stream } from "effect"
import type { Cursor, Resync } from "./Cursor.ts"
import { CursorLost, type ReadError } from "./Errors.ts"
import type * as EventSet from "./EventSet.ts"
import type { Batch as StoredBatch, Query as StorageQuery } from "./LogStorage.ts"

/** A query, with the event types of the set. */
export interface Query<E extends EventSet.Any> extends Omit<StorageQuery, "types"> {
  readonly types?: ReadonlyArray<EventSet.Type<E>>
}

/** What of one stream to read; everything by default. */
export interface ReadOptions<E extends EventSet.Any> extends Omit<
  Query<E>,
  "streams" | "prefix" | "after" | "attributes" | "order" | "onDamage"
> {
  /** Only what comes behind this cursor. Fails with `CursorLost` when it cannot go on. */
  readonly after?: Cursor | undefined
}

/** A query that is answered stream by stream. */
export type ByStreamQuery<E extends EventSet.Any> = Omit<Query<E>, "order" | "onDamage">

/** A piece of an answer, of one stream. */
export interface Batch<E extends EventSet.Any> extends Omit<StoredBatch, "events"> {
  readonly events: ReadonlyArray<EventSet.Stored<E>>
}

/** What a query answers of one stream. */
export interface StreamAnswer<E extends EventSet.Any> {
  readonly stream: string
  /** Where the stream ended when it was read; `undefined` when it doesn't exist. */
  readonly head: Cursor | undefined
  /** Set when the stream's `after` cannot go on; then it has no events here. */
  readonly resync: Resync | undefined
  /** Its events in order, to be pulled once, before the next stream is asked for. */
  readonly events: Stream.Stream<EventSet.Stored<E>, ReadError>
}

/** The events of one stream in batches. */
export const readBatches = <E extends EventSet.Any>(
  query: (query?: Query<E>) => Stream.Stream<Batch<E>, ReadError>,
  stream: string,
  { after, ...rest }: ReadOptions<E> = {}
): Stream.Stream<ReadonlyArray<EventSet.Stored<E>>, ReadError | CursorLost> =>
  query({
    ...rest,
    streams: [stream],
    ...(after === undefined ? {} : { after: new Map([[stream, after]]) })
  }).pipe(
    Stream.mapEffect((batch) =>
      batch.resync === undefined
        ? Effect.succeed(batch.events)
        : Effect.fail(new CursorLost({ stream, ...batch.resync }))
    )
  )

/** Of batches their events, still pulled a batch at a time. */
export const flattenBatches = <A, Err>(
  batches: Stream.Stream<ReadonlyArray<A>, Err>
): Stream.Stream<A, Err> => Stream.flattenArray(Stream.filter(batches, Array.isReadonlyArrayNonEmpty))
