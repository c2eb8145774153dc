/**
 * Kills and power cuts at every step of a run, over the production code on simulated disks, and again at every step of
 * the recoveries (laws A1-A6, A12, C3, M3, R2, R3, V1).
 */
import { chooseBy, SimulatedDisk } from "@varve/testkit"
import { Effect } from "effect"
import { expect, it } from "vitest"
import { type Exploration, explore } from "./Explorer.ts"
import { eventOf } from "./Ledger.ts"
import { openOn } from "./opening.ts"

const seed = Number(process.env["VARVE_SEED"] ?? Date.now() % 1_000_000)
console.log(`Crash exploration with VARVE_SEED=${seed}`)

it("100,000 crashes lose nothing that was acknowledged, and hide nothing", { timeout: 300_000 }, async () => {
  const total = { states: 0, opened: 0, recoveries: 0, deepStates: 0, calls: 0 }
  for (let i = 0; total.states < 100_000; i++) {
    const found: Exploration = await explore({
      open: openOn(),
      seed: seed + i,
      calls: 200,
      cuts: 120,
      deepCuts: 12,
      deepEvery: 2500,
      readOneOf: 40
    })
    expect(found.findings, `seed ${seed + i}`).toEqual([])
    for (const count of ["states", "opened", "recoveries", "deepStates", "calls"] as const)
      total[count] += found[count]
  }
  console.log(JSON.stringify(total))
  expect(total.opened).toBeGreaterThan(3_000)
  expect(total.recoveries).toBeGreaterThan(15)
  expect(total.deepStates).toBeGreaterThan(3_000)
})

it("a sync covers what was written and then released", async () => {
  const disk = new SimulatedDisk()
  const { service } = await openOn()(disk)
  await Effect.runPromise(service.append([{ stream: "a", events: [eventOf("1/10")], durability: "written" }]))
  await Effect.runPromise(service.release("a"))
  await Effect.runPromise(service.sync)
  for (let i = 0; i < 50; i++) {
    const after = await openOn()(disk.crash({ kind: "power", choose: chooseBy(i) }))
    expect(await Effect.runPromise(after.service.heads({}))).toHaveLength(1)
    await after.close()
  }
})

it("the index of heads vouches for nothing that a power cut took", { timeout: 300_000 }, async () => {
  const findings: Array<string> = []
  for (let i = 0; i < 2; i++) {
    const open = openOn({ indexed: true })
    const run = { calls: 60, cuts: 8, deepCuts: 4, deepEvery: 30, readOneOf: 4, indexed: true }
    findings.push(...(await explore({ ...run, open, seed: seed + i })).findings)
  }
  expect(findings).toEqual([])
})
