/** The failure that was (burn #214): a scan of the whole ledger for each of its sessions, silent for minutes. */
import { SqliteStorage } from "@varve/adapter-sqlite"
import { MemoryStorage, Varve } from "@varve/core"
import { describe, expect, test } from "vitest"
import { hotspots, table } from "../src/hotspots.ts"
import { Ledger } from "../src/Ledger.ts"
import { generate } from "../stage/generate.ts"

const storages = [
  ["memory", () => MemoryStorage.layer],
  ["SQLite", () => SqliteStorage.layer({ filename: ":memory:" })]
] as const

describe.each(storages)("hotspots over %s", (_, storage) => {
  test("a ledger small enough to reckon by hand", async () => {
    await using log = await Varve.open({ events: Ledger, storage: storage() })
    const returned = (tool: string, ms: number, at: number) =>
      Ledger.ToolReturned({ callId: "c", tool, output: "secret", ms }, { at })
    const used = (tool: string, inputTokens: number, outputTokens: number, at: number) =>
      Ledger.UsageReported({ tool, inputTokens, outputTokens }, { at })
    await log.append("a", [returned("Bash", 100, 10), used("Bash", 7, 3, 11), returned("Read", 5, 40)])
    await log.append("b", [Ledger.PromptSubmitted({ text: "no tools here" }, { at: 50 })])
    // A clock that jumped back: the last event is the oldest.
    await log.append("c", [returned("Bash", 1, 60), returned("Bash", 2, 5)])
    expect(await hotspots(log)).toEqual(
      new Map([
        [
          "a",
          new Map([
            ["Bash", { calls: 1, ms: 100, tokens: 10 }],
            ["Read", { calls: 1, ms: 5, tokens: 0 }]
          ])
        ],
        ["c", new Map([["Bash", { calls: 2, ms: 3, tokens: 0 }]])]
      ])
    )
    expect(await hotspots(log, { since: 40 })).toEqual(
      new Map([
        ["a", new Map([["Read", { calls: 1, ms: 5, tokens: 0 }]])],
        ["c", new Map([["Bash", { calls: 1, ms: 1, tokens: 0 }]])]
      ])
    )
  })

  test("any number of sessions is one query, with progress, and each event is read once", async () => {
    await using log = await Varve.open({ events: Ledger, storage: storage() })
    const now = Date.UTC(2026, 0, 1)
    await generate(log, now, { sessions: 24, turns: 96, bytes: 400_000 })
    const counters = () => log.effect.storage.counters!()
    const before = counters()
    const progress: Array<readonly [number, number]> = []
    const found = await hotspots(log, { onProgress: ({ done, total }) => progress.push([done, total]) })
    const all = counters()
    expect([...found.keys()]).toEqual((await log.heads()).map(({ stream }) => stream))
    expect(all.queries - before.queries).toBe(1)
    // 96 turns of 10 calls: an answer and a usage each.
    expect(
      [...found.values()].flatMap((tools) => [...tools.values()]).reduce((n, { calls }) => n + calls, 0)
    ).toBe(960)
    expect(progress.map(([done]) => done)).toEqual(progress.map(([done]) => done).toSorted((a, b) => a - b))
    expect(progress.at(-1)![0]).toBe(progress.at(-1)![1])

    // The last month of a year, in which a session falls on every fifteenth day.
    const recent = await hotspots(log, { since: now - 31 * 86_400_000 })
    expect([...recent.keys()]).toEqual(["session/0022", "session/0023"])
    expect(table(found, 2)).toMatch(/and 22 more$/)
  })
})

test("what is read is what was asked for, and nothing twice", async () => {
  await using log = await Varve.open({
    events: Ledger,
    storage: SqliteStorage.layer({ filename: ":memory:" })
  })
  const now = Date.UTC(2026, 0, 1)
  await generate(log, now, { sessions: 24, turns: 96, bytes: 400_000 })
  const read = async (since?: number) => {
    const before = log.effect.storage.counters!()
    await hotspots(log, since === undefined ? {} : { since })
    return log.effect.storage.counters!().eventsRead - before.eventsRead
  }
  expect(await read()).toBe(1920)
  // Two sessions of four turns, each of which took place after it.
  expect(await read(now - 31 * 86_400_000)).toBe(160)
})
