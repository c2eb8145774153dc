/** `main.ts <ledger> [--since 7d]`: what each session spent, in one pass with a bar. */
import { parseArgs } from "node:util"
import { SqliteStorage } from "@varve/adapter-sqlite"
import { Varve } from "@varve/core"
import { SingleBar } from "cli-progress"
import { hotspots, table } from "./hotspots.ts"
import { Ledger } from "./Ledger.ts"

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { since: { type: "string" } }
})
const [filename] = positionals
const days = values.since === undefined ? undefined : Number(/^(\d+)d$/.exec(values.since)?.[1] ?? NaN)
if (filename === undefined || Number.isNaN(days)) {
  console.error("main.ts <ledger> [--since 7d]: a file, and a number of days before its newest event")
  process.exit(1)
}

await using log = await Varve.open({ events: Ledger, storage: SqliteStorage.layer({ filename }) })
const newest = (await log.heads()).reduce((at, { maxAt }) => Math.max(at, maxAt), 0)
const start = performance.now()
const before = log.effect.storage.counters!()
const bar = new SingleBar({ format: "{bar} {percentage}% of {total} {unit}", clearOnComplete: true })
const found = await hotspots(log, {
  ...(days === undefined ? {} : { since: newest - days * 86_400_000 }),
  onProgress: ({ done, total, unit }) => {
    if (!bar.isActive) bar.start(total, 0, { unit })
    bar.update(done, { unit })
  }
})
bar.stop()
const after = log.effect.storage.counters!()
const seconds = ((performance.now() - start) / 1000).toFixed(2)
const events = (after.eventsRead - before.eventsRead).toLocaleString("en")
const megabytes = ((after.bytesRead - before.bytesRead) / 1e6).toFixed(1)
console.log(table(found, 12))
console.log(
  `\n${found.size} sessions in ${seconds} s: ${after.queries - before.queries} query, ${events} events, ${megabytes} MB read`
)
