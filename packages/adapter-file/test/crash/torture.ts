/**
 * `node --conditions=@varve/source packages/adapter-file/test/crash/torture.ts --minutes N [--seed S]`: explores run
 * after run until the time is over or something is wrong. Each run has its own seed, which is printed and brings its
 * crashes back when it is given again.
 */
import { parseArgs } from "node:util"
import { explore } from "./Explorer.ts"
import { openOn } from "./opening.ts"

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "1" }, seed: { type: "string" } }
})

const start = performance.now()
const until = start + Number(values.minutes) * 60_000
const total = { states: 0, opened: 0, recoveries: 0, "crashed recoveries": 0, calls: 0 }
let seed = Number(values.seed ?? Date.now() % 1_000_000)
let findings: ReadonlyArray<string> = []

while (performance.now() < until && findings.length === 0) {
  const run = await explore({
    open: openOn(),
    seed,
    calls: 200,
    cuts: 20,
    deepCuts: 10,
    deepEvery: 40,
    until
  })
  total.states += run.states
  total.opened += run.opened
  total.recoveries += run.recoveries
  total["crashed recoveries"] += run.deepStates
  total.calls += run.calls
  findings = run.findings
  const told = Object.entries(total).map(([name, count]) => `${name} ${count}`)
  console.log(
    `${((performance.now() - start) / 1000).toFixed(0)} s, seed ${seed}: ${told.join(", ")}, wrong ${findings.length}`
  )
  if (findings.length === 0) seed++
}
for (const finding of findings) console.log(finding)
process.exitCode = findings.length > 0 ? 1 : 0
