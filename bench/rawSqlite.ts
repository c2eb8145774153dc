/** The raw limit: better-sqlite3 with our rowid table and our indexes, and nothing above it. */
import Database from "better-sqlite3"
import type { NewEvent } from "@varve/core"

export const rawSqlite = (filename: string, synchronous: "NORMAL" | "FULL") => {
  const db = new Database(filename)
  db.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = ${synchronous};
    CREATE TABLE events(
      position INTEGER PRIMARY KEY, stream_id INTEGER NOT NULL, seq INTEGER NOT NULL, version INTEGER NOT NULL,
      seals INTEGER NOT NULL, at INTEGER NOT NULL, written_at INTEGER NOT NULL, unsecured INTEGER NOT NULL,
      checksum INTEGER NOT NULL, type_id INTEGER NOT NULL, id TEXT NOT NULL, meta TEXT, data TEXT NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX events_by_seq ON events(stream_id, seq, type_id);
    CREATE UNIQUE INDEX events_by_id ON events(stream_id, id);
  `)
  const insert = db.prepare("INSERT INTO events VALUES (NULL, ?, ?, 1, 0, ?, ?, 0, 0, ?, ?, NULL, ?)")
  const begin = db.prepare("BEGIN IMMEDIATE")
  const commit = db.prepare("COMMIT")
  const seqs = new Map<number, number>()
  const types = new Map<string, number>()
  return {
    append: (stream: number, events: ReadonlyArray<NewEvent>): void => {
      let seq = seqs.get(stream) ?? 0
      const now = Date.now()
      begin.run()
      for (const { id, type, at, data } of events) {
        if (!types.has(type)) types.set(type, types.size + 1)
        insert.run(stream, ++seq, at, now, types.get(type), id, JSON.stringify(data))
      }
      commit.run()
      seqs.set(stream, seq)
    },
    close: () => db.close()
  }
}
