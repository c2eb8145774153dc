/** The failure that was (termipod hub #295): a 10k-row scan per open, for a fact of an archived session. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { expect, onTestFinished, test } from "vitest"
import { digest, insights, openHub } from "../src/hub.ts"
import { Insight, Session } from "../src/Insight.ts"
import { archive } from "../stage/archive.ts"

const newFile = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "varve-insight-"))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, "hub.db")
}

/** Worked out by hand from what `archive` makes: turns 1 to 15, a reviewer each third, a failure in 7 and 14. */
const wanted = {
  turns: 15,
  agents: { coder: 10, reviewer: 5 },
  failures: 2,
  errors: [
    { turn: 7, tool: "bash", message: "exit 7" },
    { turn: 14, tool: "bash", message: "exit 14" }
  ]
}

test("the first open reads all, in one pass with progress; no later one reads an event", async () => {
  const file = newFile()
  {
    await using hub = await openHub(file)
    for (let i = 0; i < 30; i++) await archive(hub, `s${i}`, 15)
    const progress: Array<number> = []
    const first = await insights(hub, ({ done, total }) => progress.push(done / total))
    expect(first.eventsRead).toBe(30 * 151)
    expect(first.sessions.size).toBe(30)
    for (const insight of first.sessions.values()) expect(insight).toEqual(wanted)
    expect(progress.at(-1)).toBe(1)
  }
  await using hub = await openHub(file)
  const second = await insights(hub)
  expect(second.eventsRead).toBe(0)
  expect(second.sessions.get("s29")).toEqual(wanted)
  expect(digest("s29", second.sessions.get("s29")!)).toBe(
    "s29: 15 turns (coder 10, reviewer 5), 2 failures, first in turn 7: bash: exit 7"
  )
})

test("a session that goes on is never served from an old answer; a label keeps a sealed one as it is", async () => {
  const file = newFile()
  await using hub = await openHub(file)
  await hub.append("open", Session.TurnStarted({ agent: "coder", prompt: "a" }))
  expect((await insights(hub)).sessions.get("open")).toMatchObject({ turns: 1 })
  await hub.append("open", Session.TurnStarted({ agent: "coder", prompt: "b" }))
  expect((await insights(hub)).sessions.get("open")).toMatchObject({ turns: 2 })
  await hub.append("open", Session.Archived())
  await insights(hub)
  await hub.label("open", { title: "kept" })
  expect(await insights(hub)).toMatchObject({ eventsRead: 0 })
})

test("damaged, malformed and outdated insights are folded again, and mended", async () => {
  const file = newFile()
  {
    await using hub = await openHub(file)
    for (let i = 0; i < 4; i++) await archive(hub, `s${i}`, 15)
    await insights(hub)
  }
  {
    await using hub = await openHub(file)
    const { snapshots } = hub.effect.storage
    const run = Effect.runPromise
    const stored = await run(snapshots.load("insight", ["s0", "s1", "s2", "s3"]))
    const [flipped, cut, outdated] = stored
    await run(snapshots.drop("insight"))
    await run(
      snapshots.save([
        { ...flipped!, state: flipped!.state.replace("15", "16") },
        { ...cut!, state: cut!.state.slice(0, -1) },
        { ...outdated!, version: 2 }
      ])
    )
  }
  for (const eventsRead of [4 * 151, 0]) {
    await using hub = await openHub(file)
    const found = await insights(hub)
    expect(found.eventsRead).toBe(eventsRead)
    for (const insight of found.sessions.values()) expect(insight).toEqual(wanted)
    expect(await hub.state("s1", Insight)).toEqual(wanted)
  }
})
