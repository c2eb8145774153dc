/**
 * States of real sessions that nobody here wrote (`../shared/transcripts`, not part of this repository), against figures
 * that were counted by hand: from the files themselves, not by this code.
 */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { SqliteStorage } from "@varve/adapter-sqlite"
import { Varve } from "@varve/core"
import { expect, it } from "vitest"
import { importFolder } from "../src/importing.ts"
import { Session } from "../src/Session.ts"
import { readSessions } from "../src/sessions.ts"
import { Transcripts } from "../src/Transcripts.ts"
import { folderOf } from "./reading.ts"

const root = fileURLToPath(new URL("../../../../shared/transcripts/pi-sessions", import.meta.url))
const there = existsSync(root)
if (!there) console.log("skipped: the real transcripts (../shared/transcripts) are not there")

/** Per file: lines, messages of the user, calls by tool, and sums over the usage of the assistant's messages. */
const wanted = {
  "pi/ffae836b-9420-4060-ac13-7745215f90ff": {
    model: "claude-opus-4-5",
    events: 1003,
    turns: 55,
    firstAt: 1765233665306,
    lastAt: 1765243595570,
    tools: { bash: 206, edit: 125, read: 107, write: 16 },
    tokens: { input: 1689009, output: 187895, cached: 54693675 }
  },
  "pi/d703a1a9-1b7b-4fb1-b512-c9738b1fe617": {
    model: "claude-sonnet-4-5",
    events: 1019,
    turns: 88,
    firstAt: 1763681581550,
    lastAt: 1763691242980,
    tools: { bash: 192, edit: 146, read: 50, write: 3 },
    tokens: { input: 4297281, output: 83156, cached: 43229469 }
  }
}

const figuresOf = ({ answers, events, firstAt, lastAt, model, tools, turns }: Session) => {
  const byTool: Record<string, number> = {}
  for (const tool of tools.values()) byTool[tool] = (byTool[tool] ?? 0) + 1
  const tokens = { input: 0, output: 0, cached: 0 }
  for (const answer of answers.values())
    for (const kind of ["input", "output", "cached"] as const) tokens[kind] += answer[kind]
  return { model, events, turns: turns.size, firstAt, lastAt, tools: byTool, tokens }
}

it.skipIf(!there)(
  "N1, N2: states of real sessions, from their events, from snapshots, and cut in two",
  async () => {
    const filename = join(folderOf({}), "log.db")
    const open = () => Varve.open({ events: Transcripts, storage: SqliteStorage.layer({ filename }) })
    const figures = (sessions: ReadonlyMap<string, Session>) =>
      Object.fromEntries(Array.from(sessions, ([stream, session]) => [stream, figuresOf(session)]))
    {
      await using log = await open()
      await importFolder(log, root)
      expect(figures(await readSessions(log))).toEqual(wanted)
    }
    {
      await using log = await open()
      const read = () => log.effect.storage.counters!().eventsRead
      const before = read()
      expect(figures(await readSessions(log))).toEqual(wanted)
      // Only the bookmarks, which are too few to be worth a snapshot.
      expect(read() - before).toBeLessThan(10)
      for (const [stream, whole] of Object.entries(wanted)) {
        const copy = `${stream}/copy`
        await log.copy(stream, copy, { upTo: 500 })
        await log.snapshot(copy, Session)
        await log.copy(stream, copy)
        expect(figuresOf(await log.state(copy, Session))).toEqual(whole)
      }
    }
    await using log = await open()
    for (const [stream, whole] of Object.entries(wanted))
      expect(figuresOf(await log.state(`${stream}/copy`, Session))).toEqual(whole)
  }
)
