/** The ledger of examples/hotspots, made once a sitting: in a SqliteStorage, a FileStorage, and as plain JSON lines. */
import { createWriteStream } from "node:fs"
import { once } from "node:events"
import { FileStorage } from "@varve/adapter-file"
import { SqliteStorage } from "@varve/adapter-sqlite"
import { Varve } from "@varve/core"
import { Ledger, type LedgerLog } from "../examples/hotspots/src/Ledger.ts"
import { generate, type Size, whole } from "../examples/hotspots/stage/generate.ts"
import { scratch } from "./load.ts"
import type { Scale } from "./measure.ts"

export interface StoredLedger {
  readonly sessions: number
  readonly events: number
  /** When its last session ended at the latest, in epoch ms. */
  readonly now: number
  /** The same events, one a line, in the order of `log.query()`. */
  readonly lines: string
  readonly openSqlite: () => Promise<LedgerLog>
  readonly openFiles: () => Promise<LedgerLog>
}

/** As many sessions, so that time spans and what a session costs stay alike; a tenth of the turns. */
const tenth: Size = { sessions: 169, turns: 660, bytes: 19e6 }
const made = new Map<Scale, Promise<StoredLedger>>()

export const ledger = (scale: Scale): Promise<StoredLedger> => {
  const ready = made.get(scale) ?? make(scale === "quick" ? tenth : whole)
  made.set(scale, ready)
  return ready
}

const make = async (size: Size): Promise<StoredLedger> => {
  const { path } = scratch()
  const openSqlite = () =>
    Varve.open({ events: Ledger, storage: SqliteStorage.layer({ filename: path("ledger.db") }) })
  const openFiles = () =>
    Varve.open({ events: Ledger, storage: FileStorage.layer({ directory: path("ledger") }) })
  const now = Date.now()
  await using log = await openSqlite()
  await using copy = await openFiles()
  await generate(log, now, size)
  const lines = createWriteStream(path("ledger.jsonl"))
  let count = 0
  for (const { stream } of await log.heads()) {
    await log.copy(stream, stream, { target: copy })
    for await (const { events } of log.query({ streams: [stream] })) {
      count += events.length
      const text = events.map(({ seq, id, type, at, data }) =>
        JSON.stringify({ stream, seq, id, type, at, data })
      )
      if (!lines.write(`${text.join("\n")}\n`)) await once(lines, "drain")
    }
  }
  lines.end()
  await once(lines, "close")
  return { sessions: size.sessions, events: count, now, lines: path("ledger.jsonl"), openSqlite, openFiles }
}
