/** Appending, against the raw limit of the same durability. Both are awaited one by one. */
import { chunks, streams } from "../load.ts"
import type { Row } from "../measure.ts"
import { ours, theirFiles, theirSqlite } from "../sides.ts"

interface Load {
  readonly id: string
  readonly atLeast: number
  readonly batch: number
  readonly batches: number
  readonly durability: "written" | "synced"
}

const sqlite = {
  ours: ours("sqlite"),
  theirs: (durability: Load["durability"]) => theirSqlite(durability === "synced" ? "FULL" : "NORMAL"),
  raw: { written: "better-sqlite3 NORMAL", synced: "better-sqlite3 FULL" }
}
const files = {
  ours: ours("file"),
  theirs: (durability: Load["durability"]) => theirFiles(durability === "synced"),
  raw: { written: "JSON.stringify + writeSync", synced: "JSON.stringify + writeSync + fdatasyncSync" }
}

const row = (
  { ours: our, raw, theirs }: typeof sqlite,
  { atLeast, batch, batches, durability, id }: Load
): Row => ({
  id,
  what: `${batch === 1 ? "1 event" : `${batch} events`} a time over 100 streams, ${durability}: log.append / ${raw[durability]}`,
  unit: "events/s",
  goal: { atLeast },
  ours: () =>
    our(async (log) => {
      for (let i = 0; i < batches; i++)
        await log.append(streams[i % streams.length]!, chunks(batch), { durability })
      return batch * batches
    }),
  theirs: () =>
    theirs(durability)((to) => {
      for (let i = 0; i < batches; i++) to.append(i % streams.length, chunks(batch))
      return batch * batches
    })
})

export const appendingRows: ReadonlyArray<Row> = [
  row(sqlite, { id: "append-batch-sqlite", atLeast: 0.8, batch: 15, batches: 4000, durability: "written" }),
  row(sqlite, { id: "append-one-sqlite", atLeast: 0.6, batch: 1, batches: 12_000, durability: "written" }),
  row(sqlite, { id: "append-synced-sqlite", atLeast: 0.85, batch: 15, batches: 1500, durability: "synced" }),
  row(files, { id: "append-batch-file", atLeast: 0.6, batch: 15, batches: 4000, durability: "written" }),
  row(files, { id: "append-synced-file", atLeast: 0.85, batch: 15, batches: 1500, durability: "synced" })
]
