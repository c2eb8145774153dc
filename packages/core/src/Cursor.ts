/**
 * A cursor is a place in one stream: the last event that its holder has seen. It names the epoch that this event
 * was written under, so that a stream which lost events in a crash and went on under the same numbers cannot be
 * mistaken for the one that the holder knew (laws C3, C4).
 */
import { randomId } from "./Random.ts"

/** The last event seen: its epoch and its seq (1, 2, 3, ...). "Before the first" is the absence of a cursor. */
export interface Cursor {
  readonly epoch: string
  readonly seq: number
}

/** One stretch of a stream's history: everything from `first` on, up to the next epoch's `first`. */
export interface Epoch {
  readonly epoch: string
  readonly first: number
}

/**
 * Why a cursor cannot go on.
 *
 * - `malformed`: not a cursor, or a seq below its epoch's first.
 * - `unknown-stream`: nothing is stored under this name (never written, or removed).
 * - `unknown-epoch`: another store's cursor, or one of a removed stream, or of an epoch lost as a whole.
 * - `lost`: its event was lost when its epoch ended; `survived` says how far it is good.
 * - `future`: beyond the head of the current epoch.
 * - `too-far`: a replay would be longer than the cap that the reader set.
 */
export type ResyncReason = "malformed" | "unknown-stream" | "unknown-epoch" | "lost" | "future" | "too-far"

/** The answer to a cursor that cannot go on: start again, from `survived` or from the beginning. */
export interface Resync {
  readonly reason: ResyncReason
  /** The last place up to which the holder's history and the stored one agree, where that can be told. */
  readonly survived: Cursor | undefined
}

/** A new epoch's id: 128 random bits. */
export const makeEpoch = randomId

/** Whether a value from outside is shaped like a cursor. */
export const isCursor = (value: unknown): value is Cursor => {
  if (typeof value !== "object" || value === null) return false
  const { epoch, seq } = value as Partial<Record<keyof Cursor, unknown>>
  return typeof epoch === "string" && typeof seq === "number" && Number.isSafeInteger(seq) && seq >= 1
}

/** Whether two cursors name the same event. Two absences are equal. */
export const sameCursor = (a: Cursor | undefined, b: Cursor | undefined): boolean =>
  a === b || (a !== undefined && b !== undefined && a.epoch === b.epoch && a.seq === b.seq)

/** The epoch that the event `seq` was written under. `epochs` ascends by `first` and is not empty. */
export const epochAt = (epochs: ReadonlyArray<Epoch>, seq: number): string => {
  let i = epochs.length - 1
  while (i > 0 && epochs[i]!.first > seq) i--
  return epochs[i]!.epoch
}

/**
 * Where a reader with this cursor goes on: `undefined` when it may continue after `cursor.seq`, else the resync.
 * Pure; every storage answers `after` with it.
 *
 * @param epochs the stream's epochs, ascending; empty when the stream is unknown
 * @param head the stream's last seq
 */
export const resyncOf = (cursor: unknown, epochs: ReadonlyArray<Epoch>, head: number): Resync | undefined => {
  if (!isCursor(cursor)) return { reason: "malformed", survived: undefined }
  if (epochs.length === 0) return { reason: "unknown-stream", survived: undefined }
  const index = epochs.findIndex((e) => e.epoch === cursor.epoch)
  if (index < 0) return { reason: "unknown-epoch", survived: undefined }
  if (cursor.seq < epochs[index]!.first) return { reason: "malformed", survived: undefined }
  // Later epochs may have lost more than the next one did: what survived all of them counts.
  const later = epochs.slice(index + 1)
  const last = later.reduce((least, { first }) => Math.min(least, first - 1), head)
  if (cursor.seq <= last) return undefined
  const survived = last === 0 ? undefined : { epoch: epochAt(epochs, last), seq: last }
  return { reason: later.length === 0 ? "future" : "lost", survived }
}
