/**
 * Implements `query` for a storage that can do no more than read a range of one stream: selection, cursors, filters,
 * limits, directions and batches are the same everywhere, so they stand here. A storage with indexes of its own
 * answers `query` itself, and the testkit compares both with a naive filter.
 */
import { Effect, Option, Stream } from "effect"
import { type Cursor, type Epoch, type Resync, resyncOf } from "./Cursor.ts"
import type { Batch, Head, Query, Selection, StoredEvent } from "./LogStorage.ts"
import { compareNames } from "./Name.ts"

/** What {@link scan} reads from. */
export interface Source<E> {
  readonly heads: (selection: Selection) => Effect.Effect<ReadonlyArray<Head>, E>
  /** The epochs of a stream that exists, ascending. */
  readonly epochs: (stream: string) => Effect.Effect<ReadonlyArray<Epoch>, E>
  /** The events `from..to` (both exist, inclusive) ascending. At most `batchEvents` of them are asked for at once. */
  readonly read: (stream: string, from: number, to: number) => Effect.Effect<ReadonlyArray<StoredEvent>, E>
}

/** Events a batch, unless the query says otherwise. */
export const defaultBatchEvents = 512

/** Which streams a selection asks for. */
export const selector = ({ streams, prefix }: Selection): ((stream: string) => boolean) => {
  const names = streams === undefined ? undefined : new Set(streams)
  return (stream) =>
    (names === undefined || names.has(stream)) && (prefix === undefined || stream.startsWith(prefix))
}

/** Whether a stream has the attributes that a query asks for. */
export const hasAttributes = (query: Query, head: Head): boolean =>
  query.attributes === undefined ||
  Object.entries(query.attributes).every(
    ([key, value]) => Object.hasOwn(head.attributes, key) && head.attributes[key] === value
  )

/** Whether an event passes a query's filters on type and time. Reads no `data`. */
export const matches = (query: Query, event: StoredEvent): boolean =>
  (query.types === undefined || query.types.includes(event.type)) &&
  (query.since === undefined || event.at >= query.since) &&
  (query.until === undefined || event.at < query.until)

/** The streams that must be answered even where nothing matches: those named in `streams` or `after`. */
const named = (query: Query): ReadonlyArray<string> =>
  query.attributes === undefined
    ? [...new Set([...(query.streams ?? []), ...(query.after?.keys() ?? [])])].filter(selector(query))
    : []

/** Where a stream stands in a query: its head, whether it must be answered, and whether its cursor can go on. */
export interface Target {
  readonly stream: string
  readonly head: Head | undefined
  readonly named: boolean
  readonly after: Cursor | undefined
  readonly resync: Resync | undefined
  /** The range to examine, inclusive; empty when `from > to`. */
  readonly from: number
  readonly to: number
}

/** The streams of a query in its order, each with the range to examine. */
export const targets = Effect.fnUntraced(function* <E>(
  query: Query,
  source: Pick<Source<E>, "heads" | "epochs">
) {
  const heads = (yield* source.heads(query)).filter((head) => hasAttributes(query, head))
  const must = new Set(named(query))
  const known = new Set(heads.map((head) => head.stream))
  const all: Array<{ readonly stream: string; readonly head?: Head }> = heads.map((head) => ({
    stream: head.stream,
    head
  }))
  for (const stream of must) if (!known.has(stream)) all.push({ stream })
  all.sort((a, b) => compareNames(a.stream, b.stream))
  const result: Array<Target> = []
  for (const { stream, head } of all) {
    const after = query.after?.get(stream)
    const epochs = after === undefined || head === undefined ? [] : yield* source.epochs(stream)
    result.push({
      stream,
      head,
      named: must.has(stream),
      after,
      resync: after === undefined ? undefined : resyncOf(after, epochs, head?.cursor.seq ?? 0),
      from: Math.max(1, query.fromSeq ?? 1, (after?.seq ?? 0) + 1),
      to: Math.min(head?.cursor.seq ?? 0, query.toSeq ?? Infinity)
    })
  }
  return query.direction === "backward" ? result.reverse() : result
})

/** A place in a plan: the stream, and how many of its events have been examined. */
interface Place {
  readonly index: number
  readonly examined: number
}

/** Batches to answer, and where to go on; nowhere at the end. */
type Step = readonly [ReadonlyArray<Batch>, Option.Option<Place>]

/** Answers a query, one range read a batch. Holds one batch at a time. */
export const scan = <E>(query: Query, source: Source<E>): Stream.Stream<Batch, E> =>
  Stream.unwrap(
    Effect.map(targets(query, source), (plan) => {
      const backward = query.direction === "backward"
      const size = query.batchEvents ?? defaultBatchEvents
      const unfiltered = query.types === undefined && query.since === undefined && query.until === undefined
      const idle = query.limit === 0
      const total = idle
        ? 0
        : plan.reduce((sum, t) => sum + (t.resync === undefined ? Math.max(0, t.to - t.from + 1) : 0), 0)
      let left = query.limit ?? Infinity
      let done = 0
      const progress = (): void => query.onProgress?.({ done, total, unit: "events" })
      const nextStream = ({ index }: Place): Option.Option<Place> =>
        Option.some({ index: index + 1, examined: 0 })

      /** What is answered of a stream in which there is nothing to read. */
      const silent = ({ after, head, named, resync, stream }: Target, at: Place): Step => {
        if (at.index === 0) progress()
        const batch: Batch = {
          stream,
          events: [],
          last: resync === undefined ? after : undefined,
          head: head?.cursor,
          ...(resync === undefined ? {} : { resync })
        }
        return [named || resync !== undefined ? [batch] : [], nextStream(at)]
      }

      /** The events of a range that match, as far as the limit goes. */
      const found = (range: ReadonlyArray<StoredEvent>): ReadonlyArray<StoredEvent> => {
        const matching = (backward ? range.toReversed() : range).filter((event) => matches(query, event))
        return matching.length > left ? matching.slice(0, left) : matching
      }

      const step = Effect.fnUntraced(function* (at: Place): Effect.fn.Return<Step, E> {
        const target = plan[at.index]
        if (target === undefined) return [[], Option.none()]
        const { head, stream } = target
        if (idle || target.resync !== undefined || head === undefined || target.from > target.to)
          return silent(target, at)
        const most = unfiltered ? Math.min(size, left) : size
        const from = backward
          ? Math.max(target.from, target.to - at.examined - most + 1)
          : target.from + at.examined
        const to = backward ? target.to - at.examined : Math.min(target.to, from + most - 1)
        const range = yield* source.read(stream, from, to)
        if (yield* isGone(source, head, range)) {
          done += target.to - target.from + 1 - at.examined
          progress()
          const nothing: Batch = { stream, events: [], last: undefined, head: undefined }
          return [target.named && at.examined === 0 ? [nothing] : [], nextStream(at)]
        }
        const events = found(range)
        left -= events.length
        const examined = at.examined + range.length
        const finished = examined > target.to - target.from
        done = left === 0 ? total : done + range.length
        progress()
        const { epoch, seq } = left === 0 ? events.at(-1)! : backward ? range[0]! : range.at(-1)!
        const batch: Batch = { stream, events, last: { epoch, seq }, head: head.cursor }
        return [
          events.length > 0 || (target.named && finished) ? [batch] : [],
          left === 0 ? Option.none() : finished ? nextStream(at) : Option.some({ index: at.index, examined })
        ]
      })
      return Stream.paginate({ index: 0, examined: 0 }, step)
    })
  )

/** Removed while it was read, and perhaps created again: nothing more is to be had of what it was (law V1). */
const isGone = Effect.fnUntraced(function* <E>(
  source: Source<E>,
  head: Head,
  range: ReadonlyArray<StoredEvent>
) {
  const epoch = range.at(-1)?.epoch
  if (epoch === undefined) return true
  if (epoch === head.cursor.epoch) return false
  return !(yield* source.epochs(head.stream)).some((known) => known.epoch === head.cursor.epoch)
})
