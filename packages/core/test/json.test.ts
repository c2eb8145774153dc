import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import { compareNames, sameJson } from "@varve/core"

describe("D2 content is compared by meaning", () => {
  test.each([
    ['{"a":1,"b":[true,null]}', '{ "b" : [ true , null ] , "a" : 1 }', true],
    ['"\\u0041"', '"A"', true],
    ["1.0", "1", true],
    ["1e3", "1000", true],
    ["9007199254740993", "9007199254740992", false],
    ['{"n":12345678901234567890}', '{ "n": 12345678901234567890 }', true],
    ['{"n":12345678901234567890}', '{"n":12345678901234567891}', false],
    ['"12345678901234567890"', "12345678901234567890", false],
    ['{"\\u0000number":"12345678901234567890"}', "12345678901234567890", false],
    ["[1,2]", "[2,1]", false],
    ['{"a":1}', '{"a":1,"b":2}', false],
    ['{"__proto__":1}', '{"__proto__":2}', false],
    ["{}", "[]", false],
    ["null", "{}", false]
  ])("%s and %s: %s", (a, b, same) => {
    expect(sameJson(a, b)).toBe(same)
    expect(sameJson(b, a)).toBe(same)
  })

  test("any value equals itself in other spacing", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => sameJson(JSON.stringify(value), JSON.stringify(value, null, 2)))
    )
  })
})

test("D4 names are ordered by code point, as UTF-8 bytes are", () => {
  const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
  expect(compareNames("\uff5e", "\u{1f600}")).toBeLessThan(0)
  const name = fc.string({
    unit: fc.constantFrom("a", "A", "é", "\uff5e", "\ue000", "\u{1f600}", "\u{10ffff}"),
    maxLength: 6
  })
  fc.assert(fc.property(name, name, (a, b) => Math.sign(compareNames(a, b)) === byBytes(a, b)))
})
