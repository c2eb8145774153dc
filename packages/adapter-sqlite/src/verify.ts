/** Verifying a store: what is wrong with it, for operators. */
import type { OpenFailed, Progress, StorageError, Verification } from "@varve/core"
import { Effect } from "effect"
import { look } from "./inspect.ts"
import { openInspection } from "./open.ts"

/** How a store is looked through. */
export interface VerifyOptions {
  /** Told after each page of events, and at the end. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/**
 * Reads all of a store through a read-only connection and answers what is wrong with it. Others may use it meanwhile:
 * what is read is one moment of it. Fails with `OpenFailed` where there is no store, with `StorageError` where reading
 * fails for another reason than damage.
 *
 * Costs a read of the whole file, memory for each stream, and blocks the event loop while SQLite checks its own pages.
 * SQLite leaves an empty `-wal` and a `-shm` beside the file: run it as the user who owns the store.
 */
export const verify = (
  filename: string,
  options: VerifyOptions = {}
): Effect.Effect<Verification, OpenFailed | StorageError> =>
  Effect.acquireUseRelease(
    openInspection(filename, "readonly"),
    (db) =>
      Effect.gen(function* () {
        const { findings, ...counts } = yield* look(db, options)
        return { ...counts, problems: findings.map(({ problem }) => problem) }
      }),
    (db) => Effect.sync(() => db.close())
  )
