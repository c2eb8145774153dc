/** The seam without Effect: write a plain object with promises, and make it a layer with {@link fromPromises}. */
import { Effect, Layer, Scope, Stream } from "effect"
import type { Epoch } from "./Cursor.ts"
import { Busy, Damaged, OpenFailed, StorageError } from "./Errors.ts"
import {
  type Batch,
  type Group,
  type Head,
  LogStorage,
  type Outcome,
  type Query,
  type Selection,
  type StorageService,
  type StoredEvent,
  type StoredSnapshot
} from "./LogStorage.ts"
import { scan } from "./Scan.ts"

/** `StorageService` in promises. Methods mean the same; see there. What they throw becomes a typed failure. */
export type PromiseStorage = RangeStorage | QueryStorage

/** One that reads ranges: core's `scan` answers queries over them. */
export interface RangeStorage extends Writing {
  /** The epochs of a stream that exists, ascending. */
  readonly epochs: (stream: string) => Promise<ReadonlyArray<Epoch>>
  /** The events `from..to` of a stream, inclusive, ascending. */
  readonly read: (stream: string, from: number, to: number) => Promise<ReadonlyArray<StoredEvent>>
}

/** One with indexes of its own, that answers queries itself. */
export interface QueryStorage extends Writing {
  readonly query: (query: Query) => AsyncIterable<Batch>
}

interface Writing extends Pick<StorageService, "supports" | "limits" | "appendSync" | "counters"> {
  /** Must not reject: a group that failed is told as an outcome. A rejection counts as `unknown` for every group. */
  readonly append: (groups: ReadonlyArray<Group>) => Promise<ReadonlyArray<Outcome>>
  readonly heads: (selection: Selection) => Promise<ReadonlyArray<Head>>
  readonly snapshots: {
    readonly load: (
      projection: string,
      streams: ReadonlyArray<string>
    ) => Promise<ReadonlyArray<StoredSnapshot>>
    readonly save: (snapshots: ReadonlyArray<StoredSnapshot>) => Promise<void>
    readonly drop: (projection?: string) => Promise<void>
  }
  readonly remove: (stream: string) => Promise<boolean>
  readonly sync: () => Promise<void>
  readonly release?: (stream: string) => Promise<void>
  readonly hints?: () => AsyncIterable<string>
  readonly close?: () => Promise<void>
}

/**
 * A layer of a storage written with promises. `open` runs once a layer; what it throws becomes `OpenFailed`, and
 * `close` runs with the scope.
 *
 * ```ts
 * const layer = fromPromises(async () => new MyStorage(await connect()))
 * ```
 */
export const fromPromises = (
  open: () => PromiseStorage | Promise<PromiseStorage>
): Layer.Layer<LogStorage, OpenFailed> =>
  Layer.effect(
    LogStorage,
    Effect.gen(function* () {
      const storage = yield* Effect.tryPromise({ try: async () => open(), catch: openFailure })
      yield* Scope.addFinalizer(
        yield* Effect.scope,
        Effect.promise(async () => storage.close?.())
      )
      return toService(storage)
    })
  )

const toService = (storage: PromiseStorage): StorageService => {
  const ask = <A>(operation: string, run: () => Promise<A>) =>
    Effect.tryPromise({ try: run, catch: (cause) => failure(operation, cause) })
  const heads = (selection: Selection) => ask("heads", () => storage.heads(selection))
  const query: StorageService["query"] =
    "query" in storage
      ? (asked) =>
          Stream.suspend(() =>
            Stream.fromAsyncIterable(storage.query(asked), (cause) => failure("query", cause))
          )
      : (asked) =>
          scan(asked, {
            heads,
            epochs: (stream) => ask("epochs", () => storage.epochs(stream)),
            read: (stream, from, to) => ask("read", () => storage.read(stream, from, to))
          })
  const { appendSync, counters, hints } = storage
  return {
    supports: storage.supports,
    limits: storage.limits,
    append: (groups) =>
      Effect.promise(async () => {
        try {
          return await storage.append(groups)
        } catch (cause) {
          return groups.map((): Outcome => ({ _tag: "Failed", reached: "unknown", cause }))
        }
      }),
    ...(appendSync === undefined ? {} : { appendSync: (groups) => appendSync.call(storage, groups) }),
    query,
    heads,
    snapshots: {
      load: (projection, streams) =>
        Effect.mapError(
          ask("snapshots.load", () => storage.snapshots.load(projection, streams)),
          undamaged
        ),
      save: (snapshots) =>
        Effect.mapError(
          ask("snapshots.save", () => storage.snapshots.save(snapshots)),
          undamaged
        ),
      drop: (projection) =>
        Effect.mapError(
          ask("snapshots.drop", () => storage.snapshots.drop(projection)),
          undamaged
        )
    },
    remove: (stream) =>
      Effect.tryPromise({
        try: () => storage.remove(stream),
        catch: (cause) =>
          cause instanceof Busy ? cause : new StorageError({ operation: "remove", stream, cause })
      }),
    sync: Effect.mapError(
      ask("sync", () => storage.sync()),
      undamaged
    ),
    release: (stream) => Effect.promise(async () => storage.release?.(stream)),
    ...(hints === undefined
      ? {}
      : {
          hints: Stream.orDie(
            Stream.suspend(() =>
              Stream.fromAsyncIterable(hints.call(storage), (cause) => failure("hints", cause))
            )
          )
        }),
    ...(counters === undefined ? {} : { counters: () => counters.call(storage) })
  }
}

const failure = (operation: string, cause: unknown): StorageError | Damaged =>
  cause instanceof StorageError || cause instanceof Damaged ? cause : new StorageError({ operation, cause })

const undamaged = (error: StorageError | Damaged): StorageError =>
  error instanceof StorageError
    ? error
    : new StorageError({ operation: "snapshots", stream: error.stream, cause: error })

const openFailure = (cause: unknown): OpenFailed =>
  cause instanceof OpenFailed
    ? cause
    : new OpenFailed({
        reason: "unreachable",
        problem: cause instanceof Error ? cause.message : String(cause)
      })
