/** The check behind the crash tests finds what it must: a history that broke each law is told. */
import { describe, expect, it } from "vitest"
import { idOf, kindOf, textOf } from "./events.ts"
import { type Found, Ledger } from "./Ledger.ts"

const id = (n: number, author = "a") => idOf(author, 1, n, "Chunk")
const stored = (ids: ReadonlyArray<string>, epoch = "e1"): ReadonlyArray<Found> =>
  ids.map((id, i) => ({ id, seq: i + 1, epoch, type: kindOf(id), text: textOf(id) }))
const ids = (...numbers: ReadonlyArray<number>) => numbers.map((n) => id(n))

/** Two events recorded and acknowledged as synced, a group of three appended and not acknowledged, two more recorded. */
const lived = (): Ledger => {
  const ledger = new Ledger()
  ledger.hear("a", ["ask", "s", ids(1, 2), false])
  ledger.hear("a", [
    "told",
    "s",
    [
      [id(1), 1],
      [id(2), 2]
    ],
    2,
    "e1"
  ])
  ledger.hear("a", ["ask", "s", ids(3, 4, 5), true])
  ledger.hear("a", ["ask", "s", ids(6, 7), false])
  return ledger
}

const lawsOf = (events: ReadonlyArray<Found>, { cut = false, ledger = lived() } = {}) => [
  ...new Set(ledger.check(new Map([["s", { events, label: 0 }]]), cut).map(({ law }) => law))
]

describe("the check", () => {
  it.each([[[1, 2]], [[1, 2, 3, 4, 5]], [[1, 2, 3, 4, 5, 6]], [[1, 2, 3, 4, 5, 6, 7]]])(
    "takes %j",
    (numbers) => {
      expect(lawsOf(stored(ids(...numbers)))).toEqual([])
      expect(lawsOf(stored(ids(...numbers)), { cut: true })).toEqual([])
    }
  )

  it.each([
    ["lost", [1]],
    ["lost", []],
    ["doubled", [1, 2, 3, 4, 5, 5]],
    ["order", [1, 2, 6]],
    ["order", [1, 2, 3, 5, 4]],
    ["order", [1, 2, 9]],
    ["number", [2, 1]],
    ["group", [1, 2, 3, 4]]
  ])("finds %s in %j", (law, numbers) => {
    expect(lawsOf(stored(ids(...numbers)))).toContain(law)
    expect(lawsOf(stored(ids(...numbers)), { cut: true })).toContain(law)
  })

  it("finds what is lost of what was only stored, by a kill and not by a cut", () => {
    for (const cut of [false, true]) {
      const ledger = lived()
      ledger.check(new Map([["s", { events: stored(ids(1, 2, 3, 4, 5)), label: 0 }]]))
      expect(lawsOf(stored(ids(1, 2)), { cut, ledger })).toEqual(cut ? [] : ["lost"])
    }
  })

  it("finds a group that a cut halved later", () => {
    const ledger = lived()
    ledger.check(new Map([["s", { events: stored(ids(1, 2, 3, 4, 5)), label: 0 }]]))
    expect(lawsOf(stored(ids(1, 2, 3)), { cut: true, ledger })).toEqual(["group"])
  })

  it("finds another event under a number and epoch that was told (C3)", () => {
    const ledger = lived()
    ledger.check(new Map([["s", { events: stored(ids(1, 2, 3, 4, 5)), label: 0 }]]))
    ledger.check(new Map([["s", { events: stored(ids(1, 2)), label: 0 }]]), true)
    ledger.hear("a", ["ask", "s", ids(8), false])
    expect(lawsOf(stored(ids(1, 2, 8)), { ledger })).toEqual(["number"])
  })

  it("finds altered content, lost labels, and failures", () => {
    expect(lawsOf(stored(ids(1, 2)).map((event) => ({ ...event, text: "" })))).toEqual(["content"])
    const ledger = lived()
    ledger.hear("a", ["label", "s", 4])
    ledger.hear("a", ["labelled", "s", 4])
    ledger.hear("a", ["failed", "s", "Busy"])
    expect(lawsOf(stored(ids(1, 2)), { ledger })).toEqual(["failed", "label"])
  })
})
