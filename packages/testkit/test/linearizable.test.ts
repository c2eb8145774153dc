/** Histories judged by hand. */
import { describe, expect, test } from "vitest"
import { linearizable, type Operation } from "../src/index.ts"

const appended = (
  asked: number,
  answered: number,
  id: string,
  seq: number,
  expected?: number
): Operation => ({
  kind: "appended",
  asked,
  answered,
  id,
  seq,
  expected
})
const read = (asked: number, answered: number, ...ids: ReadonlyArray<string>): Operation => ({
  kind: "read",
  asked,
  answered,
  ids
})
const unknown = (asked: number, id: string): Operation => ({ kind: "unknown", asked, answered: Infinity, id })
const refused = (asked: number, answered: number, expected: number, actual: number): Operation => ({
  kind: "refused",
  asked,
  answered,
  expected,
  actual
})

describe("linearizable", () => {
  test.each<readonly [string, ReadonlyArray<Operation>]>([
    ["nothing", []],
    ["one after the other", [appended(0, 1, "a", 1), read(2, 3, "a"), appended(4, 5, "b", 2)]],
    ["side by side, in either order", [appended(0, 9, "a", 2), appended(1, 8, "b", 1)]],
    ["a read beside an append sees it or not", [appended(0, 9, "a", 1), read(1, 2), read(3, 4, "a")]],
    ["an unknown one turned up", [unknown(0, "a"), read(5, 6), read(7, 8, "a")]],
    ["an unknown one that never turns up", [unknown(0, "a"), appended(1, 2, "b", 1)]],
    ["a retry answers the original", [unknown(0, "a"), appended(3, 4, "a", 1)]],
    ["a refusal while another wins", [appended(0, 4, "a", 1, 0), refused(1, 5, 0, 1)]]
  ])("%s", (_, history) => {
    expect(linearizable(history)).toEqual([])
  })

  test.each<readonly [string, ReadonlyArray<Operation>, RegExp]>([
    ["a stale read", [appended(0, 1, "a", 1), read(2, 3)], /missed after/],
    ["a read from the future", [read(0, 1, "a"), appended(2, 3, "a", 1)], /seen before/],
    ["reads that go back", [appended(0, 9, "a", 1), read(1, 2, "a"), read(3, 4)], /no moment/],
    ["two at one place", [appended(0, 1, "a", 1), appended(0, 1, "b", 1)], /both/],
    ["one at two places", [appended(0, 1, "a", 1), appended(2, 3, "a", 2)], /at 1 and at 2/],
    ["an order against time", [appended(0, 1, "a", 2), appended(2, 3, "b", 1)], /no moment/],
    ["a hole", [appended(0, 1, "a", 2)], /nobody knows/],
    ["from nowhere", [read(0, 1, "x")], /nobody appended/],
    ["not where it was expected", [appended(0, 9, "b", 1), appended(0, 9, "a", 2, 0)], /expected behind 0/],
    ["a refusal that isn't one", [refused(0, 1, 0, 0)], /where it was expected/],
    ["a refusal that saw what came later", [refused(0, 1, 5, 1), appended(2, 3, "a", 1)], /seen before/]
  ])("not: %s", (_, history, what) => {
    expect(linearizable(history).join()).toMatch(what)
  })
})
