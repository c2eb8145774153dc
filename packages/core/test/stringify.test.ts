/** A8: what JSON would change in silence is refused by name, at any depth; all else comes back equal. */
import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import { maxDepth, stringify, Unfit } from "../src/Json.ts"

const nested = (depth: number, value: unknown): unknown =>
  depth === 0 ? value : depth % 2 === 0 ? [nested(depth - 1, value)] : { a: nested(depth - 1, value) }

const holed: Array<number> = []
holed[1] = 1

const refused: ReadonlyArray<readonly [what: string, value: unknown, problem: RegExp]> = [
  ["NaN", Number.NaN, /not finite/],
  ["infinity", Infinity, /not finite/],
  ["-0", -0, /-0/],
  ["undefined", undefined, /a undefined/],
  ["a BigInt", 1n, /a bigint/],
  ["a symbol", Symbol("s"), /a symbol/],
  ["a function", () => 1, /a function/],
  ["a date", new Date(0), /toJSON/],
  ["a toJSON method", { toJSON: () => 1 }, /toJSON/],
  ["a key that is a symbol", { [Symbol("s")]: 1 }, /symbol as a key/],
  ["a hole", holed, /holes/],
  ["an array with a key of its own", Object.assign([1], { a: 1 }), /keys of its own/],
  ["a map", new Map(), /not plain/],
  ["an instance", new (class {})(), /not plain/]
]

describe("what JSON cannot carry is refused", () => {
  test.each(refused)("%s, at any depth", (_, value, problem) => {
    for (const depth of [0, 1, 2]) {
      const refusal = (() => {
        try {
          return stringify(nested(depth, value))
        } catch (error) {
          return error
        }
      })()
      expect(refusal).toBeInstanceOf(Unfit)
      expect((refusal as Unfit).problem).toMatch(problem)
      expect((refusal as Unfit).path).toBe("")
    }
  })

  test("so is what nests deeper than the limit, and nothing that doesn't", () => {
    expect(() => stringify(nested(maxDepth + 1, 1))).toThrow(expect.objectContaining({ path: "" }))
    expect(stringify(nested(maxDepth, 1))).toBe(JSON.stringify(nested(maxDepth, 1)))
  })
})

test("what is let through comes back equal", () => {
  fc.assert(
    fc.property(fc.jsonValue({ noNegativeZero: true } as never), (value) => {
      fc.pre(!JSON.stringify(value).includes("-0") && !hasNegativeZero(value))
      expect(JSON.parse(stringify(value))).toEqual(value)
    })
  )
})

const hasNegativeZero = (value: unknown): boolean =>
  Object.is(value, -0) ||
  (typeof value === "object" && value !== null && Object.values(value).some(hasNegativeZero))
