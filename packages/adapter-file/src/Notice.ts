/** What was found torn and cut: told as a possible loss. */
export interface Notice {
  readonly stream: string
  readonly file: string
  readonly kind: "torn"
  /** The offset at which the torn bytes began, and how many they were. */
  readonly from: number
  readonly bytes: number
  /** The file that they are kept in. */
  readonly keptIn: string
}
