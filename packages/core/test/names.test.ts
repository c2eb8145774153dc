/** D4, S1: which names a caller may choose, kind by kind, to the byte. */
import { limits, nameProblem, type NameKind } from "../src/Name.ts"
import { describe, expect, test } from "vitest"

const kinds = Object.keys(limits) as ReadonlyArray<NameKind>
/** What people may write may hold line breaks, and nothing at all. */
const free: ReadonlyArray<NameKind> = ["attribute value", "meta"]

describe.each(kinds)("%s", (kind) => {
  const isFree = free.includes(kind)
  const max = limits[kind]

  test.each(["a", "a b", "/\\%.", "é", "日本語", "\u{10000}", "\u{1f600}\uff5e", "__proto__", "\u2028"])(
    "may be %j",
    (name) => expect(nameProblem(kind, name)).toBeUndefined()
  )

  test.each(["\ud800", "a\udc00b"])("may not be %j: ill-formed", (name) =>
    expect(nameProblem(kind, name)).toMatch(/well-formed/)
  )

  test.each(["\0", "a\nb", "\u001f", "\u007f", "é\u0080", "\u009f"])(
    isFree ? "may hold the control character in %j" : "may hold no control character: %j",
    (name) => expect(nameProblem(kind, name)).toEqual(isFree ? undefined : expect.stringMatching(/control/))
  )

  test(isFree ? "may be empty" : "may not be empty", () =>
    expect(nameProblem(kind, "")).toBe(isFree ? undefined : "is empty")
  )

  test("may have so many bytes of UTF-8 and no more", () => {
    for (const [unit, bytes] of [
      ["a", 1],
      ["é", 2],
      ["日", 3],
      ["\u{10000}", 4]
    ] as const) {
      const longest = unit.repeat(Math.floor(max / bytes))
      expect(nameProblem(kind, longest)).toBeUndefined()
      expect(nameProblem(kind, longest + unit)).toMatch(`longer than ${max} bytes`)
    }
  })

  test("is a text", () => expect(nameProblem(kind, 1)).toBe("is not a string"))
})
