import { Schema } from "effect"
import { describe, expect, expectTypeOf, test } from "vitest"
import {
  EventId,
  EventSet,
  event,
  InvalidEvent,
  InvalidName,
  type StoredEvent,
  StreamId,
  type Unrecognized
} from "@varve/core"
import { chunk, Session } from "./session.ts"

const store = (encoded: ReturnType<typeof EventSet.encode>): StoredEvent => ({
  ...encoded,
  stream: "s",
  seq: 1,
  epoch: "e",
  writtenAt: 0
})
const there = (set: EventSet.Any, made: Parameters<typeof EventSet.encode>[2]) =>
  EventSet.decode(set, store(EventSet.encode(set, "s", made)))

describe("policy", () => {
  const definitions = Session[EventSet.Definitions]

  test("synced implies barrier, sealing implies both", () => {
    expect(definitions.MessageChunk).toMatchObject({ barrier: false, durability: "written", seals: false })
    expect(definitions.TurnEnded).toMatchObject({ barrier: true, durability: "synced", seals: false })
    expect(definitions.Ended).toMatchObject({ barrier: true, durability: "synced", seals: true })
  })

  test("combinations that make no sense do not compile", () => {
    // @ts-expect-error a volatile event is not stored and cannot seal
    event({}, { seals: true, durability: "volatile" })
    // @ts-expect-error attention must arrive
    event({}, { attention: true, durability: "volatile" })
    // @ts-expect-error the lift must give the current fields
    event({ a: Schema.String }, { version: 2 }).from(1, { a: Schema.Number }, (old) => old)
  })

  test("a lift starts below the current version, once", () => {
    expect(() => event({}, { version: 1 }).from(1, {}, () => ({}))).toThrow("from(1)")
    expect(() => event({}, { version: 0 })).toThrow("from 1")
  })

  test("reserved names are refused", () => {
    for (const type of ["varve/Mine", "name", "length", "prototype", "constructor"]) {
      expect(() => EventSet.make({ [type]: {} }), type).toThrow("reserved")
    }
    expect(() => EventSet.make({ "": {} })).toThrow(InvalidName)
  })
})

describe("A8 round-trip", () => {
  class Hard extends EventSet.make({
    Any: { value: Schema.Unknown },
    Typed: { at: Schema.Date, big: Schema.BigInt, maybe: Schema.optional(Schema.String) },
    Record: { values: Schema.Record(Schema.String, Schema.Unknown) },
    Raw: event.json()
  }) {}

  test.each([
    ["__proto__ as a key", JSON.parse('{"__proto__":{"x":1},"constructor":2}')],
    ["U+2028, NUL and a lone surrogate in text", "\u2028 \u0000 \ud800"],
    ["an ISO-looking string", "2026-11-21T00:00:00.000Z"],
    ["integers up to the last exact one", [Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER, 2 ** 60]],
    ["the smallest and largest doubles", [Number.MIN_VALUE, Number.MAX_VALUE, 0.1 + 0.2]],
    ["null, empty containers", [null, {}, [], ""]]
  ])("%s comes back as it was", (_, value) => {
    expect(there(Hard, Hard.Any({ value })).data).toStrictEqual({ value })
    expect(there(Hard, Hard.Record({ values: { value } })).data).toStrictEqual({ values: { value } })
  })

  test("typed values come back typed", () => {
    const data = { at: new Date(1e12), big: 2n ** 70n, maybe: "x" }
    expect(there(Hard, Hard.Typed(data)).data).toStrictEqual(data)
  })

  const deep = (depth: number): unknown => (depth === 0 ? 1 : [deep(depth - 1)])
  test.each([
    ["NaN", Number.NaN],
    ["Infinity", [Number.POSITIVE_INFINITY]],
    ["-0", { zero: -0 }],
    ["undefined", [undefined]],
    ["a BigInt where the schema is unknown", 1n],
    ["a Date where the schema is unknown", new Date(0)],
    ["a Map", new Map()],
    ["a function", () => 1],
    ["a toJSON method", { toJSON: () => 1 }],
    ["nesting beyond the limit", deep(300)]
  ])("%s is refused up front", (_, value) => {
    expect(() => EventSet.encode(Hard, "s", Hard.Any({ value }))).toThrow(InvalidEvent)
  })

  test("JSON text is kept byte for byte, and what is not JSON is refused", () => {
    const text = '{ "n": 12345678901234567890, "n": 1.50, "x": "\\ud800" }'
    expect(there(Hard, Hard.Raw(text)).data).toBe(text)
    for (const bad of ["{", "", "\ud800", `"\ud800"`, `${"[".repeat(300)}${"]".repeat(300)}`]) {
      expect(() => EventSet.encode(Hard, "s", Hard.Raw(bad))).toThrow(InvalidEvent)
    }
  })

  test("an excess property, a misfit, an ill-formed id and a bad time are refused by field", () => {
    const refusal = (made: unknown): InvalidEvent => {
      try {
        EventSet.encode(Session, "s", made as ReturnType<typeof chunk>)
      } catch (error) {
        if (error instanceof InvalidEvent) return error
      }
      throw new Error("was not refused")
    }
    expect(refusal(chunk(5 as never))).toMatchObject({ type: "MessageChunk", path: "text", stream: "s" })
    expect(refusal({ ...chunk(""), data: { messageId: "m", text: "", more: 1 } }).problem).toContain("excess")
    expect(refusal(chunk("", { id: "a\u0000b" })).problem).toContain("control character")
    expect(refusal(chunk("", { id: "\ud800" })).problem).toContain("lone surrogate")
    expect(refusal(chunk("", { id: "é".repeat(257) })).problem).toContain("512 bytes")
    expect(refusal(chunk("", { at: 1.5 })).problem).toContain("integer")
    expect(refusal({ ...chunk(""), type: "Unheard" }).problem).toContain("does not define")
    expect(refusal(chunk("", { meta: { agent: 1 as never } })).problem).toContain("meta")
    for (const meta of [["a"], [], new Date(0), new Map(), "a", null, Object.create({ agent: "a" })])
      expect(refusal(chunk("", { meta: meta as never })).problem).toContain("meta that is not a plain object")
  })

  test("A8 round-trip: what JSON would change is refused in flat data too", () => {
    class Flat extends EventSet.make({
      Point: { x: Schema.Number, on: Schema.Boolean, kind: Schema.Literal("a"), name: Schema.String }
    }) {}
    const good = { x: 1.5, on: true, kind: "a", name: "\u2028__proto__" } as const
    const encode = (data: unknown) => EventSet.encode(Flat, "s", Flat.Point(data as typeof good)).data
    expect(JSON.parse(encode(good))).toEqual(good)
    // JSON has no NaN, so the codec writes it in its own way.
    expect(JSON.parse(encode({ ...good, x: NaN }))).toEqual({ ...good, x: "NaN" })
    const hidden = Object.defineProperty({ ...good, x: 2 }, "name", { enumerable: false })
    const lent: object = Object.create(good)
    const spelled = { ...good, toJSON: () => ({}) }
    for (const bad of [
      { ...good, x: -0 },
      { ...good, x: "1" },
      { ...good, kind: "c" },
      { ...good, more: 1 },
      { x: 1, on: true, kind: "a" },
      spelled
    ]) {
      expect(() => encode(bad), JSON.stringify(bad)).toThrow(InvalidEvent)
    }
    // What the codec takes of these is what comes back.
    for (const odd of [hidden, lent, { ...good, [Symbol("s")]: 1 }]) {
      let text: string | undefined
      try {
        text = encode(odd)
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidEvent)
      }
      if (text !== undefined)
        expect(Object.keys(JSON.parse(text) as object).toSorted()).toEqual(["kind", "name", "on", "x"])
    }
  })

  test("S6 quiet: no refusal repeats payload", () => {
    const secret = "sk-secret"
    for (const made of [
      chunk(secret as never, { id: `${secret}\u0000` }),
      { ...chunk(secret), data: { messageId: secret, text: { [secret]: secret } } },
      { ...chunk(secret), data: { messageId: "m", text: "", [secret]: secret } },
      { ...chunk(secret), meta: { [secret]: 1 } }
    ]) {
      try {
        EventSet.encode(Session, "s", made as ReturnType<typeof chunk>)
        expect.unreachable()
      } catch (error) {
        expect(JSON.stringify(error) + String(error) + (error as Error).message).not.toContain(secret)
      }
    }
  })
})

describe("reading", () => {
  test("older data is lifted, and says what it was stored as", () => {
    const stored = store({
      ...EventSet.encode(Session, "s", chunk("")),
      type: "ToolCallUpdated",
      version: 1,
      data: '{"id":"c1","out":7}'
    })
    expect(EventSet.decode(Session, stored)).toMatchObject({
      version: 1,
      data: { callId: "c1", output: "7" }
    })
  })

  test.each([
    ["unknown-type", { type: "Unheard", version: 1, data: "{}" }],
    ["unknown-version", { type: "ToolCallUpdated", version: 3, data: "{}" }],
    ["undecodable", { type: "MessageChunk", version: 1, data: '{"text":1}' }],
    ["undecodable", { type: "ToolCallUpdated", version: 1, data: '{"id":1}' }]
  ])("%s surfaces as varve/Unrecognized with what was stored", (problem, content) => {
    const decoded = EventSet.decode(
      Session,
      store({ ...EventSet.encode(Session, "s", chunk("")), ...content })
    )
    const { type, version, data } = content
    expect(decoded).toMatchObject({
      type: "varve/Unrecognized",
      data: { type, version, json: data, problem }
    })
  })

  test("types narrow by type", () => {
    type Stored = EventSet.Stored<typeof Session>
    expectTypeOf<Extract<Stored, { type: "MessageChunk" }>["data"]>().toEqualTypeOf<{
      readonly messageId: string
      readonly text: string
    }>()
    expectTypeOf<Extract<Stored, { type: "varve/Unrecognized" }>>().toEqualTypeOf<Unrecognized>()
    expectTypeOf(Session.Ended).toBeCallableWith()
  })
})

describe("names out of parts", () => {
  test("S1 names: different parts give different names", () => {
    expect(StreamId.of("codex", "2026/11", 7)).toBe("codex/2026%2F11/7")
    const parts = [["a", "b"], ["a/b"], ["a%2Fb"], ["a", "", "b"], ["a", "b", ""], ["", "a", "b"]]
    expect(new Set(parts.map((p) => StreamId.of(...p))).size).toBe(parts.length)
  })

  test("what is no name is refused", () => {
    expect(() => StreamId.of()).toThrow(InvalidName)
    expect(() => EventId.derive("x".repeat(513))).toThrow("512 bytes")
  })

  test("made ids differ and are short", () => {
    const ids = new Set(Array.from({ length: 10_000 }, EventId.make))
    expect(ids.size).toBe(10_000)
    expect(Math.max(...Array.from(ids, (id) => id.length))).toBeLessThan(32)
  })
})
