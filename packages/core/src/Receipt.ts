/** What an append asks for and what it answers. */
import type { Cursor } from "./Cursor.ts"
import {
  type AppendError,
  AppendRejected,
  AppendUnknown,
  Busy,
  Conflict,
  IdConflict,
  Sealed
} from "./Errors.ts"
import type { Appended, Durability, Group, Head, Outcome } from "./LogStorage.ts"

/** What an append may ask for. */
export interface AppendOptions {
  /** Where the stream must be: 0 = must not exist yet, a seq or a cursor = exactly there. Anywhere by default. */
  readonly expected?: number | Cursor
  /** At least this; the events' own policy may ask for more. */
  readonly durability?: Durability
  /** Set with the events. See `label`. */
  readonly attributes?: Readonly<Record<string, string>>
  /** What an id taken by other content does: refuse all (default), or keep the stored event and tell. */
  readonly onIdConflict?: "reject" | "keep"
}

/** What came of an append. */
export interface Receipt {
  readonly events: ReadonlyArray<{
    readonly id: string
    readonly seq: number
    /** Stored before, with the same content. */
    readonly duplicate: boolean
    /** Not stored: the event that has this id with other content is kept (`onIdConflict: "keep"`). */
    readonly kept: boolean
  }>
  /** The stream after it; `undefined` only when nothing was appended to a stream that doesn't exist. */
  readonly head: Head | undefined
  /** What was reached. `none`: this storage keeps nothing beyond the process. */
  readonly durability: "none" | Durability
}

/** The receipt of a group that was stored. */
export const receiptOf = (group: Group, { seqs, head, durability, ...outcome }: Appended): Receipt => {
  const duplicates = new Set(outcome.duplicates)
  const kept = new Set(outcome.kept)
  return {
    events: group.events.map((event, i) => ({
      id: event.id,
      seq: seqs[i]!,
      duplicate: duplicates.has(i),
      kept: kept.has(i)
    })),
    head,
    durability
  }
}

/** The failure of a group that was not stored, or of which that is unknown. */
export const errorOf = (stream: string, outcome: Exclude<Outcome, Appended>): AppendError => {
  switch (outcome._tag) {
    case "Conflict": {
      const { expected, actual } = outcome
      return new Conflict({ stream, expected: expected === "exists" ? undefined : expected, actual })
    }
    case "Sealed":
      return new Sealed({ stream, seq: outcome.seq })
    case "IdConflict":
      return new IdConflict({ stream, id: outcome.id, seq: outcome.seq })
    case "Claimed":
      return new Busy({ stream, owner: outcome.owner })
    case "Failed":
      return outcome.reached === "rejected"
        ? new AppendRejected({ stream, cause: outcome.cause })
        : new AppendUnknown({ stream, cause: outcome.cause })
  }
}
