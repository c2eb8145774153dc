/**
 * A storage in a folder: one append-only file of JSON lines a stream, which people can read, search, copy and delete.
 * One process at a time writes a stream; others read it meanwhile, and write other streams of the same folder.
 */
import type { LogStorage, OpenFailed } from "@varve/core"
import type { Layer } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { open } from "./open.ts"
import { sockets } from "./Presence.ts"
import type { Notice } from "./Notice.ts"

export type { Notice } from "./Notice.ts"

export interface Options {
  /** The folder, made if it isn't there; on a local disk. */
  readonly directory: string
  /** How long a stream is kept from other processes after its last append, in ms; 60,000 by default. */
  readonly idleTimeout?: number | undefined
  /** Told of what a crash tore and recovery cut: a possible loss. Logged as a warning by default. */
  readonly onNotice?: ((notice: Notice) => void) | undefined
}

/**
 * Provides the store in `directory`. Fails with `OpenFailed`: `unreachable` (the folder cannot be read and written),
 * `node-too-old`. Opening reads no log.
 *
 * ```ts
 * program.pipe(Effect.provide(FileStorage.layer({ directory: ".sessions" })))
 * ```
 */
export const layer = (options: Options): Layer.Layer<LogStorage, OpenFailed> =>
  open({ ...options, directory: path.resolve(options.directory) }, { disk: fs, presence: sockets })
