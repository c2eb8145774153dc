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
export const named = (query: Query): ReadonlyArray<string> =>
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

/** Answers a query, one range read a batch. Holds one batch at a time. */
export const scan = <E>(query: Query, source: Source<E>): Stream.Stream<Batch, E> =>
  Stream.unwrap(
    Effect.map(targets(query, source), (plan) => {
      const backward = query.direction === "backward"
      const size = Math.max(1, query.batchEvents ?? defaultBatchEvents)
      let left = query.limit ?? Infinity
      const total = plan.reduce(
        (sum, t) => sum + (t.resync === undefined && left > 0 ? Math.max(0, t.to - t.from + 1) : 0),
        0
      )
      let done = 0
      const progress = (): void => query.onProgress?.({ done, total, unit: "events" })

      const step = Effect.fnUntraced(function* (at: { readonly index: number; readonly examined: number }) {
        const target = plan[at.index]
        if (target === undefined) return end
        const { stream, after, head, resync } = target
        if (resync !== undefined || head === undefined || left === 0 || target.from > target.to) {
          if (at.index === 0) progress()
          if (left === 0 && query.limit !== 0) return end
          const last = after !== undefined && resync === undefined ? after : undefined
          const batch: Batch = {
            stream,
            events: [],
            last,
            head: head?.cursor,
            ...(resync === undefined ? {} : { resync })
          }
          return [
            target.named || resync !== undefined ? [batch] : [],
            Option.some({ index: at.index + 1, examined: 0 })
          ] as const
        }
        const from = backward
          ? Math.max(target.from, target.to - at.examined - size + 1)
          : target.from + at.examined
        const to = backward ? target.to - at.examined : Math.min(target.to, from + size - 1)
        const range = yield* source.read(stream, from, to)
        // Removed while it was read, and perhaps created again: nothing more is to be had of what it was (law V1).
        const epoch = range.at(-1)?.epoch
        if (
          epoch === undefined ||
          (epoch !== head.cursor.epoch &&
            !(yield* source.epochs(stream)).some((known) => known.epoch === head.cursor.epoch))
        ) {
          done += target.to - target.from + 1 - at.examined
          progress()
          const nothing: Batch = { stream, events: [], last: undefined, head: undefined }
          return [
            target.named && at.examined === 0 ? [nothing] : [],
            Option.some({ index: at.index + 1, examined: 0 })
          ] as const
        }
        const found = (backward ? range.toReversed() : range).filter((event) => matches(query, event))
        const events = found.slice(0, Math.min(found.length, left))
        left -= events.length
        done += range.length
        const examined = at.examined + range.length
        const finished = examined > target.to - target.from
        const examinedLast = left === 0 ? events.at(-1)! : backward ? range[0]! : range.at(-1)!
        if (left === 0) done = total
        progress()
        const batch: Batch = {
          stream,
          events,
          last: { epoch: examinedLast.epoch, seq: examinedLast.seq },
          head: head.cursor
        }
        return [
          events.length > 0 || (target.named && finished) ? [batch] : [],
          left === 0
            ? Option.none()
            : Option.some(finished ? { index: at.index + 1, examined: 0 } : { index: at.index, examined })
        ] as const
      })
      return Stream.paginate({ index: 0, examined: 0 }, step)
    })
  )

const end = [
  [] as ReadonlyArray<Batch>,
  Option.none<{ readonly index: number; readonly examined: number }>()
] as const
