/**
 * A storage in one SQLite file: a write-ahead log, one transaction a call of `append`, any number of processes.
 * What is acknowledged as synced was secured by the fsync of its own commit, the rest survives the process's death.
 */
import { LogStorage, type OpenFailed } from "@varve/core"
import { Effect, Layer } from "effect"
import { open } from "./open.ts"
import { service } from "./service.ts"

export { repair } from "./repair.ts"
export { verify, type VerifyOptions } from "./verify.ts"

/** What a store in a file is opened with. */
export interface Options {
  /** The file, made with its folder if it isn't there; on a local disk. ":memory:" keeps nothing beyond the layer. */
  readonly filename: string
  /**
   * How long to wait for another process's transaction before refusing, in ms; 5,000 by default. `Infinity` waits for as
   * long as it takes; less than 0 and NaN are refused.
   */
  readonly busyTimeout?: number | undefined
}

/**
 * Provides a store in `filename`. Fails with `OpenFailed`: `unreachable` (folder or file cannot be written),
 * `not-a-store` (another kind of file), `newer-version`, `node-too-old`, `unsupported` (no SQLite for this
 * platform, a store of a version that is read no more, or an option that is none). Opening reads; the file of a new
 * store is made, with mode 0600.
 *
 * ```ts
 * program.pipe(Effect.provide(SqliteStorage.layer({ filename: "sessions.db" })))
 * ```
 */
export const layer = ({ filename, busyTimeout = 5000 }: Options): Layer.Layer<LogStorage, OpenFailed> =>
  Layer.effect(
    LogStorage,
    Effect.map(
      Effect.acquireRelease(open(filename, busyTimeout), (connection) =>
        Effect.sync(() => connection.close())
      ),
      service
    )
  )
