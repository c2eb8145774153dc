/**
 * JSON as Varve keeps it: text that comes back byte for byte and is compared by meaning. What `JSON.stringify` would
 * change silently (NaN, -0, undefined, BigInt, toJSON) is found first and refused (law A8).
 */

/** The deepest that data may nest: far below where engines run out of stack, far above what people write. */
export const maxDepth = 256

/** Thrown by an encoder: what is wrong, and in which field. Never holds the value. */
export class Unfit {
  readonly path: string
  readonly problem: string
  constructor(path: string, problem: string) {
    this.path = path
    this.problem = problem
  }
}

/** JSON text that parses back to an equal value. Throws {@link Unfit}. */
export const stringify = (value: unknown): string => {
  const problem = problemOf(value, 0)
  if (problem !== undefined) throw new Unfit("", problem)
  return JSON.stringify(value)
}

const problemOf = (value: unknown, depth: number): string | undefined => {
  switch (typeof value) {
    case "string":
    case "boolean":
      return undefined
    case "number":
      if (!Number.isFinite(value)) return "holds a number that is not finite, which JSON cannot carry"
      return Object.is(value, -0) ? "holds -0, which JSON turns into 0" : undefined
    case "object": {
      if (value === null) return undefined
      if (depth === maxDepth) return `nests deeper than ${maxDepth}`
      if (typeof (value as { toJSON?: unknown }).toJSON === "function") return "holds a toJSON method"
      if (Object.getOwnPropertySymbols(value).length > 0) return "holds a symbol as a key"
      if (Array.isArray(value)) {
        if (Object.keys(value).length !== value.length)
          return "holds an array with holes or with keys of its own"
        for (let i = 0; i < value.length; i++) {
          const problem = problemOf(value[i], depth + 1)
          if (problem !== undefined) return problem
        }
        return undefined
      }
      if (!isPlain(value)) return "holds an object that is not plain"
      for (const key of Object.keys(value)) {
        const problem = problemOf((value as Record<string, unknown>)[key], depth + 1)
        if (problem !== undefined) return problem
      }
      return undefined
    }
    default:
      return `holds a ${typeof value}, which JSON cannot carry`
  }
}

/** Whether a value is an object of nobody's class: what `{}` and JSON make. */
export const isPlain = (value: unknown): boolean => {
  if (typeof value !== "object" || value === null) return false
  const proto: unknown = Object.getPrototypeOf(value)
  return proto === Object.prototype || proto === null
}

/** Whether a parsed value nests deeper than {@link maxDepth}. */
export const isTooDeep = (value: unknown, depth = 0): boolean =>
  typeof value === "object" &&
  value !== null &&
  (depth === maxDepth || Object.values(value).some((inner) => isTooDeep(inner, depth + 1)))

/**
 * Whether two JSON texts mean the same: spacing, key order and escapes don't count, and numbers that a double cannot
 * hold are compared digit by digit. O(length); equal texts cost one comparison.
 */
export const sameJson = (a: string, b: string): boolean => {
  if (a === b) return true
  const parse = isInexact(a) || isInexact(b) ? parseExact : (JSON.parse as (text: string) => unknown)
  return equal(parse(a), parse(b))
}

/** Whether a text may hold a number that a double changes: 16 digits, or an exponent of three. */
const isInexact = (text: string): boolean => /\d[\d.]{15}|[eE][-+]?\d{3}/.test(text)

// Strings run by run: character by character, one of 10 MB overflows the engine's stack.
const token = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g

/** Parses with a mark before every string, so that a number too exact for a double can stand as a string of its own. */
const parseExact = (text: string): unknown =>
  JSON.parse(text.replace(token, (t) => (t[0] === '"' ? `"=${t.slice(1)}` : `"#${canonical(t)}"`)))

/** A number as sign, digits and exponent, the same however it is written: `1.50e3`, `1500` and `15e2` are `15e2`. */
const canonical = (number: string): string => {
  const [, sign, whole, fraction = "", exponent = "0"] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/.exec(
    number
  )!
  const all = `${whole}${fraction}`.replace(/^0+/, "")
  const digits = all.replace(/0+$/, "")
  return digits === ""
    ? "0"
    : `${sign}${digits}e${Number(exponent) - fraction.length + all.length - digits.length}`
}

const equal = (a: unknown, b: unknown): boolean => {
  if (a === b) return true
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => equal(item, b[i]))
    )
  }
  const keys = Object.keys(a)
  return (
    keys.length === Object.keys(b).length &&
    keys.every(
      (key) =>
        Object.hasOwn(b, key) &&
        equal((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key])
    )
  )
}
