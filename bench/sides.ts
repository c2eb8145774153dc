/**
 * The sides of rows that append: our log over either storage, better-sqlite3 alone, plain files alone. Each on a fresh
 * store of sessions that are under way: its streams are there, and its write-ahead log has grown to the size it keeps.
 */
import { mkdirSync } from "node:fs"
import type { NewEvent } from "@varve/core"
import { chunks, type Scratch, scratch, streams } from "./load.ts"
import type { Side } from "./measure.ts"
import { rawFiles } from "./rawFiles.ts"
import { rawSqlite } from "./rawSqlite.ts"
import { openSessions, type SessionLog, type StorageName } from "./storages.ts"

/** As many groups of 15 as make the log grow beyond SQLite's own bound of 1,000 pages, and V8 optimize what appends. */
export const warmUp = 1000

export const ours =
  (storage: StorageName) =>
  (run: (log: SessionLog) => Promise<number>): Side => {
    let log: SessionLog
    let place: Scratch
    return {
      prepare: async () => {
        place = scratch()
        log = await openSessions(storage, place.path("log"))
        for (let i = 0; i < warmUp; i++)
          await log.append(streams[i % streams.length]!, chunks(15), { durability: "synced" })
      },
      run: () => run(log),
      clean: async () => {
        await log.close()
        place.remove()
      }
    }
  }

/** What a raw side does with events: stores them, and no more. */
export interface Raw {
  readonly append: (stream: number, events: ReadonlyArray<NewEvent>) => void
  readonly close: () => void
}

const theirs =
  (open: (place: Scratch) => Raw) =>
  (run: (raw: Raw) => number | Promise<number>): Side => {
    let raw: Raw
    let place: Scratch
    return {
      prepare: () => {
        place = scratch()
        raw = open(place)
        for (let i = 0; i < warmUp; i++) raw.append(i % streams.length, chunks(15))
      },
      run: () => run(raw),
      clean: () => {
        raw.close()
        place.remove()
      }
    }
  }

export const theirSqlite = (synchronous: "NORMAL" | "FULL") =>
  theirs((place) => rawSqlite(place.path("raw.db"), synchronous))

export const theirFiles = (synced: boolean) =>
  theirs((place) => {
    mkdirSync(place.path("raw"))
    return rawFiles(place.path("raw"), synced)
  })
