/** Rows against the plainest model of them: an array that is searched. */
import { EventSet, Projection, Rows } from "@varve/core"
import { Schema } from "effect"
import * as fc from "fast-check"
import { describe, expect, test } from "vitest"

interface Row {
  readonly id: string
  readonly text: string
}
const Lines = Rows.of(Schema.Struct({ id: Schema.String, text: Schema.String }), (row) => row.id)
const State = Schema.Struct({ rows: Lines })
const codec = Schema.toCodecJson(State)

const key = fc.integer({ min: 0, max: 60 }).map((n) => (n === 60 ? "__proto__" : `k${n}`))
const step = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.constant("append" as const), key) },
  { weight: 4, arbitrary: fc.tuple(fc.constant("set" as const), key) },
  { weight: 8, arbitrary: fc.tuple(fc.constant("update" as const), key) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("delete" as const), key) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("publish" as const), key) }
)

/** What a step does to an array. */
const model = (rows: ReadonlyArray<Row>, what: string, id: string, text: string): ReadonlyArray<Row> => {
  const at = rows.findIndex((row) => row.id === id)
  if (what === "append") return at < 0 ? [...rows, { id, text }] : rows
  if (what === "set") return at < 0 ? [...rows, { id, text }] : rows.with(at, { id, text })
  if (what === "update") return at < 0 ? rows : rows.with(at, { id, text: rows[at]!.text + text })
  return what === "delete" ? rows.filter((row) => row.id !== id) : rows
}

test("whatever is done to a draft, it reads as the array would, and what was published stays as it was", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: "max" }), (steps) => {
      const draft = Lines.empty()
      let rows: ReadonlyArray<Row> = []
      const published: Array<readonly [Rows.Rows<Row>, ReadonlyArray<Row>]> = []
      for (const [i, [what, id]] of steps.entries()) {
        const had = rows.some((row) => row.id === id)
        rows = model(rows, what, id, String(i))
        if (what === "append") expect(draft.append({ id, text: String(i) })).toBe(!had)
        else if (what === "set") draft.set({ id, text: String(i) })
        else if (what === "update")
          expect(draft.update(id, (row) => ({ id, text: row.text + String(i) }))).toBe(had)
        else if (what === "delete") expect(draft.delete(id)).toBe(had)
        else published.push([Projection.publish({ rows: draft }).rows, rows])
        expect(draft.size).toBe(rows.length)
        expect(draft.get(id)).toEqual(rows.find((row) => row.id === id))
      }
      for (const [was, wanted] of [...published, [draft, rows] as const]) {
        expect([...was]).toEqual(wanted)
        expect(was.at(-1)).toEqual(wanted.at(-1))
        for (const [i, row] of wanted.entries()) {
          expect(was.get(row.id)).toEqual(row)
          expect(was.at(i)).toEqual(row)
        }
        for (const { id } of rows) expect(was.has(id)).toBe(wanted.some((row) => row.id === id))
      }
    }),
    { numRuns: 60 }
  )
})

describe("publishing", () => {
  const filled = (count: number) =>
    Lines.from(Array.from({ length: count }, (_, i) => ({ id: `k${i}`, text: "" })))

  test("unchanged rows stay identical, changed ones don't, and nothing new is the same object", () => {
    const draft = filled(5000)
    const before = Projection.publish({ rows: draft }).rows
    expect(Projection.publish({ rows: draft }).rows).toBe(before)
    draft.update("k1234", (row) => ({ ...row, text: "new" }))
    draft.append({ id: "last", text: "" })
    const after = Projection.publish({ rows: draft }).rows
    expect(after).not.toBe(before)
    expect([...after].flatMap((row, i) => (row === before.at(i) ? [] : [row.id]))).toEqual(["k1234", "last"])
    expect(before.get("last")).toBeUndefined()
  })

  test("published rows refuse to be changed; a draft of them goes its own way", () => {
    const draft = filled(100)
    const { rows } = Projection.publish({ rows: draft })
    expect(() => (rows as Rows.Draft<Row>).append({ id: "x", text: "" })).toThrow(/don't change/)
    const [one, other] = [Projection.draft({ rows }).rows, Projection.draft({ rows }).rows]
    ;(one as Rows.Draft<Row>).append({ id: "one", text: "" })
    ;(other as Rows.Draft<Row>).append({ id: "other", text: "" })
    expect([one.get("other"), other.get("one"), rows.size]).toEqual([undefined, undefined, 100])
  })

  test("a row's key cannot change", () => {
    expect(() => filled(1).update("k0", () => ({ id: "k1", text: "" }))).toThrow(/key/)
  })

  test("plain states are copied whole, keys called __proto__ too; values are shared", () => {
    const date = new Date(0)
    const state = {
      list: [{ n: 1 }],
      map: new Map([["a", { n: 1 }]]),
      date,
      record: JSON.parse('{"__proto__":1}')
    }
    const was = Projection.publish(state)
    state.list[0]!.n = 2
    state.map.get("a")!.n = 2
    expect(was).toEqual({
      list: [{ n: 1 }],
      map: new Map([["a", { n: 1 }]]),
      date,
      record: JSON.parse('{"__proto__":1}')
    })
    expect(was.date).toBe(date)
  })
})

describe("the natural reducer is the fast one", () => {
  class Chat extends EventSet.make({
    Chunk: { id: Schema.String, text: Schema.String },
    Tool: { id: Schema.String, text: Schema.String }
  }) {}

  const Transcript = Projection.make(Chat, {
    name: "transcript",
    version: 1,
    state: State,
    initial: () => ({ rows: Lines.empty() }),
    on: {
      Chunk: ({ rows }, { data: { id, text } }) => {
        if (!rows.update(id, (row) => ({ ...row, text: row.text + text }))) rows.append({ id, text })
      },
      Tool: ({ rows }, { data }) => rows.set(data)
    }
  })

  /** 11 of 12 events extend the last row, 1 of 12 replaces one of 40 tools; a new message each 600 events. */
  const batch = (message: number) =>
    Projection.asStored<typeof Chat>(
      Array.from({ length: 600 }, (_, i) =>
        i % 12 === 11
          ? Chat.Tool({ id: `tool ${i % 40}`, text: "output" }, { id: `${i}`, at: 0 })
          : Chat.Chunk({ id: `message ${message}`, text: "some text " }, { id: `${i}`, at: 0 })
      )
    )
  const batches = Array.from({ length: 400 }, (_, i) => batch(i))

  /** CPU time an event, with a publication a batch: the best of some runs, since others use the machine too. */
  const cost = (count: number, runs: number): number => {
    let best = Infinity
    for (let run = 0; run < runs; run++) {
      let state = Transcript.initial()
      const start = process.cpuUsage()
      for (let i = 0; i < count; i++) {
        state = Projection.apply(Transcript, state, batches[i]!)
        Projection.publish(state)
      }
      const { system, user } = process.cpuUsage(start)
      best = Math.min(best, (user + system) / count)
      expect(state.rows.get(`message ${count - 1}`)!.text).toHaveLength(5500)
    }
    return best
  }

  test("20 times the events cost about the same each, published on the way", () => {
    cost(20, 20)
    const [short, long] = [cost(20, 20), cost(400, 4)]
    expect(long / short).toBeLessThan(6)
  })
})

describe("as stored", () => {
  test("rows are a plain array, and come back", () => {
    const rows = Lines.from([
      { id: "b", text: "1" },
      { id: "a", text: "2" },
      { id: "b", text: "3" }
    ])
    const json = Schema.encodeUnknownSync(codec)({ rows })
    expect(json).toEqual({
      rows: [
        { id: "b", text: "3" },
        { id: "a", text: "2" }
      ]
    })
    expect(JSON.parse(JSON.stringify({ rows }))).toEqual(json)
    const back = Schema.decodeUnknownSync(codec)(json)
    expect([...back.rows]).toEqual([...rows])
    ;(back.rows as Rows.Draft<Row>).append({ id: "c", text: "4" })
    expect(back.rows.at(2)).toEqual({ id: "c", text: "4" })
  })

  test.each([
    ["a row that is none", { rows: [{ id: "a" }] }],
    [
      "two rows with one key",
      {
        rows: [
          { id: "a", text: "" },
          { id: "a", text: "" }
        ]
      }
    ],
    ["no array", { rows: {} }]
  ])("%s is refused", (_, json) => {
    expect(() => Schema.decodeUnknownSync(codec)(json)).toThrow()
  })
})
