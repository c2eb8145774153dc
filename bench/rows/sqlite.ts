/** Appending to SQLite, against better-sqlite3 alone. Both at the same durability, and awaited one by one. */
import { chunks, streams } from "../load.ts"
import type { Row } from "../measure.ts"
import { ourSqlite, theirSqlite } from "../sqliteSides.ts"

const row = (
  id: string,
  what: string,
  atLeast: number,
  batch: number,
  batches: number,
  durability: "written" | "synced"
): Row => ({
  id,
  what: `${what}: log.append / better-sqlite3`,
  unit: "events/s",
  goal: { atLeast },
  ours: () =>
    ourSqlite(async (log) => {
      for (let i = 0; i < batches; i++)
        await log.append(streams[i % streams.length]!, chunks(batch), { durability })
      return batch * batches
    }),
  theirs: () =>
    theirSqlite(durability === "synced" ? "FULL" : "NORMAL", (raw) => {
      for (let i = 0; i < batches; i++) raw.append(i % streams.length, chunks(batch))
      return batch * batches
    })
})

export const sqliteRows: ReadonlyArray<Row> = [
  row("append-batch-sqlite", "15 events a transaction, NORMAL", 0.8, 15, 1500, "written"),
  row("append-one-sqlite", "1 event a transaction, NORMAL", 0.6, 1, 8000, "written"),
  row("append-synced-sqlite", "15 events a transaction, FULL", 0.85, 15, 600, "synced")
]
