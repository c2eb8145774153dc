/** Appending to SQLite, against better-sqlite3 alone. Both at the same durability, and awaited one by one. */
import { SqliteStorage } from "@varve/adapter-sqlite"
import { type PromiseLog, Varve } from "@varve/core"
import { chunks, scratch, Session, streams } from "../load.ts"
import type { Row, Side } from "../measure.ts"
import { rawSqlite } from "../rawSqlite.ts"

interface Load {
  readonly batch: number
  readonly batches: number
  readonly durability: "written" | "synced"
}

const ours = ({ batch, batches, durability }: Load): Side => {
  let log: PromiseLog<typeof Session>
  let place: ReturnType<typeof scratch>
  return {
    prepare: async () => {
      place = scratch()
      log = await Varve.open({
        events: Session,
        storage: SqliteStorage.layer({ filename: place.path("log.db") })
      })
    },
    run: async () => {
      for (let i = 0; i < batches; i++)
        await log.append(streams[i % streams.length]!, chunks(batch), { durability })
      return batch * batches
    },
    clean: async () => {
      await log.close()
      place.remove()
    }
  }
}

const theirs = ({ batch, batches, durability }: Load): Side => {
  let raw: ReturnType<typeof rawSqlite>
  let place: ReturnType<typeof scratch>
  return {
    prepare: () => {
      place = scratch()
      raw = rawSqlite(place.path("raw.db"), durability === "synced" ? "FULL" : "NORMAL")
    },
    run: () => {
      for (let i = 0; i < batches; i++) raw.append(i % streams.length, chunks(batch))
      return batch * batches
    },
    clean: () => {
      raw.close()
      place.remove()
    }
  }
}

const row = (id: string, what: string, atLeast: number, load: Load): Row => ({
  id,
  what,
  unit: "events/s",
  goal: { atLeast },
  ours: () => ours(load),
  theirs: () => theirs(load)
})

export const sqliteRows: ReadonlyArray<Row> = [
  row("append-batch-sqlite", "15 events a transaction, NORMAL: log.append / better-sqlite3", 0.8, {
    batch: 15,
    batches: 1000,
    durability: "written"
  }),
  row("append-one-sqlite", "1 event a transaction, NORMAL: log.append / better-sqlite3", 0.6, {
    batch: 1,
    batches: 4000,
    durability: "written"
  }),
  row("append-synced-sqlite", "15 events a transaction, FULL: log.append / better-sqlite3", 0.85, {
    batch: 15,
    batches: 300,
    durability: "synced"
  })
]
