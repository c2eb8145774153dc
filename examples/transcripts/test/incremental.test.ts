/** Reading on: what a second reading costs, and when it must not trust the first. */
import { appendFileSync, readFileSync, truncateSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { expect, it } from "vitest"
import { markBytes } from "../src/Transcript.ts"
import { openSource } from "../src/Source.ts"
import { folderOf, line, readFile } from "./reading.ts"

const codexLine = (n: number) =>
  `{"timestamp":"2026-01-05T09:00:0${n}.000Z","type":"event_msg","payload":{"n":${n}}}\n`
const codexHeader = '{"timestamp":"2026-01-05T09:00:00.000Z","type":"session_meta","payload":{"id":"s-1"}}\n'

it("an unchanged file isn't opened", () => {
  const folder = folderOf({ "t.jsonl": `${line("a")}\n` })
  const { position } = readFile(folder)
  const again = readFile(folder, position)
  expect(again.records).toEqual([])
  expect(again.transcript.unchanged).toBe(true)
  expect(again.counters).toEqual({ filesOpened: 0, bytesRead: 0, linesRead: 0 })
  expect(again.position).toEqual(position)
})

it("a file grown by one line costs that line and the mark", () => {
  const folder = folderOf({
    "t.jsonl": codexHeader + Array.from({ length: 9 }, (_, n) => codexLine(n)).join("")
  })
  const first = readFile(folder)
  expect(first.counters).toMatchObject({ linesRead: 10 })
  const added = codexLine(9)
  appendFileSync(join(folder, "t.jsonl"), added)
  const second = readFile(folder, first.position)
  expect(second.counters.linesRead).toBe(1)
  expect(second.position.mark!.length).toBeLessThanOrEqual(markBytes)
  expect(second.counters.bytesRead).toBe(first.position.mark!.length + Buffer.byteLength(added))
  expect(second.records.map(({ stream, text, line }) => [stream, `${text}\n`, line])).toEqual([
    ["codex/s-1", added, 11]
  ])
})

it("the mark of a long record is 256 bytes, also in the middle of a character", () => {
  for (const x of ["€".repeat(300), `\u{1f600}${"x".repeat(253)}`, `\u{1f600}${"x".repeat(252)}`]) {
    const folder = folderOf({ "t.jsonl": `${line("a", { x })}\n` })
    const first = readFile(folder)
    expect(first.position.mark!.length).toBe(markBytes)
    appendFileSync(join(folder, "t.jsonl"), `${line("b")}\n`)
    const second = readFile(folder, first.position)
    expect(second.counters.bytesRead).toBe(markBytes + line("b").length + 1)
    expect(second.records.map(({ id }) => id)).toEqual(["b"])
  }
})

it("an unfinished line is read when it is finished", () => {
  const whole = line("b")
  const folder = folderOf({ "t.jsonl": `${line("a")}\n${whole.slice(0, 25)}` })
  const first = readFile(folder)
  appendFileSync(join(folder, "t.jsonl"), `${whole.slice(25)}\n`)
  const second = readFile(folder, first.position)
  expect(second.records.map(({ id, line, text }) => [id, line, text])).toEqual([["b", 2, whole]])
})

it("a record taken without its newline is not taken again, and lines are still numbered right", () => {
  const folder = folderOf({ "t.jsonl": line("a") })
  const first = readFile(folder)
  expect(first.position).toMatchObject({ offset: line("a").length, line: 1 })
  appendFileSync(join(folder, "t.jsonl"), `\n${line("b")}\n`)
  const second = readFile(folder, first.position)
  expect(second.records.map(({ id, line }) => [id, line])).toEqual([["b", 2]])
  expect(second.bad).toEqual([])
})

it("the session, the time and the count of equal records go on", () => {
  const mode = '{"type":"mode","mode":"x"}\n'
  const before = `${line("a", { sessionId: "t" })}\n${mode}`
  const folder = folderOf({ "t.jsonl": before })
  const first = readFile(folder)
  appendFileSync(join(folder, "t.jsonl"), mode + mode)
  const second = readFile(folder, first.position)
  const together = readFile(folderOf({ "t.jsonl": before + mode + mode }))
  expect([...first.records, ...second.records]).toEqual(together.records)
  expect(new Set(together.records.map(({ id }) => id)).size).toBe(4)
})

it("reading in any number of goes is reading once", () => {
  const mode = '{"type":"mode","mode":"x"}'
  const text = [
    line("a"),
    mode,
    `${line("b", { x: "€\u{1f600}" })}${mode}${mode}`,
    "torn{",
    "",
    line("c", { sessionId: "u" }),
    mode
  ].join("\n")
  const folder = folderOf({ "t.jsonl": text })
  const whole = readFile(folder)
  expect(whole.records).toHaveLength(7)
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 6 }), (goes) => {
      let reading = readFile(folder, undefined, goes[0])
      const records = [...reading.records]
      for (const take of [...goes.slice(1), Infinity]) {
        reading = readFile(folder, reading.position, take)
        records.push(...reading.records)
      }
      expect(records).toEqual(whole.records)
      expect(reading.position).toMatchObject({ offset: Buffer.byteLength(text), records: 7, bad: 1 })
    })
  )
})

it("a file that was replaced or cut is read from its start", () => {
  const folder = folderOf({ "t.jsonl": `${line("a")}\n${line("b")}\n` })
  const path = join(folder, "t.jsonl")
  const { position } = readFile(folder)

  writeFileSync(path, `${line("x")}\n${line("y")}\n${line("z")}\n`)
  expect(readFile(folder, position).records.map(({ id }) => id)).toEqual(["x", "y", "z"])

  writeFileSync(path, `${line("a")}\n${line("b")}\n`)
  truncateSync(path, line("a").length + 1)
  expect(readFile(folder, position).records.map(({ id }) => id)).toEqual(["a"])

  writeFileSync(path, line("a") + line("b")) // the newline is gone
  expect(readFile(folder, readFile(folderOf({ "t.jsonl": `${line("a")}\n` })).position).records).toHaveLength(
    2
  )

  writeFileSync(path, `${line("a")}\n`) // a bad line is gone
  expect(
    readFile(folder, readFile(folderOf({ "t.jsonl": `${line("a")}\n42\n` })).position).records
  ).toHaveLength(1)

  writeFileSync(path, `${codexHeader}${codexLine(1)}${codexLine(2)}`)
  expect(readFile(folder, position).records.map(({ type }) => type)).toEqual(["Codex", "Codex", "Codex"])
})

it("a touched file costs the mark", () => {
  const folder = folderOf({ "t.jsonl": `${line("a")}\n` })
  const { position } = readFile(folder)
  utimesSync(join(folder, "t.jsonl"), 1_800_000_000, 1_800_000_000)
  const again = readFile(folder, position)
  expect(again.records).toEqual([])
  expect(again.counters.bytesRead).toBe(position.mark!.length)
})

it("a reading that stopped early goes on where it stopped", () => {
  const folder = folderOf({ "t.jsonl": `${line("a")}\n${line("b")}\n${line("c")}\n` })
  const first = readFile(folder, undefined, 2)
  expect(first.position).toMatchObject({ offset: 2 * (line("a").length + 1), line: 3 })
  expect(first.position.stamp).toBeUndefined()
  const second = readFile(folder, first.position)
  expect(second.records.map(({ id }) => id)).toEqual(["c"])
  expect(second.position.stamp).toBeDefined()
  appendFileSync(join(folder, "t.jsonl"), `${line("d")}\n${line("e")}\n`)
  expect(readFile(folder, second.position, 1).position.stamp).toBeUndefined()
})

it("a document is read again as a whole when it changed, and what was there keeps its ids", () => {
  const step = (action: string) => ({ action, observation: "", state: "{}" })
  const document = (steps: Array<object>) =>
    JSON.stringify({ trajectory: steps, history: [], info: {} }, null, 2)
  const folder = folderOf({ "run.traj": document([step("ls"), step("ls")]) })
  const first = readFile(folder)
  expect(readFile(folder, first.position).counters.filesOpened).toBe(0)
  writeFileSync(join(folder, "run.traj"), document([step("ls"), step("ls"), step("ls")]))
  const second = readFile(folder, first.position)
  expect(second.records.map(({ id }) => id).slice(0, 3)).toEqual(first.records.map(({ id }) => id))
  expect(new Set(second.records.map(({ id }) => id)).size).toBe(4)
  writeFileSync(join(folder, "run.traj"), `${line("a", { x: "y".repeat(1000) })}\n`)
  expect(readFile(folder, second.position).records).toMatchObject([{ type: "ClaudeCode", id: "a" }])
})

it("what is no transcript is looked at once", () => {
  const folder = folderOf({ "ledger.jsonl": '{"id":1}\n{"id":2}\n' })
  const source = openSource(folder)
  const found = source.read(source.files[0]!)
  if (found._tag !== "NotSupported") throw new Error(found._tag)
  const again = openSource(folder)
  expect(again.read(again.files[0]!, JSON.parse(JSON.stringify(found.position)))).toMatchObject({
    what: "JSON lines"
  })
  expect(again.counters).toMatchObject({ filesOpened: 0, bytesRead: 0 })

  writeFileSync(join(folder, "ledger.jsonl"), `${line("a")}\n`)
  const changed = openSource(folder)
  expect(changed.read(changed.files[0]!, found.position)._tag).toBe("Transcript")
})

it("what is empty or not even one line yet is left for later", () => {
  const folder = folderOf({ "a.jsonl": "", "b.jsonl": line("a").slice(0, 20), "c.jsonl": "\n" })
  const source = openSource(folder)
  expect(source.files.map((file) => source.read(file)._tag)).toEqual([
    "Unfinished",
    "Unfinished",
    "Unfinished"
  ])
})

it("a position is JSON as it is, at the start, on the way and at the end", () => {
  const folder = folderOf({
    "t.jsonl": `${codexLine(1)}${codexLine(2)}`,
    "u.json": '{"info":{"id":"s"},"messages":[]}'
  })
  const source = openSource(folder)
  for (const file of source.files) {
    const found = source.read(file)
    if (found._tag !== "Transcript") throw new Error(found._tag)
    const positions = [found.position]
    for (const _ of found.records()) positions.push(found.position)
    positions.push(found.position)
    expect(JSON.parse(JSON.stringify(positions))).toStrictEqual(positions)
  }
})

it("records are given once", () => {
  const { transcript, records } = readFile(folderOf({ "t.jsonl": `${line("a")}\n` }))
  expect(records).toHaveLength(1)
  expect([...transcript.records()]).toEqual([])
})

it("two readings give the same", () => {
  const folder = folderOf({ "t.jsonl": `${line("a")}\n{"type":"mode","mode":"x"}\n` })
  expect(readFile(folder).records).toEqual(readFile(folder).records)
  expect(readFileSync(join(folder, "t.jsonl"), "utf8")).toContain(readFile(folder).records[0]!.text)
})
