/** JSON texts: `data` as it crosses the seam. They have to come back byte for byte (law A8). */
import * as fc from "fast-check"

const deep = (depth: number): string => `${'{"a":['.repeat(depth / 2)}1${"]}".repeat(depth / 2)}`

/** Each of these came back changed, or not at all, from some storage. */
export const hostileJson: ReadonlyArray<string> = [
  // Numbers that a double doesn't hold or prints otherwise.
  [
    "9007199254740993",
    "-9007199254740993",
    "12345678901234567890123",
    "1.0",
    "1e2",
    "1E+2",
    "-0",
    "0.10",
    "1e400"
  ],
  ["-0.0", "5e-324", "0.30000000000000004", "[1.50,100000000000000000000000]"],
  // Keys that objects treat in a way of their own, and keys that are there twice.
  [
    '{"__proto__":{"admin":true}}',
    '{"constructor":{"prototype":1}}',
    '{"toJSON":1}',
    '{"a":1,"a":2}',
    '{"":0}'
  ],
  ['{"2":0,"1":0,"b":0,"a":0}'],
  // Characters that lines, C strings, terminals and scripts end at.
  [
    '"\u2028\u2029"',
    '"\\u2028"',
    '"a\\u0000b"',
    '"\\u0000"',
    '"\\n\\r\\t"',
    '"\u007f\u0085"',
    '"\ufeff"',
    '"</script>"'
  ],
  // Escapes that must stay what they are, lone surrogates among them.
  [
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '{"\\ud83d":"\\ude00"}',
    '"\\ud83d\\ude00"',
    '"\\/"',
    '"\\u0061"',
    '"\ufffd"',
    '"\uffff"'
  ],
  // Composed and decomposed text.
  ['"\u00e9"', '"e\u0301"'],
  // Texts that look like something else.
  [
    '"2026-11-21T01:02:03.000Z"',
    '"2026-11-21"',
    '"1"',
    '"null"',
    '"[object Object]"',
    '"NaN"',
    '"$ref"',
    '"\'; DROP TABLE events; --"'
  ],
  // Spacing, and values that are not objects.
  [' { "a" : [ 1 , 2 ] } ', "\n[\n  1\n]\n", "\t0\r\n", "null", "true", "[]", "{}", '""', "[[[]]]"],
  // Deep and long.
  [deep(200), `"${"x".repeat(20_000)}"`, `[${"0,".repeat(2_000)}0]`]
].flat()

const spaced: fc.Arbitrary<string> = fc
  .tuple(fc.jsonValue({ maxDepth: 3, stringUnit: "binary" }), fc.constantFrom(undefined, 1, 2, "\t"))
  .map(([value, indent]) => JSON.stringify(value, undefined, indent))

/** Any JSON text, hostile or plain. */
export const jsonText: fc.Arbitrary<string> = fc.oneof(fc.constantFrom(...hostileJson), spaced)

/** The JSON text of a record of strings, or none. */
export const metaText: fc.Arbitrary<string | undefined> = fc.oneof(
  fc.constantFrom(
    undefined,
    "{}",
    '{"agent":"a"}',
    '{ "source" : "\u2028" }',
    '{"__proto__":"x"}',
    '{"a":"\\ud800"}'
  ),
  fc
    .dictionary(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), { maxKeys: 3 })
    .map((meta) => JSON.stringify(meta))
)

/** Two texts of one meaning: keys in another order, other spacing, letters as escapes. */
export const respelled: fc.Arbitrary<readonly [string, string]> = fc
  .tuple(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom(undefined, 1, "\t"), fc.boolean(), fc.boolean())
  .map(([value, indent, backwards, escaped]) => {
    const other = JSON.stringify(backwards ? turned(value) : value, undefined, indent)
    return [JSON.stringify(value), escaped ? escapeLetters(other) : other] as const
  })

/** The same value with the keys of its objects in reverse order. Integer-like keys keep their place. */
const turned = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) return value.map(turned)
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, turned(inner)])
  )
}

/** Writes the letters inside of strings as escapes, but for those that are part of one. */
const escapeLetters = (json: string): string =>
  json.replace(/"(?:[^"\\]|\\.)*"/g, (text) =>
    text.replace(/\\u[0-9a-fA-F]{4}|\\.|[a-z]/g, (c) =>
      c.length > 1 ? c : `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`
    )
  )

/** Two texts that mean different things, though a careless comparison takes them for equal. */
export const differing: ReadonlyArray<readonly [string, string]> = [
  ['{"n":1}', '{"n":2}'],
  ['{"n":1}', '{"n":"1"}'],
  ['{"n":1}', '{"n":1,"m":null}'],
  ['{"n":null}', "{}"],
  ['{"a":1,"b":2}', '{"a":1,"b":3}'],
  ['{"a":{"b":[1]}}', '{"a":{"b":[2]}}'],
  ["{}", "0"],
  ["{}", "null"],
  ["[]", '""'],
  ["100000000000000000001", "1e20"],
  ["[1,2]", "[2,1]"],
  ["[1]", '{"0":1}'],
  ["[]", "{}"],
  ["[]", "[null]"],
  ["0", "false"],
  ['""', "null"],
  ["9007199254740993", "9007199254740992"],
  ['{"id":12345678901234567890}', '{"id":12345678901234567891}'],
  ['{"__proto__":1}', '{"__proto__":2}'],
  ['{"__proto__":1}', "{}"],
  ["12345678901234567890", '{"\\u0000number":"12345678901234567890"}'],
  ["1e400", "1e401"],
  ['"a"', '"A"'],
  ['"\u00e9"', '"e\u0301"'],
  ['"\\ud800"', '"\\ud801"'],
  ['"\\ud800"', '"\ufffd"'],
  ['"a"', '"a "']
]
