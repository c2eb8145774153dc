/** Which streams are asked for, as SQL takes it: names in pages, or a range of names. */
import { compareNames, type Query, selector, type Selection } from "@varve/core"
import type { NameRange } from "./statements.ts"

/** Streams a statement, so that it takes about 3 ms. */
export const streamsPerPage = 1000

/** The names asked for, each once and in order; `undefined` when all streams are, or all with a prefix. */
export const namesOf = (selection: Selection): ReadonlyArray<string> | undefined =>
  selection.streams === undefined
    ? undefined
    : [...new Set(selection.streams)].filter(selector(selection)).sort(compareNames)

/** All names that begin with `prefix`: no byte of UTF-8 stands above 0xFF, and no LIKE minds case, % and _ (law D4). */
export const rangeOf = (prefix: string | undefined): Pick<NameRange, "low" | "high"> => ({
  low: prefix ?? "",
  high: Buffer.concat([Buffer.from(prefix ?? ""), Buffer.of(0xff)])
})

/** What is left of a range behind `name`, in the direction of reading. */
export const behind = <R extends Pick<NameRange, "low" | "high">>(
  range: R,
  name: string,
  direction: Query["direction"]
): R =>
  // A NUL makes the next greater text, and stands in no name.
  direction === "backward" ? { ...range, high: Buffer.from(name) } : { ...range, low: `${name}\0` }

/** The attributes asked for as JSON; null when none are. */
export const attributesOf = (query: Query): string | null =>
  query.attributes === undefined || Object.keys(query.attributes).length === 0
    ? null
    : JSON.stringify(query.attributes)
