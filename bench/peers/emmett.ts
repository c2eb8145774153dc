/**
 * Emmett's store over SQLite. It opens a connection an operation unless it is given one; it is given one, which is twice
 * as fast. WAL by its own choice, and sqlite3's default durability, FULL: an fsync a commit.
 */
import { peerModule, type OpenPeer, type PeerEvent } from "./Peer.ts"

interface Connection {
  readonly command: (sql: string) => Promise<unknown>
  readonly close: () => void
}

interface Emmett {
  readonly sqliteConnection: (options: { readonly fileName: string }) => Connection
  readonly getSQLiteEventStore: (options: {
    readonly fileName: string
    readonly connectionOptions: { readonly connection: Connection; readonly singleton: true }
  }) => {
    readonly appendToStream: (stream: string, events: ReadonlyArray<PeerEvent>) => Promise<unknown>
    readonly readStream: (stream: string) => Promise<{ readonly events: ReadonlyArray<PeerEvent> }>
  }
}

export const emmett: OpenPeer = async (fileName) => {
  const { getSQLiteEventStore, sqliteConnection } = await peerModule<Emmett>("@event-driven-io/emmett-sqlite")
  const connection = sqliteConnection({ fileName })
  // It asks for WAL itself, but doesn't wait for it, and loses it where a transaction comes first: 3 fsyncs a commit.
  await connection.command("PRAGMA journal_mode = WAL")
  const store = getSQLiteEventStore({ fileName, connectionOptions: { connection, singleton: true } })
  return {
    append: (stream, events) => store.appendToStream(stream, events),
    read: async (stream) => {
      const { events } = await store.readStream(stream)
      let characters = 0
      for (const { data } of events) characters += data.text.length
      return { events: events.length, characters }
    },
    close: async () => connection.close()
  }
}
