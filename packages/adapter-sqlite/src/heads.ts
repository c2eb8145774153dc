/** Heads: all that is known of streams without touching their events. */
import { compareNames, type Head, type Selection, type StorageError } from "@varve/core"
import { Effect } from "effect"
import type { Connection } from "./Connection.ts"
import { behind, namesOf, rangeOf, streamsPerPage } from "./selection.ts"
import type { StreamRow } from "./statements.ts"

const noAttributes: Head["attributes"] = {}

/** A stream's head, given up to which position everything is secured. */
export const headOf = (row: StreamRow, secured: number): Head => ({
  stream: row.name,
  cursor: { epoch: row.epoch, seq: row.seq },
  synced: syncedSeq(row, secured),
  sealed: row.sealed === 1,
  minAt: row.min_at,
  maxAt: row.max_at,
  writtenAt: row.written_at,
  attributes: row.attributes === "{}" ? noAttributes : (JSON.parse(row.attributes) as Head["attributes"])
})

/** The last seq that is proven to survive power loss; the schema says why this is exact. */
const syncedSeq = (row: Pick<StreamRow, "seq" | "position" | "synced">, secured: number): number =>
  row.position <= secured ? row.seq : row.synced

/** Answers the heads of a selection, a page of streams a statement. */
export const heads = Effect.fnUntraced(function* (
  connection: Connection,
  selection: Selection
): Effect.fn.Return<ReadonlyArray<Head>, StorageError> {
  const found: Array<Head> = []
  const names = namesOf(selection)
  if (names !== undefined) {
    for (let i = 0; i < names.length; i += streamsPerPage) {
      const page = JSON.stringify(names.slice(i, i + streamsPerPage))
      yield* connection.load("heads", (sql) => {
        const secured = connection.secured(sql)
        for (const row of sql.headsByName.all({ names: page, attributes: null }))
          found.push(headOf(row, secured))
      })
    }
    return found.sort((a, b) => compareNames(a.stream, b.stream))
  }
  let range = rangeOf(selection.prefix)
  for (;;) {
    const full = yield* connection.load("heads", (sql) => {
      const secured = connection.secured(sql)
      const rows = sql.headsInRange.all({ ...range, attributes: null, rows: streamsPerPage })
      for (const row of rows) found.push(headOf(row, secured))
      return rows.length === streamsPerPage
    })
    if (!full) return found
    range = behind(range, found.at(-1)!.stream, "forward")
  }
})
