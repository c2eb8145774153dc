/**
 * Admission: what becomes of a group, decided in one place for every storage (laws A7, A11, A14, D1-D5). Pure. A
 * storage calls it where nothing can move between the decision and the write: inside its lock or transaction.
 *
 * The order, case by case:
 *
 * | the group holds | stream | expected | outcome |
 * |---|---|---|---|
 * | an id taken by other content | any | any | IdConflict (or kept, and the rest goes on) |
 * | nothing new | any | any | Appended, original seqs, nothing written |
 * | something new | sealed | any | Sealed |
 * | something new | open | other than the head | Conflict |
 * | something new | open | the head, or none | Appended, only the new is written |
 * | no events, attributes | any, sealed too | as above | Appended, attributes set |
 * | no events, attributes | absent | any | Conflict: a label creates no stream |
 *
 * An id repeated within a group is a duplicate of its first. A sealing event is the last of its group.
 */
import type { Cursor } from "./Cursor.ts"
import { sameJson } from "./Json.ts"
import type { EncodedEvent, EventContent, Group, Head, Refused } from "./LogStorage.ts"

/** A stored event as far as admission needs it. */
export interface KnownEvent extends EventContent {
  readonly seq: number
}

/** What the storage knows of the stream, read under its lock. */
export interface StreamState {
  readonly head: Head | undefined
  /** The stored event with this id in this stream, or in any way found to be absent. */
  readonly known: (id: string) => KnownEvent | undefined
}

/** What to store: `fresh[0]` gets the seq behind the head, and so on. */
export interface Admitted {
  readonly _tag: "Admitted"
  readonly fresh: ReadonlyArray<EncodedEvent>
  /** Attributes that change something; `undefined` for none. */
  readonly attributes: Readonly<Record<string, string>> | undefined
  readonly seqs: ReadonlyArray<number>
  readonly duplicates: ReadonlyArray<number>
  readonly kept: ReadonlyArray<number>
}

const none: ReadonlyArray<number> = []

/** Decides. O(events), one `known` a distinct id. */
export const admit = (group: Group, state: StreamState): Admitted | Refused => {
  const { events, expected } = group
  const same = group.sameContent ?? sameContent
  const first = (state.head?.cursor.seq ?? 0) + 1
  const fresh: Array<EncodedEvent> = []
  const seqs: Array<number> = []
  let duplicates: Array<number> | undefined
  let kept: Array<number> | undefined
  const inGroup = events.length > 1 ? new Map<string, number>() : undefined

  for (let i = 0; i < events.length; i++) {
    const event = events[i]!
    const earlier = inGroup?.get(event.id)
    const known = earlier === undefined ? state.known(event.id) : { ...events[earlier]!, seq: seqs[earlier]! }
    if (known === undefined) {
      const seq = first + fresh.length
      fresh.push(event)
      seqs.push(seq)
      inGroup?.set(event.id, i)
    } else if (same(known, event)) {
      seqs.push(known.seq)
      ;(duplicates ??= []).push(i)
    } else if (group.onIdConflict === "keep") {
      seqs.push(known.seq)
      ;(kept ??= []).push(i)
    } else {
      return { _tag: "IdConflict", id: event.id, seq: known.seq }
    }
  }

  const labels = events.length === 0 ? group.attributes : undefined
  if (fresh.length > 0) {
    if (state.head?.sealed === true) return { _tag: "Sealed", seq: state.head.cursor.seq }
    const seal = fresh.findIndex((event) => event.seals)
    if (seal >= 0 && seal < fresh.length - 1) return { _tag: "Sealed", seq: first + seal }
  }
  // A label creates no stream (law A10).
  if (labels !== undefined && state.head === undefined)
    return { _tag: "Conflict", expected: "exists", actual: undefined }
  if ((fresh.length > 0 || labels !== undefined) && !isExpected(expected, state.head?.cursor)) {
    return { _tag: "Conflict", expected, actual: state.head?.cursor }
  }
  const attributes = changed(state.head?.attributes, fresh.length > 0 ? group.attributes : labels)
  return { _tag: "Admitted", fresh, attributes, seqs, duplicates: duplicates ?? none, kept: kept ?? none }
}

const isExpected = (expected: Group["expected"], head: Cursor | undefined): boolean => {
  if (expected === undefined) return true
  if (expected === "exists") return head !== undefined
  if (typeof expected === "number") return expected === (head?.seq ?? 0)
  return head !== undefined && expected.seq === head.seq && expected.epoch === head.epoch
}

const changed = (
  before: Head["attributes"] | undefined,
  after: Head["attributes"] | undefined
): Head["attributes"] | undefined => {
  if (after === undefined) return undefined
  const entries = Object.entries(after).filter(
    ([key, value]) => before === undefined || !Object.hasOwn(before, key) || before[key] !== value
  )
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}

/** Whether two events under one id mean the same: equal type, version and data, whatever its spacing and key order. */
export const sameContent = (stored: EventContent, offered: EventContent): boolean =>
  stored.type === offered.type && stored.version === offered.version && sameJson(stored.data, offered.data)

/** The head behind what was admitted. `epoch` is the one that the new events are written under. */
export const advance = (
  stream: string,
  head: Head | undefined,
  admitted: Admitted,
  write: { readonly epoch: string; readonly writtenAt: number; readonly synced: boolean }
): Head => {
  const { fresh } = admitted
  let minAt = head?.minAt ?? Infinity
  let maxAt = head?.maxAt ?? -Infinity
  for (const event of fresh) {
    if (event.at < minAt) minAt = event.at
    if (event.at > maxAt) maxAt = event.at
  }
  const seq = (head?.cursor.seq ?? 0) + fresh.length
  return {
    stream,
    cursor: fresh.length === 0 && head !== undefined ? head.cursor : { epoch: write.epoch, seq },
    synced: write.synced ? seq : (head?.synced ?? 0),
    sealed: head?.sealed === true || fresh.at(-1)?.seals === true,
    minAt,
    maxAt,
    writtenAt: write.writtenAt,
    attributes:
      admitted.attributes === undefined
        ? (head?.attributes ?? {})
        : { ...head?.attributes, ...admitted.attributes }
  }
}
