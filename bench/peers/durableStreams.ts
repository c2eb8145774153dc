/**
 * The file store of the durable-streams server, without its HTTP. It writes a frame and waits for its fdatasync before
 * each answer; a batch is one JSON array, one frame.
 */
import { mkdirSync } from "node:fs"
import { peerModule, type OpenPeer, type PeerEvent } from "./Peer.ts"

interface Server {
  readonly FileBackedStreamStore: new (options: { readonly dataDir: string }) => {
    readonly has: (stream: string) => boolean
    readonly create: (stream: string, options: { readonly contentType: string }) => Promise<unknown>
    readonly append: (stream: string, data: Uint8Array) => Promise<unknown>
    readonly read: (stream: string) => { readonly messages: ReadonlyArray<unknown> }
    readonly formatResponse: (stream: string, messages: ReadonlyArray<unknown>) => Uint8Array
    readonly close: () => Promise<void>
  }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export const durableStreams: OpenPeer = async (path) => {
  const { FileBackedStreamStore } = await peerModule<Server>("@durable-streams/server")
  mkdirSync(path, { recursive: true })
  // It tells of every slow write on the console, which is none of its store's work.
  console.info = () => {}
  const store = new FileBackedStreamStore({ dataDir: path })
  return {
    append: async (stream, events) => {
      if (!store.has(stream)) await store.create(stream, { contentType: "application/json" })
      await store.append(stream, encoder.encode(JSON.stringify(events)))
    },
    read: async (stream) => {
      const answer = store.formatResponse(stream, store.read(stream).messages)
      const events = JSON.parse(decoder.decode(answer)) as ReadonlyArray<PeerEvent>
      let characters = 0
      for (const { data } of events) characters += data.text.length
      return { events: events.length, characters }
    },
    close: () => store.close()
  }
}
