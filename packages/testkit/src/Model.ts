/**
 * The seam as plainly as it can be said: one array of events, filter and sort. Written from ARCHITECTURE.md by hand
 * and without core's `admit`, `scan` or `sameJson`, because what a test expects must not come from the code under
 * test. Everything here is O(log) or worse.
 */
import {
  type Batch,
  type Cursor,
  type EncodedEvent,
  type EventContent,
  type Group,
  type Head,
  makeEpoch,
  type Outcome,
  type Query,
  type Resync,
  type Selection,
  type StoredEvent,
  type StoredSnapshot
} from "@varve/core"

interface ModelStream {
  readonly epoch: string
  attributes: Record<string, string>
  synced: number
  writtenAt: number
}

export class Model {
  /** All events of all streams, in the order in which they were taken. */
  events: Array<StoredEvent> = []
  snapshots: Array<StoredSnapshot> = []
  readonly streams = new Map<string, ModelStream>()

  of(stream: string): ReadonlyArray<StoredEvent> {
    return this.events.filter((event) => event.stream === stream)
  }

  head(name: string): Head | undefined {
    const stream = this.streams.get(name)
    if (stream === undefined) return undefined
    const all = this.of(name)
    const times = all.map((event) => event.at).sort((a, b) => a - b)
    return {
      stream: name,
      cursor: { epoch: stream.epoch, seq: all.length },
      synced: stream.synced,
      sealed: all.some((event) => event.seals),
      minAt: times[0]!,
      maxAt: times.at(-1)!,
      writtenAt: stream.writtenAt,
      attributes: stream.attributes
    }
  }

  append(group: Group, now: number): Outcome {
    const before = this.head(group.stream)
    const place = (before?.cursor.seq ?? 0) + 1
    const stored = this.of(group.stream)
    const sameContent = group.sameContent ?? sameMeaning
    const fresh: Array<EncodedEvent> = []
    const seqs: Array<number> = []
    const duplicates: Array<number> = []
    const kept: Array<number> = []
    for (const [i, event] of group.events.entries()) {
      // The first with this id: stored before, or new and earlier in this group.
      const earlier = stored.find((other) => other.id === event.id)
      const twin = fresh.findIndex((other) => other.id === event.id)
      const original: EventContent | undefined = earlier ?? fresh[twin]
      const seq = earlier?.seq ?? place + twin
      if (original === undefined) {
        seqs.push(place + fresh.length)
        fresh.push(event)
      } else {
        const same = sameContent(original, event)
        if (!same && group.onIdConflict !== "keep") return { _tag: "IdConflict", id: event.id, seq }
        seqs.push(seq)
        if (same) duplicates.push(i)
        else kept.push(i)
      }
    }

    const labels = group.events.length === 0 && group.attributes !== undefined
    const sealing = fresh.findIndex((event) => event.seals)
    if (fresh.length > 0 && before?.sealed) return { _tag: "Sealed", seq: before.cursor.seq }
    if (sealing >= 0 && sealing < fresh.length - 1) return { _tag: "Sealed", seq: place + sealing }
    if (labels && before === undefined) return { _tag: "Conflict", expected: "exists", actual: undefined }
    if ((labels || fresh.length > 0) && !fits(group.expected, before?.cursor)) {
      return { _tag: "Conflict", expected: group.expected, actual: before?.cursor }
    }

    const sets = (labels || fresh.length > 0) && group.attributes !== undefined
    if (fresh.length > 0 || sets) {
      const stream = this.streams.get(group.stream) ?? {
        epoch: makeEpoch(),
        attributes: {},
        synced: 0,
        writtenAt: now
      }
      this.streams.set(group.stream, stream)
      for (const [i, event] of fresh.entries()) {
        this.events.push({
          ...event,
          stream: group.stream,
          seq: place + i,
          epoch: stream.epoch,
          writtenAt: now
        })
      }
      if (sets) stream.attributes = { ...stream.attributes, ...group.attributes }
      stream.writtenAt = now
    }
    const stream = this.streams.get(group.stream)
    if (stream !== undefined && group.durability === "synced") stream.synced = this.of(group.stream).length
    return {
      _tag: "Appended",
      seqs,
      duplicates,
      kept,
      head: this.head(group.stream),
      durability: group.durability
    }
  }

  heads(selection: Selection): ReadonlyArray<Head> {
    return [...this.streams.keys()]
      .filter(selected(selection))
      .sort(byCodePoint)
      .map((stream) => this.head(stream)!)
  }

  /** The answer in its plainest form: a batch for each stream, in total order one for each event. */
  query(query: Query): ReadonlyArray<Batch> {
    const { streams, after, attributes, direction, limit = Infinity } = query
    const mentioned = [...new Set([...(streams ?? []), ...(after?.keys() ?? [])])].filter(selected(query))
    const chosen = [...new Set([...this.streams.keys(), ...mentioned])]
      .filter(selected(query))
      .filter((stream) =>
        Object.entries(attributes ?? {}).every(
          ([key, value]) => own(this.streams.get(stream)?.attributes, key) === value
        )
      )
      .sort(byCodePoint)
    const resyncs = new Map<string, Resync>()
    for (const stream of chosen) {
      const resync = after?.has(stream) ? this.resync(stream, after.get(stream)) : undefined
      if (resync !== undefined) resyncs.set(stream, resync)
    }

    const found = (
      query.order === "total" ? this.events : chosen.flatMap((stream) => this.of(stream))
    ).filter(
      (event) =>
        chosen.includes(event.stream) &&
        !resyncs.has(event.stream) &&
        event.seq > (after?.get(event.stream)?.seq ?? 0) &&
        event.seq >= (query.fromSeq ?? 1) &&
        event.seq <= (query.toSeq ?? Infinity) &&
        (query.types === undefined || query.types.includes(event.type)) &&
        (query.since === undefined || event.at >= query.since) &&
        (query.until === undefined || event.at < query.until)
    )
    const answer = (direction === "backward" ? found.toReversed() : found).slice(0, limit)
    const cut = answer.length >= limit
    const empty = (stream: string): Batch => ({
      stream,
      events: [],
      last: resyncs.has(stream) ? undefined : cut ? after?.get(stream) : this.#examined(stream, query),
      head: this.head(stream)?.cursor,
      resync: resyncs.get(stream)
    })
    const batchOf = (stream: string, events: ReadonlyArray<StoredEvent>): Batch => {
      const last = events.at(-1)
      return {
        ...empty(stream),
        events,
        ...(last && cut ? { last: { epoch: last.epoch, seq: last.seq } } : {})
      }
    }
    if (query.order === "total") {
      const silent = chosen.filter(
        (stream) => !answer.some((event) => event.stream === stream) && mentioned.includes(stream)
      )
      return [...answer.map((event) => ({ ...empty(event.stream), events: [event] })), ...silent.map(empty)]
    }
    const due = new Set(mentioned)
    const batches = chosen
      .map((stream) =>
        batchOf(
          stream,
          answer.filter((event) => event.stream === stream)
        )
      )
      .filter((batch) => batch.events.length > 0 || due.has(batch.stream))
    return direction === "backward" ? batches.reverse() : batches
  }

  /** The last event of a stream that an uncut query looks at, or its cursor when there is none. */
  #examined(stream: string, query: Query): Cursor | undefined {
    const after = query.after?.get(stream)
    const all = this.of(stream).filter(
      ({ seq }) => seq > (after?.seq ?? 0) && seq >= (query.fromSeq ?? 1) && seq <= (query.toSeq ?? Infinity)
    )
    const last = query.direction === "backward" ? all[0] : all.at(-1)
    return last === undefined ? after : { epoch: last.epoch, seq: last.seq }
  }

  resync(name: string, cursor: unknown): Resync | undefined {
    if (typeof cursor !== "object" || cursor === null) return { reason: "malformed", survived: undefined }
    const { epoch, seq } = cursor as Record<string, unknown>
    if (
      typeof epoch !== "string" ||
      typeof seq !== "number" ||
      !Number.isInteger(seq) ||
      seq < 1 ||
      seq > 2 ** 53 - 1
    ) {
      return { reason: "malformed", survived: undefined }
    }
    const stream = this.streams.get(name)
    if (stream === undefined) return { reason: "unknown-stream", survived: undefined }
    if (stream.epoch !== epoch) return { reason: "unknown-epoch", survived: undefined }
    return seq > this.of(name).length ? { reason: "future", survived: this.head(name)?.cursor } : undefined
  }

  save(snapshots: ReadonlyArray<StoredSnapshot>): void {
    for (const one of snapshots) {
      if (one.stream !== "" && !this.streams.has(one.stream)) continue
      this.snapshots = this.snapshots.filter(
        (old) => old.stream !== one.stream || old.projection !== one.projection
      )
      this.snapshots.push(one)
    }
  }

  load(projection: string, streams: ReadonlyArray<string>): ReadonlyArray<StoredSnapshot> {
    return this.snapshots.filter((one) => one.projection === projection && streams.includes(one.stream))
  }

  drop(projection?: string): void {
    this.snapshots = this.snapshots.filter((one) => projection !== undefined && one.projection !== projection)
  }

  remove(stream: string): boolean {
    this.events = this.events.filter((event) => event.stream !== stream)
    this.snapshots = this.snapshots.filter((one) => one.stream !== stream)
    return this.streams.delete(stream)
  }

  sync(): void {
    for (const [name, stream] of this.streams) stream.synced = this.of(name).length
  }
}

const selected = ({ streams, prefix }: Selection): ((stream: string) => boolean) => {
  const names = new Set(streams)
  return (stream) =>
    (streams === undefined || names.has(stream)) && (prefix === undefined || stream.indexOf(prefix) === 0)
}

const own = (attributes: Readonly<Record<string, string>> | undefined, key: string): string | undefined =>
  Object.entries(attributes ?? {}).find(([name]) => name === key)?.[1]

const fits = (expected: Group["expected"], head: Cursor | undefined): boolean => {
  if (expected === undefined) return true
  if (expected === "exists") return head !== undefined
  if (expected === 0) return head === undefined
  if (typeof expected === "number") return head?.seq === expected
  return head?.seq === expected.seq && head.epoch === expected.epoch
}

/** Names in the order of their code points. */
export const byCodePoint = (a: string, b: string): number => {
  const [x, y] = [a, b].map((name) => Array.from(name, (c) => c.codePointAt(0)!)) as [
    Array<number>,
    Array<number>
  ]
  for (let i = 0; i < x.length && i < y.length; i++) if (x[i] !== y[i]) return x[i]! - y[i]!
  return x.length - y.length
}

/** One type, one version, and JSON of one meaning: numbers by their text, keys in any order. */
const sameMeaning = (a: EventContent, b: EventContent): boolean =>
  a.type === b.type && a.version === b.version && meaning(a.data) === meaning(b.data)

/** A number as it was written. */
class Numeral {
  readonly source: string
  constructor(source: string) {
    this.source = source
  }
}

const meaning = (json: string): string => {
  const parse = JSON.parse as (
    text: string,
    reviver: (key: string, value: unknown, context: Numeral) => unknown
  ) => unknown
  const value = parse(json, (_, inner, context) =>
    typeof inner === "number" ? new Numeral(context.source) : inner
  )
  const print = (inner: unknown): string => {
    if (typeof inner !== "object" || inner === null) return JSON.stringify(inner)
    if (inner instanceof Numeral) return inner.source
    if (Array.isArray(inner)) return `[${inner.map(print).join()}]`
    const entries = Object.entries(inner).map(([key, v]) => `${JSON.stringify(key)}:${print(v)}`)
    return `{${entries.sort().join()}}`
  }
  return print(value)
}
