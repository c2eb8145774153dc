/**
 * Real sessions that nobody here wrote (`../shared/transcripts`, not part of this repository). Counts agree with each
 * folder's SOURCE.md, or differ for a reason:
 *
 * | folder | SOURCE.md | records | events | streams | the difference |
 * |---|---|---|---|---|---|
 * | claude-code-packmind | 3,841 in 36 | 3,841 | 3,610 | 36 | 3 sessions are there in two snapshots that overlap by 231 records |
 * | codex-copilot-agentv | 5,829 in 23 | 5,829 | 5,243 | 23 | 3 snapshots of one Codex session: 230 and 356 lines of the 459 again |
 * | dsh-sessions | 4,497 in 125 | 4,497 | 4,497 | 125 | |
 * | opencode-gatomia | 334 in 20 | 355 | 351 | 20 | 334 messages and 21 headers; two snapshots of one session share 4 messages |
 * | pi-sessions | 2,022 in 2 | 2,022 | 2,022 | 2 | |
 * | swe-agent-trajectories | 227 in 22 | 261 | 261 | 22 | 227 steps, 22 headers, 12 messages of the one that has a history only |
 * | beads, sqlite-beads, zeek | | 0 | 0 | 0 | not transcripts: 2, 3 and 8 files |
 */
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { interpret, type Tokens } from "../src/interpret.ts"
import { canonical } from "../src/json.ts"
import { openSource, type BadLine, type SourceFile, type SourceRecord } from "../src/Source.ts"
import { folderOf, readFile } from "./reading.ts"

const root = fileURLToPath(new URL("../../../../shared/transcripts", import.meta.url))
const there = existsSync(root)
if (!there) console.log("skipped: the real transcripts (../shared/transcripts) are not there")

interface Folder {
  readonly records: Array<SourceRecord>
  readonly files: Map<SourceFile, ReadonlyArray<SourceRecord>>
  readonly notSupported: Record<string, number>
}

const readAll = () => {
  const bad: Array<BadLine> = []
  const source = openSource(root, { onBad: (line) => bad.push(line) })
  const folders = new Map<string, Folder>()
  for (const file of source.files) {
    const folder: Folder = folders.get(file.folder) ?? { records: [], files: new Map(), notSupported: {} }
    folders.set(file.folder, folder)
    const found = source.read(file)
    if (found._tag === "Transcript") {
      const records = [...found.records()]
      folder.files.set(file, records)
      for (const record of records) folder.records.push(record)
    } else if (found._tag === "NotSupported") {
      if (found.what !== "text") folder.notSupported[found.what] = (folder.notSupported[found.what] ?? 0) + 1
    } else {
      throw new Error(found._tag)
    }
  }
  return { bad, folders, counters: source.counters }
}

const keyOf = ({ stream, id }: SourceRecord): string => `${stream}\n${id}`
const distinct = (values: Iterable<string>): number => new Set(values).size

/** The first record of each event, in the order of the import. */
const eventsOf = ({ records }: Folder): ReadonlyArray<SourceRecord> => {
  const events = new Map<string, SourceRecord>()
  for (const record of records) if (!events.has(keyOf(record))) events.set(keyOf(record), record)
  return [...events.values()]
}

describe.skipIf(!there)("real transcripts", () => {
  const { bad, folders, counters } = there
    ? readAll()
    : { bad: [], folders: new Map<string, Folder>(), counters: undefined }
  const folder = (name: string): Folder => folders.get(name)!

  it.each([
    // folder, records beyond SOURCE.md's events, events, and what is not supported
    ["claude-code-packmind", 0, 3610, {}],
    ["codex-copilot-agentv", 0, 5829 - 230 - 356, {}],
    ["dsh-sessions", 0, 4497, {}],
    ["opencode-gatomia", 21, 334 + 21 - 4, {}],
    ["pi-sessions", 0, 2022, {}],
    ["swe-agent-trajectories", 22 + 12, 227 + 22 + 12, {}]
  ])("%s agrees with its SOURCE.md", (name, more, events, notSupported) => {
    const told = /sessions\/streams: (\d+) \(files (\d+), events (\d+)\)/.exec(
      readFileSync(join(root, name, "SOURCE.md"), "utf8")
    )!
    const { records, files, ...rest } = folder(name)
    expect(files.size).toBe(Number(told[2]))
    expect(records.length).toBe(Number(told[3]) + more)
    expect(distinct(records.map(({ stream }) => stream))).toBe(Number(told[1]))
    expect(distinct(records.map(keyOf))).toBe(events)
    expect(rest.notSupported).toEqual(notSupported)
  })

  it.each([
    ["beads-instructor-php", { "JSON lines": 2 }],
    ["sqlite-beads-mlld", { "SQLite database": 1, "JSON lines": 2 }],
    ["zeek-network-log", { "JSON lines": 8 }]
  ])("%s is not supported", (name, notSupported) => {
    expect(folder(name)).toEqual({ records: [], files: new Map(), notSupported })
  })

  it("has no bad lines, and reads each byte of a transcript once", () => {
    expect(bad).toEqual([])
    const files = Array.from(folders.values()).flatMap((folder) => [...folder.files.keys()])
    const bytes = files.reduce((sum, { size }) => sum + size, 0)
    const openings = 13 * 256 * 1024 + 100_000 // of what is not supported, and of notes
    expect(counters!.bytesRead).toBeGreaterThanOrEqual(bytes)
    expect(counters!.bytesRead).toBeLessThan(bytes + openings)
  })

  it("finds overlapping snapshots to be the same events, where file and line would not", () => {
    const { records } = folder("claude-code-packmind")
    const uuid = ({ text }: SourceRecord) => (JSON.parse(text) as { uuid?: string }).uuid
    const byPlace = records.map(
      (record) => `${record.stream} ${uuid(record) ?? `${record.meta["file"]}:${record.line}`}`
    )
    expect(distinct(byPlace)).toBe(3623)
    expect(distinct(records.map(keyOf))).toBe(3610)
  })

  it("gives one id to one content only", () => {
    const contents = new Map<string, string>()
    const other: Array<string> = []
    for (const { records } of folders.values()) {
      for (const record of records) {
        const content = canonical(JSON.parse(record.text))
        const known = contents.get(keyOf(record))
        if (known === undefined) contents.set(keyOf(record), content)
        else if (known !== content) other.push(`${record.meta["file"]}:${record.line}`)
      }
    }
    expect(other).toEqual([])
  })

  it("gives every record as it was written", () => {
    for (const { files } of folders.values()) {
      for (const [file, records] of files) {
        const text = readFileSync(file.path, "utf8")
        if (records[0]!.type === "OpenCode" || records[0]!.type === "SweAgent") {
          const document = JSON.parse(text) as Record<string, unknown>
          const list = ["messages", "trajectory", "history"].find((name) => name in document)!
          expect(JSON.parse(records[0]!.text)).toEqual({ ...document, [list]: [] })
          expect(records.slice(1).map((record) => JSON.parse(record.text))).toEqual(document[list])
          expect(records.slice(1).every((record) => text.includes(record.text))).toBe(true)
        } else {
          const lines = text.split("\n").filter((line) => line !== "")
          expect(records.map((record) => record.text)).toEqual(lines)
          expect(records.map(({ line }) => line)).toEqual(lines.map((_, index) => index + 1))
        }
      }
    }
  })

  it("reads the same twice", () => {
    const again = readAll()
    for (const [name, { records }] of folders) expect(again.folders.get(name)!.records).toEqual(records)
  })

  it("reads a file that grew in the middle of a line as if it had been there", () => {
    const [largest] = [...folder("claude-code-packmind").files.keys()].sort((a, b) => b.size - a.size)
    const copy = join(folderOf({}), "session.jsonl")
    const bytes = readFileSync(largest!.path)
    writeFileSync(copy, bytes.subarray(0, 1_000_000))
    const first = readFile(copy)
    expect(first.transcript.pending).toBeGreaterThan(0)
    copyFileSync(largest!.path, copy)
    const second = readFile(copy, first.position)
    const behind = bytes.length - first.position.offset
    expect(second.counters).toEqual({
      filesOpened: 2,
      bytesRead: first.position.mark!.length + behind,
      linesRead: second.records.length
    })
    const texts = [...first.records, ...second.records].map(({ id, text }) => [id, text])
    expect(texts).toEqual(
      folder("claude-code-packmind")
        .files.get(largest!)!
        .map(({ id, text }) => [id, text])
    )
  })

  it("counts tokens once an answer", () => {
    const answers = new Map<string, Tokens>()
    let everyLine = 0
    for (const { stream, type, id, text } of eventsOf(folder("claude-code-packmind"))) {
      for (const fact of interpret(type, id, text)) {
        if (!("answer" in fact)) continue
        answers.set(`${stream}\n${fact.answer}`, fact.tokens)
        everyLine += fact.tokens.output
      }
    }
    const sum = (field: keyof Tokens) =>
      Array.from(answers.values()).reduce((total, tokens) => total + tokens[field], 0)
    expect([answers.size, sum("input"), sum("output"), sum("cached")]).toEqual([
      805, 1_900_763, 44_362, 42_351_718
    ])
    expect(everyLine).toBeGreaterThan(sum("output"))
  })

  it("takes Codex's own total for the three snapshots of one session", () => {
    const told = eventsOf(folder("codex-copilot-agentv"))
      .filter(({ stream }) => stream === "codex/019ed50c-2fb3-7002-a384-360bea6e7f04")
      .flatMap(({ type, id, text }) => interpret(type, id, text))
    const total = told.findLast((fact) => "answer" in fact)
    expect(total).toEqual({
      answer: "session",
      tokens: { input: 304_621, output: 22_838, cached: 2_481_792 }
    })
    expect(told.filter((fact) => "turn" in fact)).toHaveLength(6)
  })
})
