/**
 * A snapshot: a projection's state as stored, and whether one that comes back may be used. It is disposable (law N2)
 * and never trusted: text that was damaged fails its check, text that isn't a state fails its schema (law N3), and a
 * place in history that doesn't exist any more is the storage's to refuse (law N4, `after`).
 */
import { checksum } from "./Checksum.ts"
import type { Cursor } from "./Cursor.ts"
import type { StoredSnapshot } from "./LogStorage.ts"
import type { Projection } from "./Projection.ts"

/** Under this name, which no stream can have, stands the state of a projection over all streams. */
export const allStreams = ""

/** The check over everything else in a snapshot. O(state). */
export const snapshotCheck = (snapshot: Omit<StoredSnapshot, "check">): string => {
  const { cursor, projection, state, stream, version } = snapshot
  return checksum(JSON.stringify([stream, projection, version, cursor.epoch, cursor.seq]) + state)
}

/** What of a projection names and reads its snapshots. */
type Of<S> = Pick<Projection<any, S>, "name" | "version" | "encode" | "decode">

/** A state as it is stored. Throws where it doesn't fit the projection's schema. */
export const makeSnapshot = <S>(
  projection: Of<S>,
  stream: string,
  cursor: Cursor,
  state: S
): StoredSnapshot => {
  const { name, version } = projection
  const snapshot = { stream, projection: name, version, cursor, state: projection.encode(state) }
  return { ...snapshot, check: snapshotCheck(snapshot) }
}

/** The state of a snapshot, for the caller to own; `undefined` when it mustn't be used. */
export const openSnapshot = <S>(
  projection: Of<S>,
  stream: string,
  stored: StoredSnapshot
): { readonly state: S } | undefined => {
  if (stored.stream !== stream || stored.projection !== projection.name) return undefined
  if (stored.version !== projection.version || stored.check !== snapshotCheck(stored)) return undefined
  try {
    return { state: projection.decode(stored.state) }
  } catch {
    return undefined
  }
}

/** What was folded since the last snapshot, and what that one was. */
export interface Growth {
  /** Events, and characters of their data, since then. */
  readonly tail: { readonly events: number; readonly size: number }
  /** The events that it holds, and its characters; nothing where there is none. */
  readonly saved: { readonly events: number; readonly size: number } | undefined
}

/** A shorter tail is folded faster than a snapshot is read. At the last occasion, such as closing, less is asked for. */
const least = { events: 256, size: 2 ** 20 }
const leastAtLast = { events: 32, size: 2 ** 17 }

/**
 * Whether a snapshot pays (law N7). Either the stream has grown by half: snapshots of a state that grows with its
 * stream then add up to less than three times the last, and with one more at the seal to less than four times. Or it
 * is next to nothing beside what was written since, as the small state of a busy stream is.
 */
export const pays = ({ saved, tail }: Growth, last = false): boolean => {
  const { events, size } = last ? leastAtLast : least
  if (tail.events < events && tail.size < size) return false
  if (saved === undefined) return true
  const grown = tail.events * 2 >= saved.events && tail.size * 2 >= saved.size
  return grown || tail.size >= saved.size * 64
}
