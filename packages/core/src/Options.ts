/** Checks what callers ask for, so that storages need not agree on nonsense: each option is good or refused by name. */
import { isCursor } from "./Cursor.ts"
import { InvalidOption, Unsupported } from "./Errors.ts"
import type { Asked } from "./Groups.ts"
import type { Query, Selection, Supports } from "./LogStorage.ts"
import { checkName } from "./Refusal.ts"

const refuse = (option: string, problem: string): never => {
  throw new InvalidOption({ option, problem })
}

const oneOf = (option: string, value: unknown, allowed: ReadonlyArray<unknown>): void => {
  if (value !== undefined && !allowed.includes(value)) refuse(option, `is none of ${allowed.join(", ")}`)
}

const attributesOf = (attributes: unknown): void => {
  if (attributes === undefined) return
  if (typeof attributes !== "object" || attributes === null)
    refuse("attributes", "is not a record of strings")
  for (const [key, value] of Object.entries(attributes as object)) {
    checkName("attribute", key)
    checkName("attribute value", value)
  }
}

const atLeast = (option: string, value: unknown, least: number): void => {
  if (value === undefined || (typeof value === "number" && value >= least)) return
  refuse(option, `is not a number from ${least}`)
}

interface Bounds {
  readonly events?: number
  readonly bytes?: number
}

/** Throws `InvalidOption` for what a log cannot be opened with. `Infinity` is never, or without end. */
export const checkLog = (options: {
  readonly durability?: unknown
  readonly tick?: number
  readonly poll?: number
  readonly statesInMemory?: number
  readonly highWater?: Bounds
  readonly hardLimit?: Bounds
}): void => {
  const { durability, hardLimit = {}, highWater = {}, poll, statesInMemory, tick } = options
  oneOf("durability", durability, ["none", "process", "power"])
  atLeast("tick", tick, 0)
  atLeast("poll", poll, 1)
  atLeast("statesInMemory", statesInMemory, 0)
  if (statesInMemory !== Infinity && !Number.isInteger(statesInMemory ?? 0))
    refuse("statesInMemory", "is not an integer")
  for (const unit of ["events", "bytes"] as const) {
    const { [unit]: high } = highWater
    const { [unit]: hard } = hardLimit
    atLeast(`highWater.${unit}`, high, 0)
    atLeast(`hardLimit.${unit}`, hard, 0)
    if (high !== undefined && hard !== undefined && hard < high)
      refuse(`hardLimit.${unit}`, `is below highWater.${unit}`)
  }
  for (const [option, value] of Object.entries(options))
    if (/^on[A-Z]|^setTimer$/.test(option) && value !== undefined && typeof value !== "function")
      refuse(option, "is not a function")
}

/** Throws `InvalidOption` or `InvalidName` for what an append cannot mean. */
export const checkAppend = ({ attributes, durability, expected, onIdConflict }: Asked): void => {
  attributesOf(attributes)
  oneOf("durability", durability, ["written", "synced"])
  oneOf("onIdConflict", onIdConflict, ["reject", "keep"])
  const isSeq = typeof expected === "number" && Number.isSafeInteger(expected) && expected >= 0
  if (expected !== undefined && expected !== "exists" && !isSeq && !isCursor(expected)) {
    refuse("expected", "is neither a seq (an integer from 0) nor a cursor")
  }
}

/** Throws `InvalidName` for a selection of what cannot exist. */
export const checkSelection = ({ prefix, streams }: Selection): void => {
  for (const stream of streams ?? []) checkName("stream", stream)
  if (prefix !== undefined && prefix !== "") checkName("stream", prefix)
}

/** Throws `InvalidOption`, `InvalidName` or `Unsupported` for what a query cannot mean. Ranges may be empty. */
export const checkQuery = (query: Query, supports: Supports): void => {
  checkSelection(query)
  attributesOf(query.attributes)
  for (const stream of query.after?.keys() ?? []) checkName("stream", stream)
  for (const option of ["fromSeq", "toSeq", "since", "until", "limit", "batchEvents"] as const) {
    const value = query[option]
    if (value === undefined || value === Infinity || value === -Infinity) continue
    if (!Number.isSafeInteger(value)) refuse(option, "is not an integer")
  }
  if ((query.limit ?? 0) < 0) refuse("limit", "is below 0")
  if ((query.batchEvents ?? 1) < 1) refuse("batchEvents", "is below 1")
  oneOf("direction", query.direction, ["forward", "backward"])
  oneOf("onDamage", query.onDamage, ["fail", "report"])
  oneOf("order", query.order, ["stream", "total"])
  if (query.order === "total" && !supports.totalOrder) throw new Unsupported({ capability: "totalOrder" })
  if (query.direction === "backward" && !supports.reverse) throw new Unsupported({ capability: "reverse" })
}
