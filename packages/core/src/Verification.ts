/** What operators are told of a store that was looked through: what is damaged, and what is derived and can be mended. */

/** Something in a store isn't as it should be. Holds no payload (law S6). */
export interface Problem {
  /**
   * - `damaged`: what was stored isn't what was written, or is gone. Nothing mends it but a backup.
   * - `torn`: a crash or a power cut left half a write at the end of a log. The next append cuts it and keeps it aside.
   * - `derived`: something that can be made anew from the events, or that nobody needs. `repair` mends it.
   */
  readonly kind: "damaged" | "torn" | "derived"
  readonly stream?: string | undefined
  readonly seq?: number | undefined
  readonly file?: string | undefined
  /** In bytes from the start of the file. */
  readonly offset?: number | undefined
  readonly problem: string
  /** What `repair` does about it; absent where it leaves it alone. */
  readonly mend?: string | undefined
}

/** What was found by looking a store through. */
export interface Verification {
  /** How many streams were found. */
  readonly streams: number
  /** How many events were found to be what was written. */
  readonly events: number
  /** Empty for a good store. */
  readonly problems: ReadonlyArray<Problem>
}

/** What became of the problems of a store. */
export interface Repair {
  readonly mended: ReadonlyArray<Problem>
  /** What is found after it: damage stays, and is named. */
  readonly left: ReadonlyArray<Problem>
}
