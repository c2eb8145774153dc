import { EventSet, Projection, Rows } from "@varve/core"
import { Schema } from "effect"
import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import { projectionChecks, projectionLaws } from "../src/index.ts"

class Chat extends EventSet.make({ Said: { id: Schema.String, text: Schema.String } }) {}

const events = fc.array(
  fc
    .record({ id: fc.constantFrom("a", "b", "c"), text: fc.constantFrom("x", "y") })
    .map((data) => Chat.Said(data)),
  { maxLength: 30 }
)
const Line = Schema.Struct({ id: Schema.String, texts: Schema.Array(Schema.String) })
const Lines = Rows.of(Line, (line) => line.id)

type On = Projection.Options<typeof Chat, { lines: Rows.Rows<typeof Line.Type>; seen: unknown }>["on"]

const chat = (on: On, more: Partial<Parameters<typeof Projection.make>[1]> = {}) =>
  Projection.make(Chat, {
    name: "chat",
    version: 1,
    state: Schema.Struct({ lines: Lines, seen: Schema.Unknown }),
    initial: () => ({ lines: Lines.empty(), seen: null as unknown }),
    on,
    ...(more as object)
  })

const keeps: On = {
  Said: (state, { data: { id, text } }) => {
    state.seen = text
    if (!state.lines.update(id, (line) => ({ id, texts: [...line.texts, text] })))
      state.lines.append({ id, texts: [text] })
  }
}

projectionLaws(chat(keeps), { events })

describe("a projection that breaks a law is found", () => {
  const brokenBy = (projection: ReturnType<typeof chat>, overAll = false): ReadonlyArray<string> =>
    projectionChecks(projection, { events, overAll, seed: 3 }).flatMap(({ check, name }) => {
      try {
        check()
        return []
      } catch (error) {
        expect(String(error)).toMatch(/Projection chat: .*seed 3/)
        return [name]
      }
    })

  test("none is found where none is", () => {
    expect(brokenBy(chat(keeps))).toEqual([])
  })

  test("something kept outside of the state", () => {
    let count = 0
    const Counting = chat({ Said: (state) => void (state.seen = count++) })
    expect(brokenBy(Counting)).toContain("folding again gives the same: nothing is kept outside of the state")
  })

  test("a state that its schema doesn't carry", () => {
    const Lossy = chat({
      Said: (state, { data }) => {
        const hidden = state.lines as unknown as { texts?: string }
        hidden.texts = (hidden.texts ?? "") + data.text
        state.seen = hidden.texts
      }
    })
    expect(brokenBy(Lossy)).toContain("a state goes on from its snapshot, wherever it is taken")
  })

  test("a row that is changed in place", () => {
    const InPlace = chat({
      Said: ({ lines }, { data: { id, text } }) => {
        const line = lines.get(id)
        if (line === undefined) lines.append({ id, texts: [text] })
        else (line.texts as Array<string>).push(text)
      }
    })
    expect(brokenBy(InPlace)).toContain("a published state stays as it is while the fold goes on")
  })

  test("one initial state for all", () => {
    const lines = Lines.empty()
    const Shared = chat(keeps, { initial: () => ({ lines, seen: null }) } as object)
    expect(brokenBy(Shared)).toContain("the initial state is made anew each time")
  })

  test("an order between streams, where it is folded over all", () => {
    expect(brokenBy(chat(keeps), true)).toEqual(["the order between streams doesn't count"])
  })
})
