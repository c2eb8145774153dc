import { MemoryStorage } from "@varve/core"
import { afterAll, describe, expect, test } from "vitest"
import { allLaws, checkLaws, faults, faulty } from "../src/index.ts"
import { coreCuts } from "./cuts/core.ts"
import { liveCuts } from "./cuts/live.ts"
import { projectionCuts } from "./cuts/projections.ts"

const times: Array<number> = []
afterAll(() => {
  const [slowest = 0] = times.toSorted((a, b) => b - a)
  console.log(`${times.length} planted faults caught, the slowest in ${slowest.toFixed(0)} ms`)
})

describe("every planted fault is caught by the law that it breaks", () => {
  test.each(faults.map((fault) => ({ ...fault, fault })))("$breaks: $name", async ({ fault, breaks }) => {
    const [verdict] = await checkLaws({ ...faulty(fault), only: [breaks], seed: 1 })
    expect(verdict).toMatchObject({ law: breaks, outcome: "broken" })
    times.push(verdict!.ms)
  })
})

test("every law has a planted fault, or a cut into core that breaks it", () => {
  const broken = new Set([
    ...faults.map((fault) => fault.breaks),
    ...[...coreCuts, ...projectionCuts, ...liveCuts].map((cut) => cut.law)
  ])
  expect(allLaws.map((law) => law.name).filter((name) => !broken.has(name))).toEqual([])
})

test("every law has a name of its own, and faults name laws that exist", () => {
  const names = allLaws.map((law) => law.name)
  expect(new Set(names).size).toBe(names.length)
  expect(faults.map((fault) => fault.breaks).filter((law) => !names.includes(law))).toEqual([])
})

test("the storage in which a fault is planted keeps the law without it", { timeout: 30_000 }, async () => {
  const report = await checkLaws({ storage: () => MemoryStorage.layer, runs: 20 })
  expect(report.filter((verdict) => verdict.outcome === "broken")).toEqual([])
})
