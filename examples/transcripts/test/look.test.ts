import { mkdirSync, rmSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { agentFolders } from "../src/folders.ts"
import { openSource, type BadLine } from "../src/Source.ts"
import { folderOf, line, readFile } from "./reading.ts"

/** One smallest file of each format, as it opens, and its stream. */
const openings: Record<string, readonly [content: string, stream: string]> = {
  ClaudeCode: [`${line("u", { sessionId: "s-1" })}\n`, "claude-code/s-1"],
  Codex: ['{"timestamp":"2026-01-05T09:00:00Z","type":"session_meta","payload":{"id":"s-2"}}\n', "codex/s-2"],
  Copilot: [
    '{"type":"session.start","data":{"sessionId":"s-3"},"id":"e","timestamp":"2026-01-05T09:00:00Z","parentId":null}\n',
    "copilot/s-3"
  ],
  Pi: ['{"type":"session","id":"s-4","timestamp":"2026-01-05T09:00:00Z","cwd":"/"}\n', "pi/s-4"],
  Dsh: [
    '{"type":"session","version":0,"id":"{{sessionId}}","createdAt":1785403668101,"cwd":"/"}\n',
    "dsh/x.jsonl"
  ],
  OpenCode: ['{\n  "info": { "id": "s-6" },\n  "messages": []\n}\n', "opencode/s-6"],
  SweAgent: [
    '{\n  "environment": "main",\n  "trajectory": [{ "action": "ls", "observation": "" }],\n  "history": []\n}',
    "swe-agent/x.jsonl"
  ]
}

describe("telling formats apart", () => {
  it.each(Object.entries(openings))(
    "%s by its content, whatever the file is called",
    (type, [content, stream]) => {
      const { records } = readFile(folderOf({ "x.jsonl": content }))
      expect(records[0]).toMatchObject({ type, stream })
    }
  )

  it("a document printed on one line", () => {
    const { records } = readFile(
      folderOf({ "x.json": '{"info":{"id":"s"},"messages":[{"info":{"id":"m"},"parts":[]}]}' })
    )
    expect(records.map(({ type, text }) => [type, text])).toEqual([
      ["OpenCode", '{"info":{"id":"s"},"messages":[]}'],
      ["OpenCode", '{"info":{"id":"m"},"parts":[]}']
    ])
  })

  it("Codex before its envelope", () => {
    const content =
      '{"id":"s-0","timestamp":"2025-06-01T09:00:00Z","instructions":null}\n{"record_type":"state"}\n'
    expect(readFile(folderOf({ "x.jsonl": content })).records.map(({ stream, at }) => [stream, at])).toEqual([
      ["codex/s-0", Date.UTC(2025, 5, 1, 9)],
      ["codex/s-0", Date.UTC(2025, 5, 1, 9)]
    ])
  })

  it("a Codex fork stays itself when it copies its parent's header", () => {
    const header = (id: string) =>
      `{"timestamp":"2026-01-05T09:00:00Z","type":"session_meta","payload":{"id":"${id}"}}\n`
    const { records } = readFile(folderOf({ "x.jsonl": header("fork") + header("parent") }))
    expect(records.map(({ stream }) => stream)).toEqual(["codex/fork", "codex/fork"])
  })

  it("a record's own id is its event's id", () => {
    const dsh = '{"type":"turn/start","seq":0,"data":{}}\n{"type":"text-chunks","seq0":7,"data":{}}\n'
    const ids = (content: string) => readFile(folderOf({ "x.jsonl": content })).records.map(({ id }) => id)
    expect(ids(dsh)).toEqual(["0", "7"])
    expect(ids(openings["ClaudeCode"]![0])).toEqual(["u"])
    expect(ids(openings["Copilot"]![0])).toEqual(["e"])
    expect(ids(openings["Pi"]![0])).toEqual(["s-4"])
  })

  it("two dsh traces under one id are two streams", () => {
    const folder = folderOf({ "a/x.jsonl": openings["Dsh"]![0], "b/x.jsonl": openings["Dsh"]![0] })
    const source = openSource(folder)
    const streams = source.files.map((file) => {
      const found = source.read(file)
      return found._tag === "Transcript" ? [...found.records()][0]!.stream : found._tag
    })
    expect(streams).toEqual(["dsh/a/x.jsonl", "dsh/b/x.jsonl"])
  })

  it.each([
    ["SQLite database", "SQLite format 3\0\u0010\0"],
    ["JSON lines", '{"ts":1521911720.86,"uid":"C1"}\n{"ts":1521911720.87,"uid":"C2"}\n'],
    ["JSON lines", '{"id":"b-1","title":"x","status":"open"}\n{"id":"b-2","title":"y","status":"open"}\n'],
    ["JSON document", '{\n  "name": "x",\n  "history": [{ "role": "user" }]\n}\n'],
    ["JSON document", '{"name":"x"}\n'],
    ["JSON document", "[]\n"],
    ["text", "file\tbytes\nx.jsonl\t3\n"],
    ["text", "# Notes\n"],
    ["binary", "PK\u0003\u0004\0\0"]
  ])("%s is not supported", (what, content) => {
    const source = openSource(folderOf({ "x.jsonl": content }))
    expect(source.read(source.files[0]!)).toMatchObject({ _tag: "NotSupported", what })
  })
})

describe("documents", () => {
  const document = `\ufeff{
    "info": { "id": "s", "time": { "created": 1777908295276 }, "big": 9007199254740993 },
    "messages": [
      { "info": { "id": "m", "sessionID": "s", "time": { "created": 1777908295544 } }, "n": 1.50, "key": "],[" },
      7,
      {"info":{"id":"m2","sessionID":"s"},"parts":[]}
    ],
    "later": "]}"
}
`
  it("become a header and a record for each element, cut from the text", () => {
    const { records, bad } = readFile(folderOf({ "x.jsonl": document }))
    expect(records.map(({ text, line, at, meta }) => [text, line, at, meta["time"]])).toEqual([
      [
        '{\n    "info": { "id": "s", "time": { "created": 1777908295276 }, "big": 9007199254740993 },\n    "messages": [],\n    "later": "]}"\n}',
        1,
        1777908295276,
        undefined
      ],
      [
        '{ "info": { "id": "m", "sessionID": "s", "time": { "created": 1777908295544 } }, "n": 1.50, "key": "],[" }',
        4,
        1777908295544,
        undefined
      ],
      ['{"info":{"id":"m2","sessionID":"s"},"parts":[]}', 6, 1777908295544, "inherited"]
    ])
    expect(bad).toEqual([{ file: "x.jsonl", line: 5, reason: "not a JSON object" }])
  })

  it("that name their list twice mean the last one, as JSON.parse does", () => {
    const twice = '{"info":{"id":"s"},"messages":[{"n":1}],"messages":[{"n":2},{"n":3}]}'
    expect(
      readFile(folderOf({ "x.jsonl": twice }))
        .records.slice(1)
        .map(({ text }) => text)
    ).toEqual(['{"n":2}', '{"n":3}'])
  })

  it("that break off are bad, with the line where", () => {
    const torn = document.slice(0, document.indexOf('"parts"'))
    const { records, bad } = readFile(folderOf({ "x.jsonl": torn }))
    expect(records).toEqual([])
    expect(bad).toEqual([{ file: "x.jsonl", line: 6, reason: "a document that breaks off" }])
  })

  it("a message that changed is a new state of it, not another content under its id", () => {
    const state = (status: string) =>
      `{"info":{"id":"s"},"messages":[{"info":{"id":"m"},"parts":[{"status":"${status}"}]}]}`
    const [running, done] = ["running", "done"].map(
      (status) => readFile(folderOf({ "x.jsonl": state(status) })).records
    )
    expect(running![0]!.id).toBe(done![0]!.id)
    expect(running![1]!.id).not.toBe(done![1]!.id)
  })
})

describe("folders", () => {
  it("are walked in one order, without links, each file under its first folder", () => {
    const folder = folderOf({
      "b.jsonl": "",
      "a/z.jsonl": "",
      "a/b/c.jsonl": "",
      "B.jsonl": "",
      ".git/x.jsonl": "",
      "\uff5e": "",
      "\u{1f600}": ""
    })
    symlinkSync(folder, join(folder, "a", "loop"))
    symlinkSync(join(folder, "b.jsonl"), join(folder, "link.jsonl"))
    expect(openSource(folder).files.map(({ name, folder }) => [name, folder])).toEqual([
      ["B.jsonl", "."],
      ["a/b/c.jsonl", "a"],
      ["a/z.jsonl", "a"],
      ["b.jsonl", "."],
      ["\u{1f600}", "."],
      ["\uff5e", "."]
    ])
  })

  it("may be one file", () => {
    const folder = folderOf({ "a/t.jsonl": `${line("a")}\n` })
    expect(openSource(join(folder, "a/t.jsonl")).files).toMatchObject([{ name: "t.jsonl", folder: "." }])
  })

  it("that are not there throw; a file that vanished is reported and stops nothing", () => {
    expect(() => openSource(join(folderOf({}), "none"))).toThrow("ENOENT")
    const bad: Array<BadLine> = []
    const source = openSource(folderOf({ "t.jsonl": "" }), { onBad: (line) => bad.push(line) })
    const gone = { ...source.files[0]!, path: `${source.files[0]!.path}.gone` }
    expect(source.read(gone)._tag).toBe("Unreadable")
    expect(bad).toEqual([{ file: "t.jsonl", line: 0, reason: "cannot be read (ENOENT)" }])
  })

  it("a file that vanishes between looking and reading is reported, and its position stays", () => {
    const folder = folderOf({ "t.jsonl": `${line("a")}\n` })
    const bad: Array<BadLine> = []
    const source = openSource(folder, { onBad: (line) => bad.push(line) })
    const found = source.read(source.files[0]!)
    rmSync(join(folder, "t.jsonl"))
    if (found._tag !== "Transcript") throw new Error(found._tag)
    expect([...found.records()]).toEqual([])
    expect(bad).toEqual([{ file: "t.jsonl", line: 1, reason: "cannot be read (ENOENT)" }])
    expect(found.position).toMatchObject({ offset: 0, records: 0 })
    expect(found.position.stamp).toBeUndefined()
  })

  it("of agents are those that exist", () => {
    const home = folderOf({ ".claude/projects/x/y.jsonl": "", ".codex/auth.json": "" })
    mkdirSync(join(home, ".pi/agent/sessions"), { recursive: true })
    expect(agentFolders(home)).toEqual([
      { agent: "claude-code", path: join(home, ".claude/projects") },
      { agent: "pi", path: join(home, ".pi/agent/sessions") }
    ])
    expect(agentFolders(folderOf({}))).toEqual([])
  })
})
