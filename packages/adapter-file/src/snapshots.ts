/**
 * Snapshots: a file a stream and projection, written beside and renamed, so that it is there wholly or not at all. A
 * power cut may leave less; what doesn't read isn't answered, and core checks the rest (laws N2, N3).
 */
import type { Cursor, StorageError, StorageService, StoredSnapshot } from "@varve/core"
import { randomBytes } from "node:crypto"
import { Effect } from "effect"
import { fileNameOf } from "./fileName.ts"
import { codeOf, makeFolder, namesIn, readFile, removeFile, syncFolder, writeFile } from "./files.ts"
import type { Steps } from "./Steps.ts"
import { runEffect } from "./runEffect.ts"
import { failed, type Store } from "./Store.ts"

export const snapshots = (store: Store): StorageService["snapshots"] => {
  const ask = <A>(operation: string, work: () => Steps<A>): Effect.Effect<A, StorageError> =>
    Effect.mapError(runEffect(operation, work), (error) =>
      error._tag === "StorageError" ? error : failed(operation, error, error.stream)
    )
  return {
    load: (projection, streams) => ask("snapshots.load", () => load(store, projection, streams)),
    save: (all) => ask("snapshots.save", () => save(store, all)),
    drop: (projection) => ask("snapshots.drop", () => drop(store, projection))
  }
}

function* load(
  store: Store,
  projection: string,
  streams: ReadonlyArray<string>
): Steps<ReadonlyArray<StoredSnapshot>> {
  const found: Array<StoredSnapshot> = []
  for (const stream of streams) {
    yield* store.turns.give()
    const bytes = readFile(store.disk, fileOf(store, stream, projection))
    const snapshot = bytes === undefined ? undefined : parseSnapshot(bytes)
    if (snapshot?.stream === stream && snapshot.projection === projection) found.push(snapshot)
  }
  return found
}

function* save(store: Store, all: ReadonlyArray<StoredSnapshot>): Steps<void> {
  for (const snapshot of all) {
    yield* store.turns.give()
    const { projection, state, stream, ...rest } = snapshot
    if (stream !== overAll && (yield* store.look(stream)) === undefined) continue
    const folder = snapshotsOf(store, folderNameOf(stream))
    makeFolder(store.disk, folder, "derived")
    const temporary = `${folder}/${randomBytes(8).toString("hex")}.tmp`
    const about = JSON.stringify({ stream, projection, ...rest })
    writeFile(store.disk, temporary, Buffer.from(`${about}\n${state}`))
    store.disk.renameSync(temporary, fileOf(store, stream, projection))
  }
}

function* drop(store: Store, projection: string | undefined): Steps<void> {
  const root = `${store.derived}/snapshots`
  for (const stream of namesIn(store.disk, root)) {
    yield* store.turns.give()
    if (projection === undefined) removeSnapshots(store, stream)
    else removeFile(store.disk, `${root}/${stream}/${fileNameOf(projection)}.json`)
  }
}

/** Forgets all of a stream's, by its file name, also after a power cut. */
export const removeSnapshots = (store: Store, name: string): void => {
  const folder = snapshotsOf(store, name)
  const files = namesIn(store.disk, folder)
  for (const file of files) removeFile(store.disk, `${folder}/${file}`)
  if (files.length > 0) syncFolder(store.disk, folder)
  try {
    store.disk.rmdirSync(folder)
  } catch (error) {
    // One is being saved just now: of epochs that are gone, so core won't take it.
    if (codeOf(error) !== "ENOENT" && codeOf(error) !== "ENOTEMPTY") throw error
  }
}

const snapshotsOf = (store: Store, name: string): string => `${store.derived}/snapshots/${name}`

const fileOf = (store: Store, stream: string, projection: string): string =>
  `${store.derived}/snapshots/${placeOf(stream, projection)}`

/** Where a snapshot lies among the others. */
export const placeOf = (stream: string, projection: string): string =>
  `${folderNameOf(stream)}/${fileNameOf(projection)}.json`

/** The name under which core keeps what is folded over all streams. No stream has it, and no stream's folder this one. */
const overAll = ""
const folderNameOf = (stream: string): string => (stream === overAll ? "%" : fileNameOf(stream))

/** Reads a snapshot's file; undefined when it isn't one. Whether its check agrees is another question. */
export const parseSnapshot = (bytes: Buffer): StoredSnapshot | undefined => {
  const end = bytes.indexOf(10)
  try {
    const about = JSON.parse(bytes.toString("utf8", 0, end)) as StoredSnapshot
    const { check, projection, stream, version } = about
    const { epoch, seq }: Cursor = about.cursor
    if (typeof stream !== "string" || typeof projection !== "string") return undefined
    if (typeof epoch !== "string" || typeof seq !== "number") return undefined
    if (typeof version !== "number" || typeof check !== "string") return undefined
    return {
      stream,
      projection,
      version,
      cursor: { epoch, seq },
      check,
      state: bytes.toString("utf8", end + 1)
    }
  } catch {
    return undefined
  }
}
