/** The import as its user meets it: twice, grown, killed in between, with records that hurt. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { SqliteStorage } from "@varve/adapter-sqlite"
import { Varve } from "@varve/core"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { importFolder, type ImportReport, type TranscriptLog } from "../src/importing.ts"
import { readSessions } from "../src/sessions.ts"
import { folderTable, sessionTable } from "../src/tables.ts"
import { Transcripts } from "../src/Transcripts.ts"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "varve-import-"))
})
afterEach(() => rmSync(folder, { recursive: true }))

const source = () => join(folder, "source")
const write = (name: string, lines: ReadonlyArray<string>): string => {
  const path = join(source(), name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, lines.map((line) => `${line}\n`).join(""))
  return path
}
const claude = (uuid: string, more = ""): string =>
  `{"type":"user","sessionId":"s1","uuid":"${uuid}","timestamp":"2026-01-05T09:00:00.000Z","message":{"role":"user","content":"hi"}${more}}`

/** Opens the store anew, as another start of the program does. */
const withLog = async <A>(use: (log: TranscriptLog) => Promise<A>): Promise<A> => {
  await using log = await Varve.open({
    events: Transcripts,
    storage: SqliteStorage.layer({ filename: join(folder, "t.db") })
  })
  return await use(log)
}
const run = (): Promise<ImportReport> => withLog((log) => importFolder(log, source()))
const texts = (stream: string): Promise<ReadonlyArray<unknown>> =>
  withLog(async (log) => {
    const found: Array<unknown> = []
    for await (const event of log.read(stream)) found.push(event.data)
    return found
  })
const sum = (report: ImportReport, key: "stored" | "records" | "known" | "conflicts" | "bad"): number =>
  [...report.folders.values()].reduce((total, f) => total + f[key], 0)

describe("importing", () => {
  test("a second run opens no file and stores nothing, also for files that are no transcripts", async () => {
    write("a/one.jsonl", [claude("u1"), claude("u2")])
    write("b/ledger.jsonl", ['{"some":"thing"}'])
    expect(sum(await run(), "stored")).toBe(2)
    const again = await run()
    expect(again.counters).toEqual({ filesOpened: 0, bytesRead: 0, linesRead: 0 })
    expect(sum(again, "stored")).toBe(0)
  })

  test("a file grown by one line costs that line and a mark of at most 256 bytes, after a restart too", async () => {
    const path = write(
      "a/one.jsonl",
      Array.from({ length: 3000 }, (_, i) => claude(`u${i}`))
    )
    await run()
    const line = claude("new")
    appendFileSync(path, `${line}\n`)
    const grown = await run()
    expect(grown.counters.linesRead).toBe(1)
    expect(grown.counters.bytesRead).toBeLessThanOrEqual(line.length + 1 + 256)
    expect(statSync(path).size).toBeGreaterThan(300_000)
    expect([sum(grown, "stored"), sum(grown, "records")]).toEqual([1, 1])
  })

  test("killed between two batches, the next run goes on behind the last one that was bookmarked", async () => {
    write(
      "a/one.jsonl",
      Array.from({ length: 1300 }, (_, i) => claude(`u${i}`))
    )
    await withLog(async (log) => {
      let bookmarks = 0
      const dying: TranscriptLog = {
        ...log,
        append: (stream, events, options) => {
          if (stream.startsWith("imports/") && ++bookmarks === 2) return Promise.reject(new Error("killed"))
          return log.append(stream, events, options)
        }
      }
      await expect(importFolder(dying, source())).rejects.toThrow("killed")
    })
    // 1,024 records are stored, 512 bookmarked: the second batch is read again and found there.
    const next = await run()
    expect(next.counters.linesRead).toBe(1300 - 512)
    expect([sum(next, "stored"), sum(next, "known")]).toEqual([1300 - 1024, 512])
  })

  test("records come back whole: unknown keys, integers above 2^53, odd spacing, lone surrogates", async () => {
    const hard = claude("u1", ',  "big": 12345678901234567890, "odd":"\\ud800", "unknown":{"deep":[1.50]}')
    write("a/one.jsonl", [hard])
    await run()
    expect(await texts("claude-code/s1")).toEqual([hard])
  })

  test("bad lines are counted and stop nothing; an id taken by other content keeps the first", async () => {
    write("a/one.jsonl", [claude("u1"), "{broken", claude("u1", ',"other":true'), claude("u2")])
    const report = await run()
    expect([sum(report, "stored"), sum(report, "bad"), sum(report, "conflicts")]).toEqual([2, 1, 1])
    expect(folderTable(report.folders)).toContain("1 line could not be read")
  })

  test("the table counts an answer's tokens once, and prints no control characters", async () => {
    const answer = (uuid: string, output: number): string =>
      `{"type":"assistant","sessionId":"s\\u001b1","uuid":"${uuid}","timestamp":"2026-01-05T09:00:05.000Z","message":{"id":"m1","role":"assistant","model":"x","content":[],"usage":{"input_tokens":10,"output_tokens":${output}}}}`
    write("a/one.jsonl", [answer("u1", 5), answer("u2", 7)])
    await run()
    const sessions = await withLog(readSessions)
    const [session] = [...sessions.values()]
    expect([...session!.answers.values()]).toEqual([{ input: 10, output: 7, cached: 0 }])
    // oxlint-disable-next-line no-control-regex -- none may be left
    expect(sessionTable(sessions)).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/)
  })
})
