/**
 * The names that a caller chooses: streams, event ids, event types, attribute keys.
 *
 * They are compared code point by code point and never changed (law D4), so what a storage could not keep exactly
 * is refused at the door: ill-formed Unicode (SQLite folds lone surrogates into U+FFFD), control characters, and
 * more UTF-8 bytes than the limit.
 */

/** The longest names, in UTF-8 bytes. */
export const limits = {
  stream: 1024,
  id: 512,
  type: 256,
  projection: 256,
  attribute: 256,
  "attribute value": 4096,
  meta: 4096
} as const

/** What is being named. */
export type NameKind = keyof typeof limits

// oxlint-disable-next-line no-control-regex -- control characters are exactly what is looked for
const control = /[\u0000-\u001f\u007f-\u009f]/
const utf8 = new TextEncoder()

/** Why `value` is no such name, or `undefined` when it is one. O(length), allocates only for long names. */
export const nameProblem = (kind: NameKind, value: unknown): string | undefined => {
  if (typeof value !== "string") return "is not a string"
  const free = kind === "attribute value" || kind === "meta"
  if (value.length === 0) return free ? undefined : "is empty"
  const max = limits[kind]
  if (value.length <= max && isPlain(value)) return undefined
  if (value.length * 3 > max && byteLength(value) > max) return `is longer than ${max} bytes of UTF-8`
  if (!value.isWellFormed()) return "is not well-formed Unicode (it holds a lone surrogate)"
  if (!free && control.test(value)) return "holds a control character"
  return undefined
}

/** Whether a text is all printable ASCII, as most names are: one look a unit, where the checks for the rest cost 5 times as much. */
const isPlain = (text: string): boolean => {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x20 || unit > 0x7e) return false
  }
  return true
}

/** The UTF-8 length of a text, in bytes. */
export const byteLength = (text: string): number => utf8.encode(text).length

/**
 * Compares two names by code point, the order of `ORDER BY` in SQLite and of bytes on disk. JavaScript's `<`
 * compares UTF-16 units and puts U+1F600 before U+FF5E.
 */
export const compareNames = (a: string, b: string): number => {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return rank(x) - rank(y)
  }
  return a.length - b.length
}

/** Moves surrogates above the rest of the plane, where their code points belong. */
const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit)

/**
 * Joins parts into one name so that different parts never give the same name: `%` and `/` inside a part are
 * escaped. `joinName(["a/b", "c"])` is `a%2Fb/c`.
 */
export const joinName = (parts: ReadonlyArray<string | number>): string =>
  parts.map((part) => String(part).replace(/[%/]/g, (c) => (c === "%" ? "%25" : "%2F"))).join("/")
