/** The two storages that last, opened at a path: a file for one, a folder for the other. */
import { FileStorage } from "@varve/adapter-file"
import { SqliteStorage } from "@varve/adapter-sqlite"
import { type LogStorage, type OpenFailed, type PromiseLog, Varve } from "@varve/core"
import type { Layer } from "effect"
import { Session } from "./load.ts"

export type StorageName = "sqlite" | "file"
export const storageNames: ReadonlyArray<StorageName> = ["sqlite", "file"]

const storageAt = (name: StorageName, path: string): Layer.Layer<LogStorage, OpenFailed> =>
  name === "sqlite" ? SqliteStorage.layer({ filename: path }) : FileStorage.layer({ directory: path })

export type SessionLog = PromiseLog<typeof Session>

export const openSessions = (name: StorageName, path: string): Promise<SessionLog> =>
  Varve.open({ events: Session, storage: storageAt(name, path) })
