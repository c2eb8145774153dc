/** How a law says that it isn't kept: what it promised, what came instead, and the calls that led there. */
import { tell } from "./tell.ts"

/** Thrown by a law that found a storage breaking it. `history` holds the calls and answers up to there. */
export class Broken extends Error {
  history: string | undefined
  constructor(message: string, history?: string) {
    super(message)
    this.name = "Broken"
    this.history = history
  }
}

/** Holds, or the law is broken for this reason. */
export function must(holds: boolean, problem: string | (() => string)): asserts holds {
  if (!holds) throw new Broken(typeof problem === "string" ? problem : problem())
}

/** `got` equals `wanted` in every field, or the law is broken. */
export const mustEqual = (what: string, got: unknown, wanted: unknown): void =>
  must(same(got, wanted), () => {
    const [where, one, other] = difference(got, wanted)
    const at = where === "" ? "" : `, at ${where}`
    return `${what}${at}\n    wanted: ${tell(other)}\n    got:    ${tell(one)}`
  })

/** Where two values differ first, and what stands there; both as a whole while they are small. */
const difference = (a: unknown, b: unknown, path = ""): readonly [path: string, a: unknown, b: unknown] => {
  const small = tell(a).length + tell(b).length < 300
  if (small || typeof a !== "object" || typeof b !== "object" || a === null || b === null) return [path, a, b]
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])]
  const key = keys.find((one) => !same(Reflect.get(a, one), Reflect.get(b, one)))!
  const inner = Array.isArray(a) ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`
  return difference(Reflect.get(a, key), Reflect.get(b, key), inner)
}

/** Equality by structure over plain values. A field that is `undefined` equals one that is absent; -0 equals 0. */
const same = (a: unknown, b: unknown): boolean => {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const left = new Map(Object.entries(a).filter(([, value]) => value !== undefined))
  const right = new Map(Object.entries(b).filter(([, value]) => value !== undefined))
  return (
    left.size === right.size &&
    [...left].every(([key, value]) => right.has(key) && same(value, right.get(key)))
  )
}
