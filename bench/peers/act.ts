/** Act's store over SQLite, by libSQL. WAL by its own choice, and libSQL's default durability, FULL: an fsync a commit. */
import { peerModule, type OpenPeer, type PeerEvent } from "./Peer.ts"

interface Act {
  readonly SqliteStore: new (options: { readonly url: string }) => {
    readonly seed: () => Promise<void>
    readonly commit: (
      stream: string,
      events: ReadonlyArray<{ readonly name: string; readonly data: PeerEvent["data"] }>,
      meta: { readonly correlation: string; readonly causation: object }
    ) => Promise<unknown>
    readonly query: (
      each: (event: { readonly data: PeerEvent["data"] }) => void,
      query: { readonly stream: string; readonly stream_exact: true }
    ) => Promise<number>
    readonly dispose: () => Promise<void>
  }
}

export const act: OpenPeer = async (path) => {
  const { SqliteStore } = await peerModule<Act>("@rotorsoft/act-sqlite")
  const store = new SqliteStore({ url: `file:${path}` })
  await store.seed()
  return {
    append: (stream, events) =>
      store.commit(
        stream,
        events.map(({ type, data }) => ({ name: type, data })),
        { correlation: "c", causation: {} }
      ),
    read: async (stream) => {
      let characters = 0
      const events = await store.query(({ data }) => void (characters += data.text.length), {
        stream,
        stream_exact: true
      })
      return { events, characters }
    },
    close: () => store.dispose()
  }
}
