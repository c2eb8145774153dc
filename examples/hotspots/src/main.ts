/** `npm run hotspots [-- --since 7d]`: a year of sessions, 190 MB, answered per session in one pass with a bar. */
import { existsSync, mkdirSync } from "node:fs"
import { parseArgs } from "node:util"
import { SqliteStorage } from "@varve/adapter-sqlite"
import { Varve } from "@varve/core"
import { SingleBar } from "cli-progress"
import { generate, whole } from "./generate.ts"
import { hotspots, table } from "./hotspots.ts"
import { Ledger } from "./Ledger.ts"

const { values } = parseArgs({ options: { since: { type: "string" } } })
const days = values.since === undefined ? undefined : Number(/^(\d+)d$/.exec(values.since)?.[1] ?? NaN)
if (Number.isNaN(days)) {
  console.error("--since takes a number of days, as 7d")
  process.exit(1)
}

const filename = ".varve/hotspots.db"
const isNew = !existsSync(filename)
mkdirSync(".varve", { recursive: true, mode: 0o700 })
const bar = (format: string) => new SingleBar({ format, clearOnComplete: true, noTTYOutput: false })

await using log = await Varve.open({ events: Ledger, storage: SqliteStorage.layer({ filename }) })
const heads = await log.heads()
const newest = Math.max(...heads.map(({ maxAt }) => maxAt))
if (isNew || heads.length < whole.sessions) {
  const making = bar("making a ledger {bar} {value} of {total} turns")
  making.start(whole.turns, 0)
  await generate(log, Date.now(), whole, (turns) => making.update(turns))
  making.stop()
}

const start = performance.now()
const before = log.effect.storage.counters!()
const reading = bar("{bar} {percentage}% of {total} {unit}")
const found = await hotspots(log, {
  ...(days === undefined ? {} : { since: (isNew ? Date.now() : newest) - days * 86_400_000 }),
  onProgress: ({ done, total, unit }) => {
    if (!reading.isActive) reading.start(total, 0, { unit })
    reading.update(done, { unit })
  }
})
reading.stop()
const after = log.effect.storage.counters!()
const ms = performance.now() - start
console.log(table(found, 12))
console.log(
  `\n${found.size} sessions in ${(ms / 1000).toFixed(2)} s: ${after.queries - before.queries} query, ${(after.eventsRead - before.eventsRead).toLocaleString("en")} events, ${((after.bytesRead - before.bytesRead) / 1e6).toFixed(1)} MB read`
)
