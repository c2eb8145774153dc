/** Varve's storage in one SQLite file, shared by many processes: `SqliteStorage.layer({ filename })`. */
export * as SqliteStorage from "./SqliteStorage.ts"
