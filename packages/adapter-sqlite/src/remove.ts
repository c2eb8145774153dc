/**
 * Removing a stream (law V1). Its row goes in one full commit, with snapshots, labels and epochs: from then on nobody
 * sees it, and a stream of the same name starts anew. Its events follow in pieces, so that a long stream doesn't block
 * the event loop; what a crash leaves of them is noted in the store, seen by nobody, and deleted later.
 */
import { StorageError } from "@varve/core"
import { Effect } from "effect"
import { causeOf, type Connection, isBusy } from "./Connection.ts"
import type { Statements } from "./statements.ts"

/** Events a commit: about 20 ms. */
const piece = 1000

export const remove = Effect.fnUntraced(function* (
  connection: Connection,
  stream: string
): Effect.fn.Return<boolean, StorageError> {
  const write = <A>(full: boolean, work: (sql: Statements) => A) =>
    Effect.mapError(
      Effect.andThen(
        connection.turns.free,
        connection.patiently(() => connection.write(full, work))
      ),
      (cause) => new StorageError({ operation: "remove", stream, cause: causeOf(cause) })
    )
  const removed = yield* write(!connection.memory, (sql) => {
    const row = sql.stream.get(stream)
    if (row === undefined) return undefined
    const { position, secured } = sql.meta.get()!
    // Positions aren't given out twice: one that was secured would vouch for an event that isn't.
    sql.keepPositions.run(position, secured)
    sql.removeStream.run(row.id)
    sql.removeEpochs.run(row.id)
    sql.removeAttributes.run(row.id)
    sql.removeSnapshots.run(row.id)
    sql.noteRemoval.run(row.id)
    return { id: row.id, more: removePiece(sql, row.id) }
  })
  if (removed === undefined) return false
  if (!connection.memory) connection.counters.syncs++
  let { more } = removed
  while (more) more = yield* write(false, (sql) => removePiece(sql, removed.id))
  // Older pages in the WAL hold what was removed.
  connection.emptyLog()
  return true
})

/** Deletes a piece of what a crash has left of removals; true when there is more. For quiet moments. */
export const removeLeftovers = (connection: Connection): boolean => {
  try {
    const left = connection.sql.removals.get()
    if (left === undefined) return false
    connection.write(false, (sql) => removePiece(sql, left.stream_id))
    return true
  } catch (error) {
    return isBusy(error)
  }
}

/** Deletes some events of a removed stream; true when there are more. */
const removePiece = (sql: Statements, id: number): boolean => {
  if (sql.removeSomeEvents.run(id, piece).changes === piece) return true
  sql.forgetRemoval.run(id)
  return false
}
