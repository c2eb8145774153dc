/** Stored states of projections. Core proves them by their check; losing any costs a fold (law N2). */
import { type StorageService, StorageError, type StoredSnapshot } from "@varve/core"
import { Effect } from "effect"
import { causeOf, type Connection } from "./Connection.ts"

/** Streams a statement: states are large. */
const perPage = 64

export const snapshots = (connection: Connection): StorageService["snapshots"] => {
  const write = (operation: string, work: () => void) =>
    Effect.mapError(
      connection.patiently(work),
      (cause) => new StorageError({ operation, cause: causeOf(cause) })
    )
  return {
    load: Effect.fnUntraced(function* (projection, streams) {
      const found: Array<StoredSnapshot> = []
      for (let i = 0; i < streams.length; i += perPage) {
        const names = JSON.stringify(streams.slice(i, i + perPage))
        const rows = yield* connection.load("load snapshots", (sql) =>
          sql.snapshots.all({ projection, names })
        )
        for (const { epoch, seq, checksum, ...row } of rows)
          found.push({ ...row, cursor: { epoch, seq }, check: checksum })
      }
      return found
    }),
    save: (all) =>
      write("save snapshots", () => {
        let bytes = 0
        connection.write(false, (sql) => {
          for (const { stream, projection, version, cursor, check, state } of all) {
            sql.saveSnapshot.run(projection, version, cursor.epoch, cursor.seq, check, state, stream)
            bytes += state.length
          }
        })
        connection.checkpoints.wrote(bytes, false)
      }),
    drop: (projection) =>
      write("drop snapshots", () => {
        connection.write(false, (sql) => sql.dropSnapshots.run({ projection: projection ?? null }))
        connection.checkpoints.wrote(0, false)
      })
  }
}
