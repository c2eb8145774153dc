/**
 * A storage in a folder: one append-only file of JSON lines a stream, which people can read, search, copy and delete.
 * One process at a time writes a stream; others read it meanwhile, and write other streams of the same folder.
 */
import type { LogStorage, OpenFailed, Repair, StorageError, Verification } from "@varve/core"
import type { Effect, Layer } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { open } from "./open.ts"
import { sockets } from "./Presence.ts"
import type { Notice } from "./Notice.ts"
import * as Mending from "./repair.ts"
import * as Verifying from "./verify.ts"

export type { VerifyOptions } from "./verify.ts"
export type { Notice } from "./Notice.ts"

/** What a store in a folder is opened with. */
export interface Options {
  /** The folder, made if it isn't there; on a local disk. */
  readonly directory: string
  /** How long a stream is kept from other processes after its last append, in ms; 60,000 by default, `Infinity` for ever. */
  readonly idleTimeout?: number | undefined
  /** Told of what a crash tore and recovery cut: a possible loss. Logged as a warning by default. */
  readonly onNotice?: ((notice: Notice) => void) | undefined
}

/**
 * Provides the store in `directory`. Fails with `OpenFailed`: `unreachable` (the folder cannot be read and written),
 * `node-too-old`, `unsupported` (an `idleTimeout` that is none). Opening reads no log.
 *
 * ```ts
 * program.pipe(Effect.provide(FileStorage.layer({ directory: ".sessions" })))
 * ```
 */
export const layer = (options: Options): Layer.Layer<LogStorage, OpenFailed> =>
  open({ ...options, directory: path.resolve(options.directory) }, { disk: fs, presence: sockets })

/**
 * Reads all that is in a folder and answers what is wrong with it; changes nothing. Others may use it meanwhile. Fails
 * with `OpenFailed` where there is no folder, with `StorageError` where reading fails for another reason than damage.
 * Costs a read of every byte.
 */
export const verify = (
  directory: string,
  options: Verifying.VerifyOptions = {}
): Effect.Effect<Verification, OpenFailed | StorageError> =>
  Verifying.verify(path.resolve(directory), options, { disk: fs, presence: sockets })

/**
 * Looks a folder through as `verify` does, does what each problem's `mend` says, and looks again. No log is written: what
 * is damaged stays and is named, what is torn is cut by the next append. Fails with `OpenFailed` (`in-use`), and
 * does nothing, while anybody has the folder open, this process too.
 */
export const repair = (
  directory: string,
  options: Verifying.VerifyOptions = {}
): Effect.Effect<Repair, OpenFailed | StorageError> =>
  Mending.repair(path.resolve(directory), options, { disk: fs, presence: sockets })
