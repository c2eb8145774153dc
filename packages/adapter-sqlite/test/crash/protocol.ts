/** What a worker is told on stdin, and what it tells on stdout, a line of JSON each. */

export interface Plan {
  readonly file: string
  /** Names the worker's events. */
  readonly author: string
  /** Which life in this file; makes ids that no earlier life used. */
  readonly life: number
  readonly seed: number
  readonly streams: ReadonlyArray<StreamPlan>
  /** Then it settles everything and closes. */
  readonly steps: number
  /**
   * `mixed`: records, appends and labels side by side. `retry`: one append after the other, each again under its ids
   * until it is done. `turns`: each step a turn as an agent writes it.
   */
  readonly mode: "mixed" | "retry" | "turns"
  /** A planted fault, which the harness must find. */
  readonly lie?: Lie | undefined
}

export type Lie =
  /** Synced groups are written with the sync of written ones, and acknowledged as synced. */
  | "unsynced"
  /** Acknowledged when asked for. */
  | "early"

export interface StreamPlan {
  readonly stream: string
  /** Ids of earlier lives to hand over again, in their order: stored ones first, then such as may not be stored. */
  readonly resend: ReadonlyArray<string>
  /** No other worker writes to it. */
  readonly own: boolean
}

export type Line =
  /** Handed over from here on; `group` when by one append. */
  | readonly ["ask", stream: string, ids: ReadonlyArray<string>, group: boolean]
  /** A receipt: every event's seq (0: stored somewhere), and up to which seq the stream is said to be synced. */
  | readonly ["ack", stream: string, seqs: ReadonlyArray<readonly [id: string, seq: number]>, synced: number]
  /** A listener heard of a group, which is an acknowledgement too. */
  | readonly [
      "told",
      stream: string,
      seqs: ReadonlyArray<readonly [id: string, seq: number]>,
      synced: number,
      epoch: string
    ]
  /** Everything that was handed over before is stored. */
  | readonly ["flushed"]
  | readonly ["label" | "labelled", stream: string, value: number]
  /** An append or a recorded event failed, with the error's tag. */
  | readonly ["failed", stream: string, tag: string]
  | readonly ["at", "open" | "turn" | "turn-ended" | "closing" | "closed"]
