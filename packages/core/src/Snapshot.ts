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
