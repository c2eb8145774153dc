/**
 * The reference model behind the seam: a storage that claims every capability and keeps each in the plainest way.
 * For comparing with, and for planting faults in capabilities that a simpler storage doesn't have. Slow by intent.
 */
import { LogStorage, type Query, type StorageService } from "@varve/core"
import { Clock, Effect, Layer, Stream } from "effect"
import { Model } from "./Model.ts"

/** A new, empty store in memory, kept in the plainest way: O(everything) an ask. */
export const modelStorage = (): StorageService => {
  const model = new Model()
  const counters = { appends: 0, syncs: 0, queries: 0, eventsRead: 0, bytesRead: 0 }
  const batches = function* (query: Query) {
    const size = query.batchEvents ?? 512
    const answer = model.query(query)
    const total = answer.reduce((sum, batch) => sum + batch.events.length, 0)
    let done = 0
    query.onProgress?.({ done, total, unit: "events" })
    for (const batch of answer) {
      for (let i = 0; i === 0 || i < batch.events.length; i += size) {
        const events = batch.events.slice(i, i + size)
        const at = events.at(-1)
        counters.eventsRead += events.length
        done += events.length
        if (events.length > 0) query.onProgress?.({ done, total, unit: "events" })
        // Only a batch that ends its stream's part may point beyond its events.
        const inner = query.order === "total" || i + size < batch.events.length
        yield {
          ...batch,
          events,
          last: inner && at !== undefined ? { epoch: at.epoch, seq: at.seq } : batch.last
        }
      }
    }
  }
  return {
    supports: {
      durability: "power",
      sharedWriters: true,
      totalOrder: true,
      reverse: true,
      checksums: false,
      counters: true,
      atomicAcrossStreams: true,
      hints: false
    },
    limits: { groupEvents: Infinity, groupBytes: Infinity },
    append: (groups) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        counters.appends++
        return groups.map((group) => model.append(group, now))
      }),
    query: (query) => {
      counters.queries++
      return Stream.suspend(() => Stream.fromIterable(batches(query), { chunkSize: 1 }))
    },
    heads: (selection) => Effect.sync(() => model.heads(selection)),
    snapshots: {
      load: (projection, streams) => Effect.sync(() => model.load(projection, streams)),
      save: (snapshots) => Effect.sync(() => model.save(snapshots)),
      drop: (projection) => Effect.sync(() => model.drop(projection))
    },
    remove: (stream) => Effect.sync(() => model.remove(stream)),
    sync: Effect.sync(() => model.sync()),
    release: () => Effect.void,
    counters: () => ({ ...counters })
  }
}

/** Each build is a store of its own. */
export const modelLayer: Layer.Layer<LogStorage> = Layer.sync(LogStorage, modelStorage)
