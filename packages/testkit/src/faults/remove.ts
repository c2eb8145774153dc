/** Faults in removal, and in what comes after it. */
import type { StoredSnapshot } from "@varve/core"
import { Effect, Stream } from "effect"
import { changed, eventsOf, type Fault, fault, headOf, headsOf } from "./Fault.ts"

export const removeFaults: ReadonlyArray<Fault> = [
  fault("V1 remove", "snapshots survive their stream", "derived files that nobody lists", (storage) => {
    const saved = new Map<string, StoredSnapshot>()
    return {
      ...storage,
      snapshots: {
        ...storage.snapshots,
        save: (all) => {
          for (const one of all) saved.set(`${one.projection}\n${one.stream}`, one)
          return storage.snapshots.save(all)
        },
        load: (projection, streams) =>
          Effect.sync(() => streams.flatMap((stream) => saved.get(`${projection}\n${stream}`) ?? []))
      }
    }
  }),
  fault("V1 remove", "removing says true for streams that never were", "rm -f", (storage) => ({
    ...storage,
    remove: (stream) => Effect.as(storage.remove(stream), true)
  })),
  fault(
    "V1 recreate",
    "attributes are inherited from the stream that was removed",
    "a row that is marked as deleted",
    (storage) => {
      const kept = new Map<string, Readonly<Record<string, string>>>()
      return {
        ...changed(storage, {
          head: (head) => ({ ...head, attributes: { ...kept.get(head.stream), ...head.attributes } })
        }),
        remove: (stream) =>
          Effect.andThen(
            Effect.map(headOf(storage, stream), (head) => head && kept.set(stream, head.attributes)),
            storage.remove(stream)
          )
      }
    }
  ),
  fault(
    "V1 neighbours",
    "remove takes all streams that begin with the name",
    "rm a*; LIKE 'a%'",
    (storage) => ({
      ...storage,
      remove: Effect.fnUntraced(function* (stream) {
        const heads = yield* headsOf(storage, { prefix: stream })
        for (const head of heads) yield* storage.remove(head.stream)
        return heads.some((head) => head.stream === stream)
      })
    })
  ),
  fault("V1 neighbours", "remove takes case twins", "a file system that folds case", (storage) => ({
    ...storage,
    remove: Effect.fnUntraced(function* (stream) {
      const found = yield* storage.remove(stream)
      for (const head of yield* headsOf(storage, {})) {
        if (head.stream.toLowerCase() === stream.toLowerCase()) yield* storage.remove(head.stream)
      }
      return found
    })
  })),
  fault(
    "V1 atomic-for-readers",
    "a reader goes on by number into the stream that was created again",
    "a range read per batch; core's own scan did so until this law was written",
    (storage) => ({
      ...storage,
      query: (query) => {
        const size = query.batchEvents
        const stream = query.streams?.[0]
        if (size === undefined || stream === undefined) return storage.query(query)
        return Stream.fromIterable([1, 2, 3], { chunkSize: 1 }).pipe(
          Stream.flatMap((page) =>
            storage.query({ ...query, fromSeq: (page - 1) * size + 1, toSeq: page * size })
          )
        )
      }
    })
  ),
  fault(
    "V1 neighbours",
    "removing a stream drops the snapshots of all",
    "a cache that is cleared as a whole",
    (storage) => ({
      ...storage,
      remove: (stream) =>
        Effect.tap(storage.remove(stream), (found) =>
          found ? Effect.orDie(storage.snapshots.drop()) : Effect.void
        )
    })
  ),
  fault(
    "model every-answer",
    "a group of nothing but duplicates sets its attributes",
    "attributes written before the events are looked at",
    (storage) => ({
      ...storage,
      append: Effect.fnUntraced(function* (groups) {
        const outcomes = yield* storage.append(groups)
        for (const [i, { stream, attributes, events }] of groups.entries()) {
          const outcome = outcomes[i]!
          const only =
            outcome._tag === "Appended" && events.length > 0 && outcome.duplicates.length === events.length
          if (only && attributes !== undefined)
            yield* storage.append([{ stream, attributes, events: [], durability: "written" }])
        }
        return outcomes
      })
    })
  ),
  fault(
    "model every-answer",
    "a second life of a stream has lost its first event",
    "an offset kept from before",
    (storage) => {
      const removed = new Set<string>()
      return {
        ...storage,
        remove: (stream) =>
          Effect.tap(storage.remove(stream), (found) => Effect.sync(() => found && removed.add(stream))),
        query: (query) => {
          if (query.after !== undefined) return storage.query(query)
          return Stream.unwrap(
            Effect.as(
              eventsOf(storage, { limit: 0 }),
              Stream.map(storage.query(query), (batch) => ({
                ...batch,
                events: removed.has(batch.stream)
                  ? batch.events.filter((event) => event.seq !== 1)
                  : batch.events
              }))
            )
          )
        }
      }
    }
  )
]
