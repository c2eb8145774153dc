/** What kills, failing syncs and power cuts leave of a file (laws A1-A6, A9, D1, D3, C3), by real processes and disks. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { bundleWorker } from "./crash/bundle.ts"
import { noPower } from "./crash/Disk.ts"
import { kills } from "./crash/kills.ts"
import { powerCuts } from "./crash/powerCuts.ts"
import { failAt, killAt, noStrace, syncsOfTurns } from "./crash/syscalls.ts"
import { Workers } from "./crash/Workers.ts"

const seed = Number(process.env["VARVE_SEED"] ?? Date.now() % 1_000_000)
const timeout = 240_000
const untraced = noStrace()
const unpowered = noPower()
console.log(`Crash tests with VARVE_SEED=${seed}`)
if (untraced !== undefined) console.warn(`Crash tests at system calls are skipped: ${untraced}`)
if (unpowered !== undefined) console.warn(`Power cuts are skipped: ${unpowered}`)

let workers: Workers
beforeAll(async () => {
  workers = new Workers(await bundleWorker(), 2)
}, timeout)
afterAll(() => workers.close())

const lawsOf = (findings: ReadonlyArray<{ readonly law: string }>) => new Set(findings.map(({ law }) => law))

describe("killed", () => {
  it(
    "100 rounds lose nothing acknowledged and double nothing",
    async () => {
      const report = await kills({ workers, seed, rounds: 100 })
      console.log(`${report.kills} kills, ${report.acknowledged} events acknowledged`)
      expect(report.findings).toEqual([])
      expect(report.kills).toBeGreaterThan(80)
      expect(report.together).toBeGreaterThan(5)
      expect(report.acknowledged).toBeGreaterThan(1000)
    },
    timeout
  )

  it(
    "finds acknowledgements that come before the write",
    async () => {
      const { findings } = await kills({ workers, seed, rounds: 10, lie: "early" })
      expect(lawsOf(findings)).toEqual(new Set(["lost"]))
    },
    timeout
  )
})

describe.skipIf(untraced !== undefined)("at system calls", () => {
  it.each([1, 4, 17, 60].map((when) => [when] as const))(
    "a kill at write %i leaves whole groups and no hole",
    async (when) => {
      const { findings, life } = await killAt(workers, seed, "pwrite64", when)
      expect(findings).toEqual([])
      expect(life.killed).toBe(true)
    },
    timeout
  )

  it.each([2, 5, 9, 12].map((when) => [when] as const))(
    "a kill at sync %i leaves what was acknowledged",
    async (when) => {
      const { findings, life } = await killAt(workers, seed, "fsync,fdatasync", when)
      expect(findings).toEqual([])
      expect(life.killed).toBe(true)
    },
    timeout
  )

  it(
    "a sync that fails once is told, and sending again leaves one copy",
    async () => {
      const failures = new Set<string>()
      for (const when of [8, 14, 17]) {
        const round = await failAt(workers, seed + when, when)
        expect(round).toMatchObject({ findings: [], closed: true, life: { problem: "" } })
        for (const failure of round.failures) failures.add(failure)
      }
      // Else none of them met the sync of a commit.
      expect(failures).toContain("AppendUnknown")
    },
    timeout
  )

  it(
    "a turn costs one sync of the log",
    async () => {
      const { turns } = await syncsOfTurns(workers, 5)
      // The first commit of an opening also syncs the header of the log and its folder.
      expect(turns.slice(1)).toEqual([1, 2, 3, 4].map(() => ["store.db-wal"]))
    },
    timeout
  )
})

describe.skipIf(unpowered !== undefined)("without power", () => {
  it(
    "what was synced survives, the rest is a prefix, and lost cursors are told so",
    async () => {
      const report = await powerCuts({ workers, seed, rounds: 8 })
      console.log(
        `${report.cuts} power cuts, ${report.acknowledged} events acknowledged, ${report.gone} unsynced gone`
      )
      expect(report.findings).toEqual([])
    },
    timeout
  )

  it(
    "finds groups that are synced in name only",
    async () => {
      const { findings } = await powerCuts({ workers, seed, rounds: 4, lie: "unsynced" })
      expect(lawsOf(findings)).toContain("lost")
    },
    timeout
  )

  it.skipIf(untraced !== undefined)(
    "finds a disk that syncs in name only",
    async () => {
      const { findings } = await powerCuts({ workers, seed, rounds: 3, unsyncedDisk: true })
      expect(lawsOf(findings)).toContain("lost")
    },
    timeout
  )
})
