/** The seam of core over one connection. */
import { StorageError, type StorageService } from "@varve/core"
import { Clock, Effect } from "effect"
import { append, rejected } from "./append.ts"
import { causeOf, type Connection, patientlySync } from "./Connection.ts"
import { heads } from "./heads.ts"
import { query } from "./query.ts"
import { remove, removeLeftovers } from "./remove.ts"
import { snapshots } from "./snapshots.ts"

export const service = (connection: Connection): StorageService => {
  const { counters, memory } = connection
  connection.checkpoints.addChore(() => removeLeftovers(connection))
  return {
    supports: {
      durability: memory ? "none" : "power",
      sharedWriters: !memory,
      totalOrder: true,
      reverse: true,
      checksums: true,
      counters: true,
      atomicAcrossStreams: false,
      hints: false
    },
    limits: { groupEvents: 10_000, groupBytes: 64 * 1024 * 1024 },

    append: (groups) =>
      groups.length === 0
        ? Effect.succeed([])
        : Effect.flatMap(Clock.currentTimeMillis, (now) =>
            Effect.match(
              connection.patiently(() => append(connection, groups, now)),
              { onSuccess: (outcomes) => outcomes, onFailure: (cause) => groups.map(() => rejected(cause)) }
            )
          ),
    appendSync: (groups) => {
      try {
        return patientlySync(() => append(connection, groups, Date.now()), connection.busyTimeout)
      } catch (cause) {
        return groups.map(() => rejected(cause))
      }
    },
    query: (asked) => query(connection, asked),
    heads: (selection) => heads(connection, selection),
    snapshots: snapshots(connection),
    remove: (stream) => remove(connection, stream),
    sync: Effect.mapError(
      connection.patiently(() => connection.sync()),
      (error) => new StorageError({ operation: "sync", cause: causeOf(error) })
    ),
    release: () => Effect.void,
    counters: () => ({ ...counters })
  }
}
