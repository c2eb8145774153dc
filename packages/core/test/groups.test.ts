/** O2, O3: where a group of recorded events ends, and how large events are taken to be. */
import { EventSet, event, type NewEvent } from "@varve/core"
import { Schema } from "effect"
import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import { Groups, sizeOf } from "../src/Groups.ts"
import { Session } from "./session.ts"

const bytesOf = (text: string): number => Buffer.byteLength(text)

const runOf = (events: ReadonlyArray<NewEvent>, groupEvents: number, groupBytes: number) =>
  new Groups(Session, { groupEvents, groupBytes }).run("s", (i) => events[i])

const chunk = (text: string) => Session.MessageChunk({ messageId: "m", text })

describe("a run ends", () => {
  test("at the storage's most events", () => {
    const events = ["a", "b", "c", "d"].map(chunk)
    for (const most of [1, 2, 3, 4, 5]) {
      const { group, taken } = runOf(events, most, 100_000)
      expect([group?.events.length, taken]).toEqual([Math.min(most, 4), Math.min(most, 4)])
    }
  })

  test("before a barrier, which is a group of its own, synced where its policy says so", () => {
    const [a, b] = ["a", "b"].map(chunk) as [NewEvent, NewEvent]
    const prompt = Session.PromptSubmitted({ text: "p" })
    const end = Session.TurnEnded({ stopReason: "end" })
    expect(runOf([a, b, prompt], 10, 100_000)).toMatchObject({ taken: 2, group: { durability: "written" } })
    expect(runOf([prompt, a], 10, 100_000)).toMatchObject({ taken: 1, group: { durability: "written" } })
    expect(runOf([end, a], 10, 100_000)).toMatchObject({ taken: 1, group: { durability: "synced" } })
  })

  test("within the storage's most bytes of UTF-8, whatever the texts hold; what alone is larger is refused", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "é", "日", "\u{1f600}", '"', "\n"), maxLength: 400 })
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 20 }), (texts) => {
        const most = 1024
        const events = texts.map(chunk)
        let rest: ReadonlyArray<NewEvent> = events
        const stored: Array<string> = []
        const refused: Array<string> = []
        while (rest.length > 0) {
          const run = runOf(rest, 1000, most)
          const bytes = (run.group?.events ?? []).map(
            ({ data, id, type }) => bytesOf(data) + bytesOf(id) + bytesOf(type)
          )
          expect(bytes.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(most)
          stored.push(...run.sources.map(({ id }) => id))
          refused.push(...run.refused.map(({ event }) => event.id))
          rest = rest.slice(run.taken)
        }
        const isSmall = (made: NewEvent): boolean =>
          bytesOf(JSON.stringify(made.data)) + bytesOf(made.id) + bytesOf(made.type) <= most
        expect(stored).toEqual(events.filter(isSmall).map(({ id }) => id))
        expect(refused).toEqual(events.filter((made) => !isSmall(made)).map(({ id }) => id))
      })
    )
  })
})

describe("what an event holds of memory", () => {
  class Any extends EventSet.make({ Any: event({ value: Schema.Any }) }) {}
  const held = (value: unknown): number => sizeOf(Any.Any({ value }))
  // 200 for the event, and 16 and 8 for the record and its one key.
  const bare = 224

  test.each([
    ["a text, two bytes a unit", "x".repeat(100), 200],
    ["a number", 1, 8],
    ["nothing", null, 8],
    ["bytes", new Uint8Array(1000), 1000],
    ["a record: 16, and 8 a key", { a: 1, b: "xx" }, 16 + 8 + 8 + 8 + 4],
    ["an array: 16, and 8 an item", [1, "xx"], 16 + 8 + 8 + 8 + 4],
    ["an empty array", [], 16]
  ])("%s", (_, value, size) => expect(held(value)).toBe(bare + size))

  test("of a long array so many items are looked at, and the rest taken to be alike", () => {
    const size = held(Array.from({ length: 100_000 }, () => "xxxx"))
    expect(size).toBeGreaterThan(100_000 * 16)
    expect(size).toBeLessThan(100_000 * 20)
  })

  test("of a wide record no more than 64 values are looked at", () => {
    const wide = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`k${i}`, "xxxx"]))
    expect(held(wide)).toBeLessThanOrEqual(bare + 16 + 64 * 16)
  })
})
