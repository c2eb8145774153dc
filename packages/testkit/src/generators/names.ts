/** Names that are good by core's rules and that storages still get wrong (laws D4, S1, S5). */
import { nameProblem } from "@varve/core"
import * as fc from "fast-check"

const long = (unit: string, bytes: number): string =>
  unit.repeat(Math.floor(bytes / new TextEncoder().encode(unit).length))

/** Each of these was folded, cut, refused or mistaken for another one by some storage. */
export const hostileNames: ReadonlyArray<string> = [
  // Case twins, and letters whose case folds to another length.
  ["a", "A", "ab", "aB", "stra\u00dfe", "strasse", "\u0130", "i", "I", "\u0131"],
  // Composed and decomposed, and compatibility forms.
  ["\u00e9", "e\u0301", "\uac00", "\u1100\u1161", "\ufb01", "fi", "\u212b", "\u00c5"],
  // Paths, drives and devices.
  [".", "..", "../..", "/", "a/b", "a\\b", "~", "CON", "con.txt", "NUL", "a:b", "C:", "a.", "-rf"],
  // Wildcards, quotes, escapes.
  [
    "%",
    "_",
    "a%",
    "a_",
    "a*",
    "?",
    "[a]",
    "'",
    '"',
    "`",
    "''; DROP TABLE events; --",
    "%25",
    "a%2Fb",
    "$1",
    "{}",
    "\\"
  ],
  // Blanks that trimming and padding comparisons drop.
  [" ", "  ", "a ", " a", "a\u00a0", "\u3000", "\u200b", "a\u200b", "\ufeff", "a\u2028"],
  // UTF-16 order is not code-point order.
  [
    "\u{10000}",
    "\u{1f600}",
    "\uff5e",
    "\ufffd",
    "\u{10ffff}",
    "\ue000",
    "\u{1f468}\u200d\u{1f469}\u200d\u{1f467}"
  ],
  // Names that objects and languages know already.
  ["__proto__", "constructor", "toString", "hasOwnProperty", "length", "null", "undefined", "NaN", "true"],
  // Numbers that a column with an affinity rewrites.
  ["0", "00", "1", "1.0", "1e3", "0x10", "-1", "9007199254740993"],
  // Longer than a file name may be, equal far beyond where some hash or index cuts.
  [long("a", 1000), `${long("a", 999)}b`, long("\u{1f600}", 1000), `${long("/", 200)}x`]
].flat()

/** A good stream name, hostile or any. */
export const streamName: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...hostileNames) },
  { weight: 1, arbitrary: good("stream") }
)

/** A good event id, hostile or any. Ids are shorter than stream names. */
export const eventId: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(...hostileNames.filter((name) => nameProblem("id", name) === undefined))
  },
  { weight: 1, arbitrary: good("id") }
)

/** A good event type. */
export const eventType: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    "prompt",
    "chunk",
    "Chunk",
    "varve/Unrecognized",
    "__proto__",
    "%",
    "\u00e9",
    "e\u0301",
    long("t", 256)
  ),
  good("type")
)

/** Attributes of a stream. */
export const attributes: fc.Arbitrary<Readonly<Record<string, string>>> = fc.dictionary(
  fc.oneof(
    fc.constantFrom("project", "Project", "title", "__proto__", "constructor", "a b", "%"),
    good("attribute")
  ),
  fc.oneof(fc.constantFrom("", "varve", "Varve", "a\nb", "\u0000", "\u2028", "'"), good("attribute value")),
  { minKeys: 1, maxKeys: 3 }
)

/** Any text that core lets through as a name of this kind. */
function good(kind: "stream" | "id" | "type" | "attribute" | "attribute value"): fc.Arbitrary<string> {
  return fc
    .oneof(
      fc.string({ maxLength: 12 }),
      fc.string({ unit: "binary", maxLength: 12 }),
      fc.string({ unit: "grapheme" })
    )
    .filter((name) => nameProblem(kind, name) === undefined)
}
