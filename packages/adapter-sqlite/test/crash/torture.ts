/**
 * `npm run torture -- --minutes N [--seed S] [--rounds R] [--power]`: kills without end, or power cuts, until the time
 * is over, `R` rounds are done or something is wrong. Each batch has its own seed, which is printed and can be given
 * again.
 */
import { parseArgs } from "node:util"
import { bundleWorker } from "./bundle.ts"
import { noPower } from "./Disk.ts"
import { kills } from "./kills.ts"
import type { Finding } from "./Ledger.ts"
import { powerCuts } from "./powerCuts.ts"
import { Random } from "./Random.ts"
import { killAt, noStrace } from "./syscalls.ts"
import { Workers } from "./Workers.ts"

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string" },
    rounds: { type: "string", default: "Infinity" },
    power: { type: "boolean", default: false }
  }
})
process.on("SIGINT", () => process.exit(130))
process.on("SIGTERM", () => process.exit(143))

const unpowered = values.power ? noPower() : undefined
if (unpowered !== undefined) {
  console.log(`Power cuts are skipped: ${unpowered}`)
  process.exit(0)
}
const untraced = values.power ? "kills only" : noStrace()
if (!values.power && untraced !== undefined) console.log(`Kills at system calls are skipped: ${untraced}`)

const start = performance.now()
const until = start + Number(values.minutes) * 60_000
const most = Number(values.rounds)
const workers = new Workers(await bundleWorker(), 2)
const findings: Array<Finding> = []
const total = { rounds: 0, kills: 0, "power cuts": 0, acknowledged: 0, "unsynced gone": 0 }
let seed = Number(values.seed ?? Date.now() % 1_000_000)

/** A batch of kills, or of cuts. */
const batch = async (): Promise<void> => {
  const random = new Random(seed)
  if (values.power) {
    const report = await powerCuts({ workers, seed, rounds: Math.min(30, most - total.rounds), until })
    total.rounds += report.cuts
    total.kills += report.kills
    total["power cuts"] += report.cuts
    total.acknowledged += report.acknowledged
    total["unsynced gone"] += report.gone
    findings.push(...report.findings)
    return
  }
  const report = await kills({ workers, seed, rounds: Math.min(95, most - total.rounds), until })
  findings.push(...report.findings)
  total.rounds += report.rounds
  total.kills += report.kills
  total.acknowledged += report.acknowledged
  for (let i = 0; untraced === undefined && i < 5 && total.rounds < most && performance.now() < until; i++) {
    const call = random.pick(["pwrite64", "fsync,fdatasync"] as const)
    const traced = await killAt(workers, random.seed(), call, random.int(1, call === "pwrite64" ? 400 : 40))
    findings.push(...traced.findings)
    total.rounds++
    if (traced.life.killed) total.kills++
  }
}

const countOf = (law: Finding["law"]) => findings.filter((finding) => finding.law === law).length

while (performance.now() < until && total.rounds < most && findings.length === 0) {
  await batch()
  const told = Object.entries(total).map(([name, count]) => `${name} ${count}`)
  const wrong = findings.length - countOf("lost") - countOf("doubled")
  told.push(`lost ${countOf("lost")}`, `doubled ${countOf("doubled")}`, `otherwise wrong ${wrong}`)
  console.log(`${((performance.now() - start) / 1000).toFixed(0)} s, seed ${seed}: ${told.join(", ")}`)
  if (findings.length > 0) console.log(findings.slice(0, 30))
  else seed++
}
workers.close()
process.exitCode = findings.length > 0 ? 1 : 0
