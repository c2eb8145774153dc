/** The storage that a process of its own opens. */
import { SqliteStorage } from "@varve/adapter-sqlite"

export default (filename: string) => SqliteStorage.layer({ filename })
