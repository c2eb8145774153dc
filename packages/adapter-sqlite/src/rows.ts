/** Rows of `events` as events, each proven to be what was written in its place. */
import { Damaged, type Epoch, type StoredEvent } from "@varve/core"
import { isIntactRow, sumOfName } from "./checksum.ts"
import type { EventRow } from "./statements.ts"
import type { Types } from "./Types.ts"

export const damaged = (file: string, stream: string, seq: number | undefined, problem: string): Damaged =>
  new Damaged({ stream, ...(seq === undefined ? {} : { seq }), file, problem })

/** What rows must be, in the direction in which they were read. */
export interface Expected {
  readonly step: 1 | -1
  readonly first: number
  /** Undefined where not all of them are decoded. */
  readonly last: number | undefined
  /** Whether no filter left any out, so that each must follow the one before. */
  readonly dense: boolean
}

export interface Decoded {
  readonly events: ReadonlyArray<StoredEvent>
  /** Set when what comes behind `events` is damaged. */
  readonly damage: Damaged | undefined
  /** Behind the damage: the seq to go on at. */
  readonly behind: number
}

/** Turns one stream's rows into events, up to the first that isn't what was written there. */
export const decode = (
  file: string,
  stream: string,
  epochs: ReadonlyArray<Epoch>,
  rows: ReadonlyArray<EventRow>,
  types: Types,
  { step, first, last, dense }: Expected
): Decoded => {
  const events: Array<StoredEvent> = []
  const name = sumOfName(stream)
  let expected = first
  let epoch = 0
  const stop = (seq: number, problem: string, behind: number): Decoded => ({
    events,
    damage: damaged(file, stream, seq, problem),
    behind
  })
  for (const row of rows) {
    const { seq } = row
    if (dense && (seq - expected) * step > 0) return stop(expected, "its row is missing", seq)
    if ((seq - expected) * step < 0) return stop(seq, "its row is there twice", expected)
    const type = types.nameOf(row.type_id)
    if (!isIntactRow(name, type, row)) return stop(seq, "its checksum doesn't match", seq + step)
    while (epoch + 1 < epochs.length && epochs[epoch + 1]!.first <= seq) epoch++
    while (epoch > 0 && epochs[epoch]!.first > seq) epoch--
    events.push({
      stream,
      seq,
      epoch: epochs[epoch]!.epoch,
      id: row.id,
      type,
      version: row.version,
      at: row.at,
      data: row.data,
      meta: row.meta ?? undefined,
      seals: row.seals === 1,
      writtenAt: row.written_at
    })
    expected = seq + step
  }
  const missing = dense && last !== undefined && (last - expected) * step >= 0
  return missing
    ? stop(expected, "its row is missing", last + step)
    : { events, damage: undefined, behind: expected }
}

/** About how many bytes a row takes: UTF-16 units, which are bytes of ASCII and cost nothing to tell. */
export const sizeOf = ({
  data,
  meta
}: {
  readonly data: string
  readonly meta: string | null | undefined
}): number => data.length + (meta ? meta.length : 0)
