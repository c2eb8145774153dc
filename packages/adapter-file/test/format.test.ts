/** FORMAT.md against what is written: a reader made from that page alone, which shares no code with the adapter. */
import * as fs from "node:fs"
import { randomUUID } from "node:crypto"
import type { StoredEvent } from "@varve/core"
import { describe, expect, test } from "vitest"
import { event, newFolder, Store } from "./Store.ts"

const table = Array.from({ length: 256 }, (_, n) => {
  let c = n
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1
  return c >>> 0
})
const crc32 = (bytes: Uint8Array, start = 0): number => {
  let c = ~start
  for (const byte of bytes) c = table[(c ^ byte) & 255]! ^ (c >>> 8)
  return ~c >>> 0
}

interface Line {
  readonly json: Record<string, any>
  readonly text: string
  readonly from: number
  readonly to: number
}

const linesOf = (bytes: Buffer): Array<Line> => {
  const lines: Array<Line> = []
  for (let from = 0, to; (to = bytes.indexOf(10, from) + 1) > 0; from = to) {
    const text = bytes.toString("utf8", from, to - 1)
    lines.push({ json: JSON.parse(text), text, from, to })
  }
  return lines
}

/** All that FORMAT.md promises of a log that is whole. */
const readLog = (bytes: Buffer) => {
  const [header, ...lines] = linesOf(bytes) as [Line, ...Array<Line>]
  expect(Object.keys(header.json)).toEqual(["varve", "stream", "salt"])
  expect(header.json["varve"]).toBe(0)
  const seed = crc32(bytes.subarray(0, header.to))
  const events: Array<StoredEvent> = []
  const epochs: Array<string> = []
  let attributes: Record<string, string> = {}
  let group: Array<Line> = []
  let begin = header.to
  let secured = 0
  for (const line of lines) {
    group.push(line)
    if (!("end" in line.json)) continue
    const mark = line.json
    const held = group.filter(({ json }) => "seq" in json)
    const text = bytes.subarray(begin, line.to)
    expect(mark["from"]).toBe(begin)
    expect(mark["count"]).toBe(held.length)
    expect(mark["end"]).toBe(events.length + held.length)
    expect(mark["crc"]).toBe(crc32(text.subarray(0, -11), seed).toString(16).padStart(8, "0"))
    expect(mark["proven"]).toBeGreaterThanOrEqual(secured)
    expect(mark["proven"]).toBeLessThanOrEqual(begin)
    secured = mark["proven"]
    for (const { json, text } of group) {
      if ("after" in json) {
        expect([json["after"], json["epoch"]]).toEqual([epochs.at(-1) ?? "", mark["epoch"]])
        epochs.push(json["epoch"])
      } else if ("label" in json) attributes = { ...attributes, ...json["label"] }
      else if ("seq" in json) {
        const { seq, id, type, at, version = 1, seals = false } = json
        const data =
          json["dataText"] ??
          text.slice(
            text.lastIndexOf(',"data":', text.indexOf(JSON.stringify(json["data"]).slice(0, 9))) + 8,
            -1
          )
        const meta = json["metaText"] ?? (json["meta"] && JSON.stringify(json["meta"]))
        const { epoch, writtenAt } = mark as { epoch: string; writtenAt: number }
        events.push({
          stream: header.json["stream"],
          seq,
          epoch,
          id,
          type,
          version,
          at,
          data,
          meta,
          seals,
          writtenAt
        })
      }
    }
    expect(mark["epoch"]).toBe(epochs.at(-1))
    group = []
    begin = line.to
  }
  expect(begin).toBe(bytes.length)
  return { events, attributes, stream: header.json["stream"] as string }
}

describe("FORMAT.md", () => {
  test("a reader made from it alone reads what was written", async () => {
    const directory = newFolder()
    const written = [
      event("plain"),
      event('quotes "\\ and \u{1f600}', { type: 'Ty"pe\\', at: -5, data: '{"a":"\u2028 é"}' }),
      event("meta", { version: 3, meta: '{"agent":"a}\\"{","n":"\\\\"}', data: "[1,[]]" }),
      event("breaks", { data: '{\n"a":1}', meta: '{"a":"b"\n}' }),
      event("alone", { data: '"\ud800"' })
    ]
    const store = await Store.open(directory)
    await store.take("a/B", written, { durability: "synced", attributes: { project: "p", "k\n": "v" } })
    await store.release("a/B")
    await store.take("a/B", [event("after")])
    await store.take("a/B", [], { attributes: { project: "q" } })
    await store.take("a/B", [event("end", { seals: true })], { durability: "synced" })
    const log = readLog(fs.readFileSync(`${directory}/a%2f%42.jsonl`))
    expect(log.stream).toBe("a/B")
    expect(log.attributes).toEqual({ project: "q", "k\n": "v" })
    expect(log.events).toEqual(await store.events({ streams: ["a/B"] }))
    const given = log.events.map(({ id, type, version, at, data, meta, seals }) => ({
      id,
      type,
      version,
      at,
      data,
      meta,
      seals
    }))
    expect(given.slice(0, 5)).toEqual(written)
    await store.close()
  })

  test("meta that is no object, which core doesn't hand over, comes back as it was", async () => {
    const directory = newFolder()
    const metas = ["[]", '["a",{"b":"]"}]', '"a,b"', "0", "{", "{}}", '{"a', "{} ", "{},{}", "", "]"]
    const store = await Store.open(directory)
    await store.take(
      "s",
      metas.map((meta, i) => event(`e${i}`, { meta }))
    )
    expect((await store.events({})).map(({ meta }) => meta)).toEqual(metas)
    expect(linesOf(fs.readFileSync(`${directory}/s.jsonl`)).length).toBe(metas.length + 3)
    await store.close()
  })

  test.each([
    ["an array", '["a", 1]', { ids: ["e"], error: undefined }],
    ["no JSON", '{"a":[1}', { ids: [], error: { _tag: "StorageError" } }]
  ])("where meta stands on a line as %s, reading ends", async (_, meta, answer) => {
    const directory = newFolder()
    const store = await Store.open(directory)
    await store.take("s", [event("e", { meta: '{"a": 1}' })])
    await store.close()
    const file = `${directory}/s.jsonl`
    const bytes = Buffer.from(fs.readFileSync(file, "latin1").replace('{"a": 1}', meta), "latin1")
    const from = bytes.indexOf(10) + 1
    const to = bytes.indexOf(10, bytes.indexOf('\n{"end":') + 1) + 1
    const sum = crc32(bytes.subarray(from, to - 11), crc32(bytes.subarray(0, from)))
    bytes.write(sum.toString(16).padStart(8, "0"), to - 11, "latin1")
    fs.writeFileSync(file, bytes.subarray(0, to))
    fs.rmSync(`${directory}/.varve/heads`, { force: true })
    const again = await Store.open(directory)
    expect(await again.answered({})).toMatchObject(answer)
    await again.close()
  })

  test("people find events with grep, and need at most 130 bytes an event beside its data", async () => {
    const directory = newFolder()
    const store = await Store.open(directory)
    const data = JSON.stringify({ text: "findMe" })
    for (let i = 0; i < 20; i++) {
      const events = Array.from({ length: 15 }, () =>
        event(randomUUID(), { type: "MessageChunk", at: Date.now(), data })
      )
      await store.take("s", events)
    }
    await store.close()
    const text = fs.readFileSync(`${directory}/s.jsonl`, "utf8")
    expect(text.split("\n").filter((line) => line.includes("findMe")).length).toBe(300)
    expect(text.length / 300 - data.length).toBeLessThan(130)
  })

  test("a newer version is refused, by readers and writers", async () => {
    const directory = newFolder()
    fs.writeFileSync(`${directory}/s.jsonl`, '{"varve":1,"stream":"s","salt":"0"}\n{"new":true}\n')
    const store = await Store.open(directory)
    const newer = { _tag: "Damaged", offset: 0, problem: expect.stringContaining("newer") }
    expect(await store.append("s", ["a"])).toMatchObject({
      _tag: "Failed",
      reached: "rejected",
      cause: newer
    })
    expect((await store.answered({ streams: ["s"] })).error).toMatchObject(newer)
    expect(fs.readFileSync(`${directory}/s.jsonl`, "utf8")).toContain('{"new":true}')
    await store.close()
  })

  test("what isn't a log is left alone", async () => {
    const directory = newFolder()
    fs.writeFileSync(`${directory}/notes.jsonl`, '{"my":"notes"}\n')
    const store = await Store.open(directory)
    await store.take("s", ["a"])
    expect(await store.ids({})).toEqual(["a"])
    expect(await store.append("notes", ["a"])).toMatchObject({ _tag: "Failed", reached: "rejected" })
    expect(fs.readFileSync(`${directory}/notes.jsonl`, "utf8")).toBe('{"my":"notes"}\n')
    await store.close()
  })
})
