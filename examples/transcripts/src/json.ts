/**
 * JSON as text. Records are stored as the bytes that an agent wrote, so a document is cut at its values instead of
 * being parsed and printed again: `JSON.parse` bends integers above 2^53, and printing loses how numbers were written.
 *
 * The cutters expect well-formed JSON as far as the text goes: they find where values end, and leave it to
 * `JSON.parse` to judge what is between. They also work on the opening of a document, and then answer -1 or stop early.
 */

const Quote = 0x22
const Comma = 0x2c
const Backslash = 0x5c
const OpenBrace = 0x7b
const CloseBrace = 0x7d
const OpenBracket = 0x5b
const CloseBracket = 0x5d
const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09

/** A JSON object, its fields unknown. */
export type Json = Readonly<Record<string, unknown>>

/** Where a value lies in a text: `text.slice(start, end)`. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** The index behind the value that begins at `start`, or -1 when the text ends first. O(length of the value). */
export const endOfValue = (text: string, start: number): number => {
  let depth = 0
  for (let at = start; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case Quote:
        at = endOfString(text, at) - 1
        if (at < 0) return -1
        break
      case OpenBrace:
      case OpenBracket:
        depth++
        continue
      case CloseBrace:
      case CloseBracket:
        depth--
        break
      default:
        if (depth > 0) continue
        while (at + 1 < text.length && !"]},: \t\r\n".includes(text[at + 1]!)) at++
    }
    if (depth === 0) return at + 1
  }
  return -1
}

/**
 * The members of the object that begins at `start`, in order, their names as written (escapes not resolved). The last
 * one's `end` is -1 when the text ends in it.
 */
export function* members(text: string, start: number): Generator<Span & { readonly name: string }> {
  let at = skipSpace(text, start + 1)
  while (text.charCodeAt(at) === Quote) {
    const endOfName = endOfString(text, at)
    if (endOfName < 0) return
    const name = text.slice(at + 1, endOfName - 1)
    const value = skipSpace(text, skipSpace(text, endOfName) + 1)
    const end = endOfValue(text, value)
    yield { name, start: value, end }
    if (end < 0) return
    at = skipSpace(text, skipSpace(text, end) + 1)
  }
}

/** The elements of the array that begins at `start`, in order, as far as they are whole. */
export function* elements(text: string, start: number): Generator<Span> {
  let at = skipSpace(text, start + 1)
  while (at < text.length && text.charCodeAt(at) !== CloseBracket) {
    const end = endOfValue(text, at)
    if (end < 0) return
    yield { start: at, end }
    at = skipSpace(text, end)
    if (text.charCodeAt(at) === Comma) at = skipSpace(text, at + 1)
  }
}

/** The first index from `at` on that is not JSON's white space (which U+2028 and U+00A0 are not). */
export const skipSpace = (text: string, at: number): number => {
  while (at < text.length && isSpace(text.charCodeAt(at))) at++
  return at
}

const endOfString = (text: string, start: number): number => {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let slashes = 0
    while (text.charCodeAt(at - 1 - slashes) === Backslash) slashes++
    if (slashes % 2 === 0) return at + 1
  }
  return -1
}

/** The object that this text is, or `undefined` for anything else, malformed JSON included. */
export const parseObject = (text: string): Json | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined // not the error: its message quotes the content
  }
}

/** A record found in a line, or what stands in its place. */
export type Piece =
  | (Span & { readonly object: Json })
  | (Span & { readonly object: undefined; readonly reason: string })

/**
 * The records of one line: one as a rule, none in a blank line. Writers that died or raced leave more: whole records
 * glued together, NULs where a hole was never written, a torn end. What is whole comes out, the rest is named. A byte
 * order mark is passed over.
 */
export function* piecesOf(line: string): Generator<Piece> {
  const only = parseObject(line)
  if (only !== undefined) {
    let end = line.length
    while (isSpace(line.charCodeAt(end - 1))) end--
    return yield { start: skipSpace(line, 0), end, object: only }
  }
  for (let at = 0; ;) {
    const start = at
    while (at < line.length && (isSpace(line.charCodeAt(at)) || line[at] === "\0" || line[at] === "\ufeff"))
      at++
    if (line.slice(start, at).includes("\0")) {
      yield { start, end: at, object: undefined, reason: "NUL bytes, a hole that was never written" }
    }
    if (at === line.length) return
    const end = line[at] === "{" ? endOfValue(line, at) : line.length
    const object = end < 0 ? undefined : parseObject(line.slice(at, end))
    if (object === undefined) {
      const reason = end < 0 ? "a record that breaks off" : "not a JSON object"
      return yield { start: at, end: line.length, object, reason }
    }
    yield { start: at, end, object }
    at = end
  }
}

/** The same text for the same value, whatever the order of its keys and its spacing. */
export const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (!isObject(value)) return JSON.stringify(value)
  const fields = Object.keys(value).sort()
  return `{${fields.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join()}}`
}

export const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Looking into records that may hold anything: what isn't there reads as empty. */
export const objectOf = (value: unknown): Json => (isObject(value) ? value : {})
export const objectsOf = (value: unknown): ReadonlyArray<Json> =>
  Array.isArray(value) ? value.filter(isObject) : []
export const textOf = (value: unknown): string => (typeof value === "string" ? value : "")
export const countOf = (value: unknown): number => (typeof value === "number" && value > 0 ? value : 0)
