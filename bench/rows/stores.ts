/** What a store costs at rest: opening a large one, the state of an old session, bytes on disk and in memory. */
import { randomUUID } from "node:crypto"
import { readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { Projection } from "@varve/core"
import { Schema } from "effect"
import { manyStreams, oneLongStream, sealedStreams } from "../bigStores.ts"
import { freshProcess } from "../freshProcess.ts"
import { chunk, scratch, Session, streams } from "../load.ts"
import { constant, milliseconds, quantileOf, type Row, type Scale, type Side } from "../measure.ts"
import { openSessions, type SessionLog, type StorageName, storageNames } from "../storages.ts"

interface Opened {
  readonly ms: number
  readonly MB: number
  readonly streams: number
}

const opening =
  (name: StorageName, events: number, unit: "ms" | "MB") =>
  (scale: Scale): Side => ({
    run: async () => {
      const streams = scale === "quick" ? 1_000 : 10_000
      const path = await manyStreams(name, streams, events)
      const opened = await freshProcess<Opened>("openStore", name, path)
      if (opened.streams !== streams) throw new Error(`${opened.streams} streams were found`)
      return opened[unit]
    }
  })

const openRows = (
  name: StorageName,
  id: string,
  events: number,
  asked: Pick<Row, "onlyAsked">
): ReadonlyArray<Row> => {
  const what = `10,000 streams of ${events} events in a fresh process: open, all heads, first append`
  return [
    {
      ...asked,
      id: `${id}-${name}-time`,
      what: `${what} / 150 ms`,
      unit: "ms",
      goal: { atMost: 1 },
      ours: opening(name, events, "ms"),
      theirs: () => constant(150)
    },
    {
      ...asked,
      id: `${id}-${name}-memory`,
      what: `${what}: what the process grew by / 64 MB`,
      unit: "MB",
      goal: { atMost: 1 },
      ours: opening(name, events, "MB"),
      theirs: () => constant(64)
    }
  ]
}

/** A small state of a stream of any length. */
const Messages = Projection.make(Session, {
  name: "messages",
  version: 1,
  state: Schema.Struct({ chunks: Schema.Number, characters: Schema.Number }),
  initial: () => ({ chunks: 0, characters: 0 }),
  on: {
    Chunk: (state, { data }) => {
      state.chunks++
      state.characters += data.text.length
    }
  }
})

/** Asks for the state in logs that were just opened: microseconds, the median of them. */
const asking =
  (name: StorageName, stream: "small" | "large") =>
  async (scale: Scale): Promise<Side> => {
    const path = await sealedStreams(name, scale, async (log) => {
      for (const each of ["small", "large"]) await log.state(each, Messages)
    })
    let logs: ReadonlyArray<SessionLog>
    return {
      prepare: async () => {
        logs = await Promise.all(Array.from({ length: 30 }, () => openSessions(name, path)))
      },
      run: async () => {
        const times: Array<number> = []
        for (const log of logs) times.push(await milliseconds(() => log.state(stream, Messages)))
        return quantileOf(times, 0.5) * 1000
      },
      clean: () => Promise.all(logs.map((log) => log.close()))
    }
  }

const sealedRows = storageNames.map((name): Row => ({
  id: `sealed-open-${name}`,
  what: "the small state of a sealed stream, in a log just opened: of 1,000,000 events / of 1,000",
  unit: "us",
  goal: { atMost: 1.2 },
  ours: asking(name, "large"),
  theirs: asking(name, "small")
}))

const sizeOf = (path: string): number => {
  const stats = statSync(path)
  return stats.isDirectory()
    ? readdirSync(path).reduce((sum, entry) => sum + sizeOf(join(path, entry)), 0)
    : stats.size
}

const diskRow = (name: StorageName, most: number): Row => ({
  id: `disk-overhead-${name}`,
  what: `bytes on disk an event beyond its data's text, of events with UUIDs in batches of 15 over 100 streams / ${most}`,
  unit: "bytes",
  goal: { atMost: 1 },
  ours: () => ({
    run: async () => {
      const place = scratch()
      const log = await openSessions(name, place.path("store"))
      let count = 0
      let text = 0
      for (let i = 0; i < 2_000; i++) {
        const events = Array.from({ length: 15 }, () => chunk(undefined, { id: randomUUID() }))
        await log.append(streams[i % streams.length]!, events)
        for (const { data } of events) text += Buffer.byteLength(JSON.stringify(data))
        count += events.length
      }
      await log.close()
      const bytes = sizeOf(place.path("."))
      place.remove()
      return (bytes - text) / count
    }
  }),
  theirs: () => constant(most)
})

const dedupRow: Row = {
  id: "dedup-memory",
  // The table of ids has just grown at this number: no other costs more an event.
  what: "bytes in memory for each of the 210,000 events of a stream in use, FileStorage (SQLite holds none) / 24",
  unit: "bytes",
  goal: { atMost: 1 },
  ours: () => ({
    run: async () => {
      const path = await oneLongStream("file", 210_000)
      return (await freshProcess<{ readonly bytes: number }>("dedupMemory", "file", path)).bytes
    }
  }),
  theirs: () => constant(24)
}

export const storeRows: ReadonlyArray<Row> = [
  ...storageNames.flatMap((name) => openRows(name, "open-store", 100, {})),
  ...storageNames.flatMap((name) => openRows(name, "open-store-10m", 1000, { onlyAsked: "open-store-10m" })),
  ...sealedRows,
  diskRow("sqlite", 200),
  diskRow("file", 130),
  dedupRow
]
