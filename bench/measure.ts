/**
 * Measures two things in turns, A B A B ..., in one process: machines are noisy and drift, so only the ratio of
 * neighbours says anything. The median of the ratios is the figure; the spread is told beside it.
 */

/** One side of a comparison. */
export interface Side {
  /** Prepares one run: fresh files, a warm start. Not counted. */
  readonly prepare?: () => unknown
  /** The work. Answers how much of the unit it did. */
  readonly run: () => number | Promise<number>
  readonly clean?: () => unknown
  /** After the last run. */
  readonly end?: () => unknown
}

/** A row of the table. */
export interface Row {
  readonly id: string
  readonly what: string
  /** `events/s` is taken from the amount that a run answers; the others are what it answers. */
  readonly unit: "events/s" | "ns" | "us" | "ms" | "MB" | "bytes"
  /** What `ours / theirs` should be: at least this for speeds, at most this for times; "told" beside others, without a goal. */
  readonly goal: { readonly atLeast: number } | { readonly atMost: number } | "told"
  /** It takes minutes: measured only where `--only` begins so. */
  readonly onlyAsked?: string
  readonly ours: (scale: Scale) => Promise<Side> | Side
  readonly theirs: (scale: Scale) => Promise<Side> | Side
}

/** Smaller loads and fewer turns, for a look in seconds: `--quick`. */
export type Scale = "whole" | "quick"

/** A row that cannot be measured here. It is left out of the table, and the reason told. */
export class Unavailable extends Error {}

export interface Result {
  readonly id: string
  readonly what: string
  readonly ours: number
  readonly theirs: number
  readonly unit: Row["unit"]
  readonly ratio: number
  /** The ratios' quartiles. */
  readonly spread: readonly [number, number]
  readonly goal: string
  readonly met: boolean
}

const quantile = (sorted: ReadonlyArray<number>, q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!
const sort = (values: ReadonlyArray<number>): ReadonlyArray<number> => values.toSorted((a, b) => a - b)
export const quantileOf = (values: ReadonlyArray<number>, q: number): number => quantile(sort(values), q)
const median = (values: ReadonlyArray<number>): number => quantile(sort(values), 0.5)

/** The value of one run in the row's unit. */
const once = async (side: Side, unit: Row["unit"]): Promise<number> => {
  // Before preparing and not behind it: a forced collection throws optimized code away, and preparing warms it up again.
  globalThis.gc?.()
  await side.prepare?.()
  const start = performance.now()
  const amount = await side.run()
  const ms = performance.now() - start
  await side.clean?.()
  return unit === "events/s" ? (amount / ms) * 1000 : amount
}

/** Runs both sides in turns after one uncounted turn each, for some seconds. */
export const measure = async (row: Row, scale: Scale): Promise<Result> => {
  const { most, pairsAtLeast } =
    scale === "quick" ? { most: 6000, pairsAtLeast: 3 } : { most: 8_000, pairsAtLeast: 5 }
  const [ours, theirs] = [await row.ours(scale), await row.theirs(scale)]
  const pairs: Array<readonly [number, number]> = []
  const end = performance.now() + most
  await once(theirs, row.unit)
  await once(ours, row.unit)
  while (pairs.length < pairsAtLeast || (performance.now() < end && pairs.length < 101)) {
    const b = await once(theirs, row.unit)
    pairs.push([await once(ours, row.unit), b])
  }
  await ours.end?.()
  await theirs.end?.()
  const ratios = sort(pairs.map(([a, b]) => a / b))
  const ratio = quantile(ratios, 0.5)
  const { goal, id, what, unit } = row
  return {
    id,
    what,
    unit,
    ours: median(pairs.map(([a]) => a)),
    theirs: median(pairs.map(([, b]) => b)),
    ratio,
    spread: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
    goal: goal === "told" ? "" : "atLeast" in goal ? `>= ${goal.atLeast}` : `<= ${goal.atMost}`,
    met: goal === "told" || ("atLeast" in goal ? ratio >= goal.atLeast : ratio <= goal.atMost)
  }
}

/** How long some work took. */
export const milliseconds = async (work: () => unknown): Promise<number> => {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/** The other side of what is bounded by a number, not by another program. */
export const constant = (value: number): Side => ({ run: () => value })
