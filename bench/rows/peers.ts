/** Other event logs, each at the durability that it has: appending in batches of 15, and reading one long stream. */
import { chunks, onlyOnce, type Scratch, scratch, streams } from "../load.ts"
import { checkRead, longStream, readingLong } from "../longStream.ts"
import type { Row, Scale, Side } from "../measure.ts"
import { act } from "../peers/act.ts"
import { durableStreams } from "../peers/durableStreams.ts"
import { effectEventLog } from "../peers/effectEventLog.ts"
import { emmett } from "../peers/emmett.ts"
import type { OpenPeer, Peer, PeerEvent } from "../peers/Peer.ts"
import { ours, warmUp } from "../sides.ts"
import type { StorageName } from "../storages.ts"

const batch = 15
const batches = (scale: Scale): number => Math.ceil((scale === "quick" ? 5_000 : 50_000) / batch)

/** The same data as ours, made anew as ours are. */
const events = (count: number): ReadonlyArray<PeerEvent> =>
  chunks(count).map(({ type, data }) => ({ type, data: data as PeerEvent["data"] }))

const appending = (open: OpenPeer, scale: Scale): Side => {
  let peer: Peer
  let place: Scratch
  return {
    prepare: async () => {
      place = scratch()
      peer = await open(place.path("peer"))
      // As ours: the streams are there, and the write-ahead log has grown.
      for (let i = 0; i < warmUp; i++) await peer.append(streams[i % streams.length]!, events(batch))
    },
    run: async () => {
      for (let i = 0; i < batches(scale); i++) await peer.append(streams[i % streams.length]!, events(batch))
      return batches(scale) * batch
    },
    clean: async () => {
      await peer.close()
      place.remove()
    }
  }
}

const reading = (open: OpenPeer) => {
  const written = onlyOnce(async () => {
    const path = scratch().path("peer")
    const peer = await open(path)
    for (let i = 0; i < longStream; i += 500) await peer.append("s", events(500))
    await peer.close()
    return path
  })
  return async (): Promise<Side> => {
    const peer = await open(await written())
    const run = async () => {
      const { characters, events: count } = await peer.read("s")
      return checkRead(count, characters)
    }
    return { prepare: run, run, end: () => peer.close() }
  }
}

interface Against {
  readonly name: string
  readonly store: string
  readonly open: OpenPeer
  readonly durability: "written" | "synced"
  readonly goals: { readonly append: number; readonly read: number }
}

const names = { sqlite: "SqliteStorage", file: "FileStorage" }

const against = (
  storage: StorageName,
  { durability, goals, name, open, store }: Against
): ReadonlyArray<Row> => [
  {
    id: `peer-${name}`,
    what: `50,000 events in batches of 15 over 100 streams, ${durability}: ${names[storage]} / ${store}`,
    unit: "events/s",
    goal: { atLeast: goals.append },
    ours: (scale) =>
      ours(storage)(async (log) => {
        for (let i = 0; i < batches(scale); i++)
          await log.append(streams[i % streams.length]!, chunks(batch), { durability })
        return batches(scale) * batch
      }),
    theirs: (scale) => appending(open, scale)
  },
  {
    id: `peer-${name}-read`,
    what: `one stream of 30,000 events, parsed (ours decoded and proven too): ${names[storage]} / ${store}`,
    unit: "events/s",
    goal: { atLeast: goals.read },
    ours: readingLong(storage),
    theirs: reading(open)
  }
]

export const peerRows: ReadonlyArray<Row> = [
  ...against("sqlite", {
    name: "emmett",
    store: "emmett-sqlite, FULL",
    open: emmett,
    durability: "synced",
    goals: { append: 4, read: 3 }
  }),
  ...against("sqlite", {
    name: "effect-eventlog",
    store: "SqlEventJournal, NORMAL",
    open: effectEventLog,
    durability: "written",
    goals: { append: 2, read: 3 }
  }),
  ...against("sqlite", {
    name: "act",
    store: "act-sqlite, FULL",
    open: act,
    durability: "synced",
    goals: { append: 4, read: 3 }
  }),
  ...against("file", {
    name: "durable-streams",
    store: "durable-streams' file store, fdatasync",
    open: durableStreams,
    durability: "synced",
    goals: { append: 6, read: 2 }
  })
]
