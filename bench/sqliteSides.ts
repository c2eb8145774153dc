/** The two sides of every row over SQLite: our log, and better-sqlite3 alone, each on a fresh file. */
import { SqliteStorage } from "@varve/adapter-sqlite"
import { type PromiseLog, Varve } from "@varve/core"
import { scratch, Session } from "./load.ts"
import type { Side } from "./measure.ts"
import { rawSqlite } from "./rawSqlite.ts"

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
    },
    run: () => run(raw),
    clean: () => {
      raw.close()
      place.remove()
    }
  }
}
