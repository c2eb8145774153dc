/** Faults in queries. */
import type { Batch, Query, StorageService, StoredEvent } from "@varve/core"
import { Effect, Stream } from "effect"
import { changed, eventsOf, type Fault, fault, faultInModel } from "./Fault.ts"

/** Answers a query from all batches at once. */
const collected = (
  storage: StorageService,
  answer: (batches: ReadonlyArray<Batch>, query: Query) => ReadonlyArray<Batch>,
  ask = (query: Query) => query
) => ({
  ...storage,
  query: (query: Query) =>
    Stream.unwrap(
      Effect.map(Stream.runCollect(storage.query(ask(query))), (batches) =>
        Stream.fromIterable(answer(batches, query), { chunkSize: 1 })
      )
    )
})

/** A filter over what comes out, in place of the storage's own. */
const filtered = (
  storage: StorageService,
  without: Partial<Query>,
  keep: (event: StoredEvent, query: Query) => boolean
): StorageService =>
  changed(storage, {
    query: (query) => ({ ...query, ...without }),
    batch: (batch, query) => ({ ...batch, events: batch.events.filter((event) => keep(event, query)) })
  })

export const queryFaults: ReadonlyArray<Fault> = [
  fault(
    "Q1 equals-naive",
    "the limit holds per stream",
    "a LIMIT in the query of each stream",
    (storage) => ({
      ...storage,
      query: (query) =>
        Stream.unwrap(
          Effect.map(storage.heads(query), (heads) =>
            Stream.fromIterable(heads).pipe(
              Stream.flatMap((head) => storage.query({ ...query, streams: [head.stream] }))
            )
          )
        )
    })
  ),
  fault("Q1 equals-naive", "`until` is inclusive", "BETWEEN", (storage) =>
    changed(storage, {
      query: (query) => (query.until === undefined ? query : { ...query, until: query.until + 1 })
    })
  ),
  fault(
    "Q3 batches",
    "each batch says how far the whole answer goes",
    "`last` set once, by the caller",
    (storage) =>
      collected(storage, (batches) =>
        batches.map((batch) => ({
          ...batch,
          last: batches.findLast(({ stream }) => stream === batch.stream)?.last
        }))
      )
  ),
  fault("Q7 bounds", "`toSeq` is exclusive", "slice(from, to)", (storage) =>
    changed(storage, {
      query: (query) => (query.toSeq === undefined ? query : { ...query, toSeq: query.toSeq - 1 })
    })
  ),
  fault(
    "Q1 equals-naive",
    "one of the attributes is enough",
    "WHERE key IN (...) without counting",
    (storage) => ({
      ...storage,
      query: (query) => {
        const first = Object.entries(query.attributes ?? {}).slice(0, 1)
        return storage.query(
          query.attributes === undefined ? query : { ...query, attributes: Object.fromEntries(first) }
        )
      }
    })
  ),
  fault("Q1 backward", "the limit is taken before the order is turned", "take(limit).reverse()", (storage) =>
    collected(
      storage,
      (batches, query) =>
        query.direction === "backward"
          ? batches.toReversed().map((batch) => ({ ...batch, events: batch.events.toReversed() }))
          : batches,
      (query) => ({ ...query, direction: "forward" })
    )
  ),
  fault(
    "Q1 pages",
    "`last` is where the stream ends, not where the answer does",
    "head taken for last",
    (storage) => changed(storage, { batch: (batch) => ({ ...batch, last: batch.head }) })
  ),
  faultInModel(
    "Q1 total-order: any query",
    "cursors don't count in the total order",
    "a statement of its own, without the filter",
    (storage) =>
      changed(storage, {
        query: (query) => (query.order === "total" ? { ...query, after: undefined } : query)
      })
  ),
  faultInModel("Q1 total-order", "the total order is by the events' times", "ORDER BY at", (storage) =>
    collected(storage, (batches, query) =>
      query.order === "total"
        ? batches.toSorted((a, b) => (a.events[0]?.at ?? 0) - (b.events[0]?.at ?? 0))
        : batches
    )
  ),
  fault(
    "Q2 one-pass",
    "each stream of a query is a scan of all",
    "burn #214: 169 sessions x 190 MB",
    (storage) => ({
      ...storage,
      query: (query) =>
        Stream.unwrap(
          Effect.gen(function* () {
            for (const _ of yield* storage.heads(query)) yield* eventsOf(storage, {})
            return storage.query(query)
          })
        )
    })
  ),
  fault(
    "Q2 many-streams",
    "each name is a parameter of a statement",
    "SQLite: too many SQL variables, from 32,767 on",
    (storage) =>
      changed(storage, {
        selection: (selection) => {
          if ((selection.streams?.length ?? 0) > 32_766) throw new Error("too many SQL variables")
          return selection
        }
      })
  ),
  fault("Q3 batches", "a stream is one batch, however long", "SELECT * into an array", (storage) =>
    changed(storage, { query: (query) => ({ ...query, batchEvents: 1e9 }) })
  ),
  fault("Q3 stops-early", "all is read before the first batch is answered", "statement.all()", (storage) =>
    collected(storage, (batches) => batches)
  ),
  fault(
    "Q3 stops-early",
    "goes on reading when the reader has stopped",
    "a buffer between reader and consumer",
    (storage) => ({
      ...storage,
      query: (query) => Stream.buffer(storage.query(query), { capacity: "unbounded" })
    })
  ),
  fault("Q4 time-is-no-order", "stops at the first event past `until`", "time taken for order", (storage) => {
    const past = new Set<string>()
    return filtered(
      storage,
      { since: undefined, until: undefined },
      (event, { since = -Infinity, until = Infinity }) => {
        if (event.seq === 1) past.delete(event.stream)
        if (event.at >= until) past.add(event.stream)
        return event.at >= since && !past.has(event.stream)
      }
    )
  }),
  fault(
    "Q4 time-is-no-order",
    "skips streams whose last event is too old",
    "an index of last activity",
    (storage) =>
      collected(
        storage,
        (batches, { since = -Infinity }) => {
          const last = new Map(batches.map((batch) => [batch.stream, batch.events.at(-1)?.at ?? 0]))
          return batches.filter((batch) => last.get(batch.stream)! >= since)
        },
        (query) => ({ ...query, since: undefined })
      )
  ),
  fault("Q5 stable", "pages go on by time, so that ties are skipped", "WHERE at > ?", (storage) => ({
    ...storage,
    query: (query) =>
      Stream.unwrap(
        Effect.map(eventsOf(storage, { prefix: query.prefix, streams: query.streams }), (all) => {
          const at = new Map(all.map((event) => [`${event.stream}\n${event.seq}`, event.at]))
          return Stream.map(storage.query(query), (batch) => {
            const cursor = query.after?.get(batch.stream)
            const time = at.get(`${batch.stream}\n${cursor?.seq}`) ?? -Infinity
            return { ...batch, events: batch.events.filter((event) => event.at > time) }
          })
        })
      )
  })),
  fault(
    "Q6 progress",
    "progress begins again with each stream",
    "a counter inside of the loop",
    (storage) => ({
      ...storage,
      query: (query) => {
        let stream: string | undefined
        let start = 0
        let told = 0
        return Stream.map(
          storage.query({
            ...query,
            onProgress: (now) => query.onProgress?.({ ...now, done: (told = now.done) - start })
          }),
          (batch) => {
            if (batch.stream !== stream) start = stream === undefined ? 0 : told
            stream = batch.stream
            return batch
          }
        )
      }
    })
  ),
  fault(
    "Q6 progress",
    "progress never reaches its total",
    "done counted in matches, total in events",
    (storage) =>
      changed(storage, {
        query: (query) => ({
          ...query,
          onProgress: query.onProgress && ((now) => query.onProgress?.({ ...now, total: now.total + 1 }))
        })
      })
  ),
  fault("Q7 bounds", "limit 0 means no limit", "`if (limit)`", (storage) =>
    changed(storage, { query: (query) => (query.limit === 0 ? { ...query, limit: undefined } : query) })
  ),
  fault("Q7 bounds", "a range that is turned round is an error", "assert(from <= to)", (storage) =>
    changed(storage, {
      query: (query) => {
        if ((query.fromSeq ?? 1) > (query.toSeq ?? Infinity)) throw new RangeError("from > to")
        return query
      }
    })
  ),
  fault("Q7 bounds", "unknown streams aren't answered", "an inner join", (storage) => ({
    ...storage,
    query: (query) => Stream.filter(storage.query(query), (batch) => batch.head !== undefined)
  }))
]
