/**
 * Effect's own event journal over SQLite, of the effect that Varve itself uses. No driver for SQLite is published for
 * that version, so it gets the least that its SQL client asks for, over better-sqlite3: one connection without a lock,
 * statements prepared once. At NORMAL. It has no read of one stream: its `entries` are read, of one stream alone.
 */
import Database from "better-sqlite3"
import { Effect, Layer, ManagedRuntime, Stream } from "effect"
import { EventJournal, SqlEventJournal } from "effect/eventlog"
import { Reactivity } from "effect/reactivity"
import { SqlClient, type SqlConnection, SqlError, Statement } from "effect/sql"
import type { OpenPeer, PeerEvent } from "./Peer.ts"

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export const effectEventLog: OpenPeer = async (path) => {
  const db = new Database(path)
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
  const client = Layer.effect(
    SqlClient.SqlClient,
    SqlClient.make({
      driver: "better-sqlite3",
      acquirer: Effect.succeed(connection(db)),
      borrower: (f) => f(connection(db)),
      compiler: Statement.makeCompilerSqlite(),
      spanAttributes: [],
      prepareTransactionControls: true
    })
  )
  const layer = SqlEventJournal.layer().pipe(Layer.provide(client), Layer.provide(Reactivity.layer))
  const runtime = ManagedRuntime.make(layer)
  const journal = await runtime.runPromise(EventJournal.EventJournal)
  return {
    append: (stream, events) => {
      const entries = events.map(({ type, data }) => ({
        event: type,
        primaryKey: stream,
        payload: encoder.encode(JSON.stringify(data))
      }))
      return runtime.runPromise(
        journal.writeMany({ entries: entries as [(typeof entries)[0]], effect: () => Effect.void })
      )
    },
    read: async () => {
      const entries = await runtime.runPromise(journal.entries)
      let characters = 0
      for (const { payload } of entries)
        characters += (JSON.parse(decoder.decode(payload)) as PeerEvent["data"]).text.length
      return { events: entries.length, characters }
    },
    close: async () => {
      await runtime.dispose()
      db.close()
    }
  }
}

const connection = (db: Database.Database): SqlConnection.Connection => {
  const statements = new Map<string, Database.Statement>()
  const execute = (sql: string, parameters: ReadonlyArray<unknown>, values = false) =>
    Effect.try({
      try: (): ReadonlyArray<any> => {
        let statement = statements.get(sql)
        if (statement === undefined) statements.set(sql, (statement = db.prepare(sql)))
        if (statement.reader) return statement.raw(values).all(...parameters)
        statement.run(...parameters)
        return []
      },
      catch: (cause) => new SqlError.SqlError({ reason: new SqlError.UnknownError({ cause }) })
    })
  return {
    execute: (sql, parameters) => execute(sql, parameters),
    executeRaw: (sql, parameters) => execute(sql, parameters),
    executeUnprepared: (sql, parameters) => execute(sql, parameters),
    executeValues: (sql, parameters) => execute(sql, parameters, true),
    executeValuesUnprepared: (sql, parameters) => execute(sql, parameters, true),
    executeStream: () => Stream.die("not asked for")
  }
}
