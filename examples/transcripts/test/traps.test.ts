/** What real files do to a naive reader, each as a small file with its answer worked out by hand. */
import { expect, it } from "vitest"
import { maxLineBytes } from "../src/lines.ts"
import { folderOf, line, readFile } from "./reading.ts"

const read = (content: string | Buffer) => readFile(folderOf({ "t.jsonl": content }))
const ids = (content: string | Buffer) => read(content).records.map(({ id }) => id)
const noon = Date.UTC(2026, 0, 5, 12)

it("no final newline: the last record counts", () => {
  const { records, transcript } = read(`${line("a")}\n${line("b")}`)
  expect(records.map(({ id, line }) => [id, line])).toEqual([
    ["a", 1],
    ["b", 2]
  ])
  expect(transcript.pending).toBe(0)
})

it("records glued on one line: each counts, under that line's number", () => {
  const { records, bad } = read(`${line("a")}${line("b")} ${line("c")}\n${line("d")}\n`)
  expect(records.map(({ id, line }) => [id, line])).toEqual([
    ["a", 1],
    ["b", 1],
    ["c", 1],
    ["d", 2]
  ])
  expect(records[1]!.text).toBe(line("b"))
  expect(bad).toEqual([])
})

it("CRLF and blank lines: no part of any record", () => {
  const { records, bad } = read(`${line("a")}\r\n\r\n \n${line("b")}\r\n`)
  expect(records.map(({ id, line, text }) => [id, line, text])).toEqual([
    ["a", 1, line("a")],
    ["b", 4, line("b")]
  ])
  expect(bad).toEqual([])
})

it("a byte order mark, at the start or where files were joined", () => {
  const { records, bad } = read(`\ufeff${line("a")}\n\ufeff${line("b")}\n`)
  expect(records.map(({ text }) => text)).toEqual([line("a"), line("b")])
  expect(bad).toEqual([])
})

it("NULs where a hole was never written: the record behind them counts", () => {
  const { records, bad } = read(`${line("a")}\n${"\0".repeat(4096)}${line("b")}\n${line("c")}\n`)
  expect(records.map(({ id }) => id)).toEqual(["a", "b", "c"])
  expect(bad).toEqual([{ file: "t.jsonl", line: 2, reason: "NUL bytes, a hole that was never written" }])
})

it("a hole in the middle of a record costs that record", () => {
  const { records, bad } = read(`${line("a")}\n{"type":"us\0\0\0\0","x":1}\n${line("c")}\n`)
  expect(records.map(({ id }) => id)).toEqual(["a", "c"])
  expect(bad).toEqual([{ file: "t.jsonl", line: 2, reason: "not a JSON object" }])
})

it("U+2028 raw in a string ends no line", () => {
  const text = line("a", { message: { content: "one\u2028two\u0085three\u2029" } })
  const { records, bad } = read(`${text}\n`)
  expect(text).toContain("\u2028")
  expect(records.map((record) => record.text)).toEqual([text])
  expect(bad).toEqual([])
})

it("integers above 2^53, exotic numbers, unknown keys and spacing come back as written", () => {
  const text =
    '{ "type":"user", "uuid":"a", "sessionId":"s", "n":9007199254740993, "f":1.10, "e":1E400, "z":-0, "__proto__":{"x":1} }'
  expect(read(`${text}\n`).records[0]!.text).toBe(text)
})

it("lone surrogates in escapes come back as escapes", () => {
  const text = '{"type":"user","uuid":"a","sessionId":"s","message":"\\ud800 \\udc00"}'
  expect(read(`${text}\n`).records[0]!.text).toBe(text)
})

it("a lone surrogate or a control character in an id or session makes no ill name", () => {
  const text = '{"type":"user","uuid":"\\ud800","sessionId":"a\\u0000b","timestamp":"2026-01-05T12:00:00Z"}'
  const [record] = read(`${text}\n`).records
  expect(record!.id).toMatch(/^[\w-]{22}$/)
  expect(record!.stream).toMatch(/^claude-code\/[\w-]{22}$/)
  expect(record!.text).toBe(text)
})

it("an id too long for a log becomes its digest", () => {
  const long = "é".repeat(251)
  const [id, other] = ids(`${line(long.slice(1))}\n${line(long)}\n`)
  expect(id).toBe(long.slice(1)) // 500 bytes
  expect(other).toMatch(/^[\w-]{22}$/)
})

it("bytes that are not UTF-8 are a bad line, never replaced", () => {
  const broken = Buffer.concat([
    Buffer.from(line("b").slice(0, -2)),
    Buffer.from([0xc3, 0x28]),
    Buffer.from('"}')
  ])
  const { records, bad } = read(
    Buffer.concat([Buffer.from(`${line("a")}\n`), broken, Buffer.from(`\n${line("c")}\n`)])
  )
  expect(records.map(({ id }) => id)).toEqual(["a", "c"])
  expect(bad).toEqual([{ file: "t.jsonl", line: 2, reason: "not UTF-8" }])
})

it("a torn line is told by place and reason, never by content, and stops nothing", () => {
  const { records, bad, position } = read(`${line("a")}\n${line("secret").slice(0, 40)}\n${line("c")}\n42\n`)
  expect(records.map(({ id, line }) => [id, line])).toEqual([
    ["a", 1],
    ["c", 3]
  ])
  expect(bad).toEqual([
    { file: "t.jsonl", line: 2, reason: "a record that breaks off" },
    { file: "t.jsonl", line: 4, reason: "not a JSON object" }
  ])
  expect(position).toMatchObject({ records: 2, bad: 2 })
})

it("a first line of garbage doesn't hide what the file is", () => {
  const { records, bad } = read(`ssage":"x"}\n${line("a")}\n`)
  expect(records.map(({ id }) => id)).toEqual(["a"])
  expect(bad).toEqual([{ file: "t.jsonl", line: 1, reason: "not a JSON object" }])
})

it("an unfinished last line is not yet a record, and not bad", () => {
  const half = line("b").slice(0, 30)
  const { records, bad, transcript, position } = read(`${line("a")}\n${half}`)
  expect(records.map(({ id }) => id)).toEqual(["a"])
  expect(bad).toEqual([])
  expect(transcript.pending).toBe(30)
  expect(position.offset).toBe(line("a").length + 1)
})

it("an unfinished last line may end within a character", () => {
  const { records, bad, transcript } = read(Buffer.from(`${line("a")}\n{"x":"€`).subarray(0, -1))
  expect(records.map(({ id }) => id)).toEqual(["a"])
  expect(bad).toEqual([])
  expect(transcript.pending).toBe(8)
})

it("of an unfinished last line, the whole records at its start count", () => {
  const { records, transcript } = read(`${line("a")}${line("b").slice(0, 30)}`)
  expect(records.map(({ id }) => id)).toEqual(["a"])
  expect(transcript.pending).toBe(30)
})

it("a line over the limit is bad, and the next one is read", () => {
  const long = Buffer.alloc(maxLineBytes + 1, 0x78)
  const { records, bad } = read(
    Buffer.concat([Buffer.from(`${line("a")}\n`), long, Buffer.from(`\n${line("c")}\n`)])
  )
  expect(records.map(({ id, line }) => [id, line])).toEqual([
    ["a", 1],
    ["c", 3]
  ])
  expect(bad).toEqual([{ file: "t.jsonl", line: 2, reason: "longer than 67108864 bytes" }])
})

it("a long first line is read to its end to tell what the file is", () => {
  const long = line("a", { message: { content: "x".repeat(700_000) } })
  expect(read(`${long}\n${line("b")}\n`).records.map(({ id, text }) => [id, text.length])).toEqual([
    ["a", long.length],
    ["b", line("b").length]
  ])
})

it("nesting beyond the stack is a bad line", () => {
  const deep = `{"type":"user","sessionId":"s","x":${"[".repeat(50_000)}${"]".repeat(50_000)}}`
  const { records, bad } = read(`${line("a")}\n${deep}\n${line("c")}\n`)
  expect(records.map(({ id }) => id)).toEqual(["a", "c"])
  expect(bad).toEqual([{ file: "t.jsonl", line: 2, reason: "nested too deeply" }])
})

it("timestamps that run backwards are kept as they are, in the file's order", () => {
  const times = ["2026-01-05T12:00:00.000Z", "2026-01-05T11:59:59.999Z", "2026-01-04T21:24:00.000Z"]
  const { records } = read(times.map((timestamp, i) => `${line(`${i}`, { timestamp })}\n`).join(""))
  expect(records.map(({ at }) => at)).toEqual([noon, noon - 1, noon - 14.6 * 3_600_000])
})

it("without a time: that of the record before, told in meta", () => {
  const { records } = read(
    [
      line("a", { timestamp: "2026-01-05T12:00:00.000Z" }),
      '{"type":"permission-mode","permissionMode":"plan","sessionId":"s"}',
      line("b", { timestamp: "2026-01-05T13:00:00.000Z" })
    ].join("\n")
  )
  expect(records.map(({ at, meta }) => [at, meta["time"]])).toEqual([
    [noon, undefined],
    [noon, "inherited"],
    [noon + 3_600_000, undefined]
  ])
})

it("without a time at the start: the first that is told, and without any: the file's", () => {
  const snapshot = '{"type":"file-history-snapshot","messageId":"m","snapshot":{},"isSnapshotUpdate":true}'
  const [first] = read(`${snapshot}\n${line("a", { timestamp: "2026-01-05T12:00:00.000Z" })}\n`).records
  expect([first!.at, first!.meta["time"]]).toEqual([noon, "inherited"])
  const { records, transcript } = read(`${snapshot}\n`)
  expect([records[0]!.at, records[0]!.meta["time"]]).toEqual([Math.floor(transcript.file.mtimeMs), "file"])
})

it("an update of a snapshot has the time of the record before, not of the snapshot that it updates", () => {
  const snapshot = (update: boolean) =>
    `{"type":"file-history-snapshot","snapshot":{"timestamp":"2026-01-05T12:00:00Z"},"isSnapshotUpdate":${update}}`
  const later = line("a", { timestamp: "2026-01-05T13:00:00Z" })
  const { records } = read([snapshot(false), later, snapshot(true)].join("\n"))
  expect(records.map(({ at, meta }) => [at, meta["time"]])).toEqual([
    [noon, undefined],
    [noon + 3_600_000, undefined],
    [noon + 3_600_000, "inherited"]
  ])
})

it("without a session at the start: the first that is told", () => {
  const snapshot = '{"type":"file-history-snapshot","messageId":"m","snapshot":{},"isSnapshotUpdate":true}'
  expect(
    read(`${snapshot}\n${line("a", { sessionId: "s-1" })}\n`).records.map(({ stream }) => stream)
  ).toEqual(["claude-code/s-1", "claude-code/s-1"])
})

it("without any session: the UUID in the file's name, else its path", () => {
  const summary = '{"type":"summary","summary":"Cache","leafUuid":"x"}\n'
  const uuid = "8fd17d3d-5e4d-40c9-811e-63c7ecdcdf1e"
  expect(readFile(folderOf({ [`p/${uuid}.jsonl`]: summary })).records[0]!.stream).toBe(`claude-code/${uuid}`)
  expect(readFile(folderOf({ "p/notes.jsonl": summary })).records[0]!.stream).toBe(
    "claude-code/p/notes.jsonl"
  )
})

it("several sessions in one file: each record goes to its own, id-less ones to the one before", () => {
  const mode = '{"type":"mode","mode":"x"}'
  const { records } = read([line("a"), line("b", { sessionId: "t" }), mode, line("c")].join("\n"))
  expect(records.map(({ stream }) => stream)).toEqual([
    "claude-code/s",
    "claude-code/t",
    "claude-code/t",
    "claude-code/s"
  ])
})

it("equal records of one moment are two events; the same line later is another; a copy elsewhere is none", () => {
  const mode = '{"type":"permission-mode","permissionMode":"plan","sessionId":"s"}'
  const queue = (timestamp: string) =>
    `{"type":"queue-operation","operation":"remove","timestamp":"${timestamp}","sessionId":"s"}`
  const [early, late] = ["2026-01-05T12:00:00Z", "2026-01-05T13:00:00Z"]
  const found = ids([queue(early), queue(early), mode, queue(late), mode, queue(early)].join("\n"))
  expect(found[1]).toBe(`${found[0]}.1`)
  expect(found[4]).not.toBe(found[2])
  expect(found[5]).toBe(found[0])
  expect(new Set(found).size).toBe(5)
})

it("key order and spacing make no other event", () => {
  const [one] = ids('{"type":"queue-operation","operation":"add","sessionId":"s","n":[1,{"b":1,"a":2}]}')
  const [other] = ids(
    '{ "sessionId":"s","n":[1,{"a":2,"b":1}], "operation":"add", "type":"queue-operation" }'
  )
  expect(other).toBe(one)
})
