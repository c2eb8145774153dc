/**
 * A storage in memory: for tests, for development, and to be copied by whoever writes another. It shows all that a
 * storage does: keep events under their stream, ask `admit` before writing, answer ranges, keep snapshots, forget.
 *
 * It keeps nothing beyond the process and says so: `supports.durability` is `none`, and so are its receipts.
 */
import { Clock, Effect, Layer } from "effect"
import { admit, advance } from "./Admission.ts"
import { type Epoch, makeEpoch } from "./Cursor.ts"
import {
  type Appended,
  type Group,
  type Head,
  LogStorage,
  type Outcome,
  type StorageService,
  type StoredEvent,
  type StoredSnapshot
} from "./LogStorage.ts"
import { compareNames } from "./Name.ts"
import { scan, selector } from "./Scan.ts"

/** All that is kept of a stream. */
interface Kept {
  readonly head: Head
  readonly epochs: ReadonlyArray<Epoch>
  /** `events[seq - 1]`. */
  readonly events: Array<StoredEvent>
  readonly seqs: Map<string, number>
  readonly snapshots: Map<string, StoredSnapshot>
}

/** A new, empty store. Two of them share nothing. */
export const make = (): StorageService => {
  const streams = new Map<string, Kept>()
  /** Of projections over all streams: they stand under the empty name. */
  const overAll: Kept["snapshots"] = new Map()
  const snapshotsOf = (stream: string) => (stream === "" ? overAll : streams.get(stream)?.snapshots)
  let appends = 0
  let queries = 0
  let eventsRead = 0

  /** Everything here happens between two turns of the event loop: that is this storage's lock. */
  const store = (group: Group, now: number): Outcome => {
    const kept = streams.get(group.stream)
    const admitted = admit(group, {
      head: kept?.head,
      known: (id) => {
        const seq = kept?.seqs.get(id)
        return seq === undefined ? undefined : kept!.events[seq - 1]
      }
    })
    if (admitted._tag !== "Admitted") return admitted

    const { fresh, seqs, duplicates } = admitted
    const appended = (head: Head | undefined): Appended => ({
      _tag: "Appended",
      seqs,
      duplicates,
      kept: admitted.kept,
      head,
      durability: "none"
    })
    if (fresh.length === 0 && admitted.attributes === undefined) return appended(kept?.head)

    const { epochs, events, seqs: known, snapshots } = kept ?? create()
    const epoch = epochs.at(-1)!.epoch
    const head = advance(group.stream, kept?.head, admitted, { epoch, writtenAt: now, synced: false })
    for (const { id, type, version, at, data, meta, seals } of fresh) {
      const seq = events.length + 1
      events.push({
        stream: group.stream,
        seq,
        epoch,
        id,
        type,
        version,
        at,
        data,
        meta,
        seals,
        writtenAt: now
      })
      known.set(id, seq)
    }
    streams.set(group.stream, { head, epochs, events, seqs: known, snapshots })
    return appended(head)
  }

  const append = (groups: ReadonlyArray<Group>, now: number): ReadonlyArray<Outcome> => {
    appends++
    return groups.map((group) => store(group, now))
  }

  const heads: StorageService["heads"] = (selection) =>
    Effect.sync(() => {
      const chosen = selector(selection)
      return Array.from(streams.values(), (kept) => kept.head)
        .filter((head) => chosen(head.stream))
        .sort((a, b) => compareNames(a.stream, b.stream))
    })

  return {
    supports: {
      durability: "none",
      sharedWriters: false,
      totalOrder: false,
      reverse: true,
      checksums: false,
      counters: true,
      atomicAcrossStreams: false,
      hints: false
    },
    limits: { groupEvents: Infinity, groupBytes: Infinity },

    append: (groups) => Effect.map(Clock.currentTimeMillis, (now) => append(groups, now)),
    appendSync: (groups) => append(groups, Date.now()),

    query: (query) => {
      queries++
      return scan(query, {
        heads,
        epochs: (stream) => Effect.sync(() => streams.get(stream)?.epochs ?? []),
        read: (stream, from, to) =>
          Effect.sync(() => {
            const range = streams.get(stream)?.events.slice(from - 1, to) ?? []
            eventsRead += range.length
            return range
          })
      })
    },

    heads,

    snapshots: {
      load: (projection, names) =>
        Effect.sync(() => names.flatMap((stream) => snapshotsOf(stream)?.get(projection) ?? [])),
      save: (snapshots) =>
        Effect.sync(() => {
          for (const snapshot of snapshots) snapshotsOf(snapshot.stream)?.set(snapshot.projection, snapshot)
        }),
      drop: (projection) =>
        Effect.sync(() => {
          for (const snapshots of [overAll, ...Array.from(streams.values(), (kept) => kept.snapshots)]) {
            if (projection === undefined) snapshots.clear()
            else snapshots.delete(projection)
          }
        })
    },

    remove: (stream) => Effect.sync(() => streams.delete(stream)),
    sync: Effect.void,
    release: () => Effect.void,
    counters: () => ({ appends, syncs: 0, queries, eventsRead, bytesRead: 0 })
  }
}

const create = (): Omit<Kept, "head"> => ({
  epochs: [{ epoch: makeEpoch(), first: 1 }],
  events: [],
  seqs: new Map(),
  snapshots: new Map()
})

/** Provides a store of its own: `Effect.provide(MemoryStorage.layer)`. */
export const layer: Layer.Layer<LogStorage> = Layer.sync(LogStorage, make)
