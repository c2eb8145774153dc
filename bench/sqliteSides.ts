/**
 * The two sides of every row over SQLite: our log, and better-sqlite3 alone, each on a fresh file of sessions that are
 * under way: its streams are there, and its write-ahead log has grown to the size that it keeps.
 */
import { SqliteStorage } from "@varve/adapter-sqlite"
import { type PromiseLog, Varve } from "@varve/core"
import { chunks, scratch, Session, streams } from "./load.ts"
import type { Side } from "./measure.ts"
import { rawSqlite } from "./rawSqlite.ts"

/** As many groups of 15 as make the log grow beyond SQLite's own bound of 1,000 pages. */
const warmUp = 200

export const ourSqlite = (run: (log: PromiseLog<typeof Session>) => Promise<number>): Side => {
  let log: PromiseLog<typeof Session>
  let place: ReturnType<typeof scratch>
  return {
    prepare: async () => {
      place = scratch()
      log = await Varve.open({
        events: Session,
        storage: SqliteStorage.layer({ filename: place.path("log.db") })
      })
      for (let i = 0; i < warmUp; i++)
        await log.append(streams[i % streams.length]!, chunks(15), { durability: "synced" })
    },
    run: () => run(log),
    clean: async () => {
      await log.close()
      place.remove()
    }
  }
}

type Raw = ReturnType<typeof rawSqlite>

export const theirSqlite = (
  synchronous: "NORMAL" | "FULL",
  run: (raw: Raw) => number | Promise<number>
): Side => {
  let raw: Raw
  let place: ReturnType<typeof scratch>
  return {
    prepare: () => {
      place = scratch()
      raw = rawSqlite(place.path("raw.db"), synchronous)
      for (let i = 0; i < warmUp; i++) raw.append(i % streams.length, chunks(15))
    },
    run: () => run(raw),
    clean: () => {
      raw.close()
      place.remove()
    }
  }
}
