/**
 * A storage over any database of the Level family: LevelDB, memory, a browser's IndexedDB. Written as an author without
 * Effect would: an object with promises, made a layer by `fromPromises`. Keys sort bytewise, which is the order of
 * names, and a NUL stands in no name:
 *
 *     stream NUL name               what is known of the stream
 *     event  NUL name NUL seq       an event
 *     id     NUL name NUL id        its seq
 *     state  NUL name NUL projection   a snapshot
 */
import * as Varve from "@varve/core"
import type { AbstractLevel } from "abstract-level"

type Database = AbstractLevel<any, string, string>

/** What is known of a stream. */
interface Kept {
  readonly head: Varve.Head
  readonly epochs: ReadonlyArray<Varve.Epoch>
}

/** Opens a database and makes it a storage: `layer(() => new ClassicLevel("folder"))`. */
export const layer = (database: () => Database) =>
  Varve.fromPromises(async () => {
    const db = database()
    await db.open()
    return make(db)
  })

const make = (db: Database): Varve.PromiseStorage => {
  /** Writes stand in line: this is the lock under which `admit` decides. */
  let line: Promise<unknown> = Promise.resolve()
  const inLine = <A>(work: () => Promise<A>): Promise<A> => {
    const turn = line.then(work)
    line = turn.catch(() => undefined)
    return turn
  }
  /** Level may lose what it didn't sync, so each opening begins an epoch with its first append. */
  const begun = new Set<string>()

  const get = async <A>(keys: ReadonlyArray<string>): Promise<ReadonlyArray<A>> => {
    const texts = await db.getMany([...keys])
    return texts.flatMap((text) => (text === undefined ? [] : (JSON.parse(text) as A)))
  }
  const range = async <A>(bounds: Bounds): Promise<ReadonlyArray<A>> =>
    (await db.values(bounds).all()).map((text) => JSON.parse(text) as A)
  const keptOf = async (stream: string) => (await get<Kept>([key("stream", stream)]))[0]

  const known = async (stream: string, ids: Iterable<string>) => {
    const seqs = await get<string>(Array.from(ids, (id) => key("id", stream, id)))
    const events = await get<Varve.StoredEvent>(seqs.map((seq) => key("event", stream, seq)))
    return new Map(events.map((event) => [event.id, event]))
  }

  const store = async (group: Varve.Group): Promise<Varve.Outcome> => {
    const { events, stream } = group
    let reached: Varve.Failed["reached"] = "rejected"
    try {
      const kept = await keptOf(stream)
      const stored = await known(stream, new Set(events.map(({ id }) => id)))
      const admitted = Varve.admit(group, { head: kept?.head, known: (id) => stored.get(id) })
      if (admitted._tag !== "Admitted") return admitted
      const { attributes, fresh, ...answer } = admitted
      const outcome = { ...answer, _tag: "Appended", durability: "written" } as const
      if (fresh.length === 0 && attributes === undefined) return { ...outcome, head: kept?.head }

      const first = (kept?.head.cursor.seq ?? 0) + 1
      const isNew = fresh.length > 0 && !begun.has(stream)
      const epochs = [...(kept?.epochs ?? []), ...(isNew ? [{ epoch: Varve.makeEpoch(), first }] : [])]
      const written = { epoch: epochs.at(-1)!.epoch, writtenAt: Date.now() }
      const head = Varve.advance(stream, kept?.head, admitted, { ...written, synced: false })
      const batch = db.batch().put(key("stream", stream), JSON.stringify({ head, epochs }))
      for (const [i, event] of fresh.entries()) {
        const seq = first + i
        batch.put(key("event", stream, place(seq)), JSON.stringify({ ...event, ...written, stream, seq }))
        batch.put(key("id", stream, event.id), JSON.stringify(place(seq)))
      }
      reached = "unknown"
      await batch.write()
      if (isNew) begun.add(stream)
      return { ...outcome, head }
    } catch (cause) {
      return { _tag: "Failed", reached, cause }
    }
  }

  return {
    supports: {
      // Level syncs the log that it writes to; an earlier one may be lost with the power. So no more is promised.
      durability: "process",
      sharedWriters: false,
      totalOrder: false,
      reverse: true,
      checksums: false,
      counters: false,
      atomicAcrossStreams: false,
      hints: false
    },
    limits: { groupEvents: 10_000, groupBytes: 2 ** 26 },
    append: (groups) => inLine(() => Promise.all(groups.map(store))),
    heads: async (selection) => {
      const { prefix = "", streams } = selection
      const keys = streams && Array.from(new Set(streams), (stream) => key("stream", stream))
      const all = { gte: key("stream", prefix), lt: under("stream").lt }
      const kept = keys === undefined ? await range<Kept>(all) : await get<Kept>(keys)
      const heads = kept.map(({ head }) => head).filter(({ stream }) => Varve.selector(selection)(stream))
      return heads.sort((a, b) => Varve.compareNames(a.stream, b.stream))
    },
    epochs: async (stream) => (await keptOf(stream))?.epochs ?? [],
    read: (stream, from, to) =>
      range({ gte: key("event", stream, place(from)), lte: key("event", stream, place(to)) }),
    snapshots: {
      load: (projection, streams) => get(streams.map((stream) => key("state", stream, projection))),
      save: async (snapshots) => {
        for (const snapshot of snapshots) {
          const { projection, stream } = snapshot
          if (stream !== Varve.allStreams && (await keptOf(stream)) === undefined) continue
          await db.put(key("state", stream, projection), JSON.stringify(snapshot))
        }
      },
      drop: async (projection) => {
        const keys = await db.keys(under("state")).all()
        const dropped = keys.filter(
          (found) => projection === undefined || found.split("\0")[2] === projection
        )
        await db.batch(dropped.map((found) => ({ type: "del", key: found })))
      }
    },
    remove: (stream) =>
      inLine(async () => {
        const existed = (await keptOf(stream)) !== undefined
        const keys = [key("stream", stream)]
        for (const kind of ["event", "id", "state"]) keys.push(...(await db.keys(under(kind, stream)).all()))
        await db.batch(keys.map((found) => ({ type: "del", key: found })))
        begun.delete(stream)
        return existed
      }),
    sync: async () => {},
    close: () => line.then(() => db.close())
  }
}

type Bounds = { readonly gte: string; readonly lt?: string; readonly lte?: string }

const key = (...parts: ReadonlyArray<string>): string => parts.join("\0")
/** All keys that stand under these parts. */
const under = (...parts: ReadonlyArray<string>) => ({ gte: key(...parts, ""), lt: `${key(...parts)}\u0001` })
const place = (seq: number): string => String(seq).padStart(16, "0")
