import type { Edit } from "../../../../test/plant.ts"

/** A fault planted into the source itself: the smallest edit that makes the mistake. */
export interface Cut extends Edit {
  /** The law that must be found broken. */
  readonly law: string
  /** How often a property is tried, where 300 times take too long. */
  readonly runs?: number
}
