/** A fault planted into the source itself: the smallest edit that makes the mistake. */
export interface Cut {
  /** The mistake, as somebody made it. */
  readonly name: string
  /** The file, from the root of the repository. */
  readonly file: string
  /** Stands in the file once. */
  readonly from: string
  readonly to: string
  /** The law that must be found broken. */
  readonly law: string
  /** How often a property is tried, where 300 times take too long. */
  readonly runs?: number
}
