/**
 * What a store was asked and what it answered, and so what must be in it after a crash. Knows nothing of files. `check`
 * compares with what was read and answers what is wrong, law by law.
 */
import type { EncodedEvent, Group, Head, Outcome, StoredEvent } from "@varve/core"

/** A stream as it was read. */
export interface Found {
  readonly head: Head | undefined
  readonly events: ReadonlyArray<StoredEvent>
}

export type FoundStreams = ReadonlyMap<string, Found>

interface Entry {
  readonly id: string
  readonly epoch: string
}

/** What is known of one stream. */
class Known {
  /** Raised by every change: what was found right once is right until then. */
  version = 0
  /** What was acknowledged, in order: `entries[seq - 1]`. */
  entries: Array<Entry> = []
  /** Where groups end. */
  ends = new Set<number>([0])
  /** Up to here a power cut takes nothing. */
  synced = 0
  /** The new ids of a group that is under way, or of which it is unknown what became. */
  flight: ReadonlyArray<string> = []
  /** Those of them that were told to be unknown. */
  unknown: ReadonlyArray<string> = []
  /** Whether a removal is under way. */
  leaving = false
  /** Every epoch that was told. */
  readonly epochs = new Set<string>()
  /** Whether the next new event begins an epoch: the writer is another than that of the last. */
  begins = false
  /** Whether this opening wrote it. */
  isOurs = false
  readonly label = { asked: 0, told: 0, synced: 0 }
  /** What the events that a crash took stood for, by cursor. */
  readonly taken: Array<{ readonly epoch: string; readonly seq: number }> = []
}

export class Ledger {
  private readonly streams = new Map<string, Known>()

  private of(stream: string): Known {
    let known = this.streams.get(stream)
    if (known === undefined) this.streams.set(stream, (known = new Known()))
    return known
  }

  names(): ReadonlyArray<string> {
    return [...this.streams.keys()]
  }

  /** Ids that are stored for certain. */
  stored(stream: string): ReadonlyArray<string> {
    return this.of(stream).entries.map(({ id }) => id)
  }

  /** Ids of which it is unknown whether they are stored. */
  unsettled(stream: string): ReadonlyArray<string> {
    return this.of(stream).flight
  }

  /** Whether a removal was asked for and not acknowledged. */
  isLeaving(stream: string): boolean {
    return this.of(stream).leaving
  }

  /** Changes with what may be found of a stream. */
  version(stream: string): number {
    return this.of(stream).version
  }

  /** A cursor of an event that a crash took, if there is one. */
  takenFrom(stream: string): { readonly epoch: string; readonly seq: number } | undefined {
    return this.of(stream).taken.at(-1)
  }

  /** A writer opens the store: its first new event in each stream begins an epoch. */
  opened(): void {
    for (const known of this.streams.values()) {
      known.begins = true
      known.isOurs = false
    }
  }

  ask({ attributes, events, stream }: Group): void {
    const known = this.of(stream)
    known.version++
    const stored = new Set(known.entries.map(({ id }) => id))
    const fresh = new Set(events.map(({ id }) => id).filter((id) => !stored.has(id)))
    if (fresh.size > 0) known.flight = [...fresh]
    if (attributes !== undefined) known.label.asked = labelOf(attributes)
  }

  /** Takes an answer; answers what is wrong with it. */
  answer({ attributes, durability: asked, events, stream }: Group, outcome: Outcome): ReadonlyArray<string> {
    const known = this.of(stream)
    known.version++
    if (outcome._tag === "Failed") {
      if (outcome.reached === "unknown") known.unknown = known.flight
      else known.flight = known.unknown
      return []
    }
    if (outcome._tag !== "Appended") return [`A14 ${stream}: the answer is ${outcome._tag}`]
    const wrong: Array<string> = []
    const { durability, head, seqs } = outcome
    if (head === undefined) return events.length === 0 ? [] : [`A1 ${stream}: appended, and no head told`]
    const before = known.entries.length
    events.forEach(({ id }, i) => {
      const seq = seqs[i]!
      if (seq <= known.entries.length) {
        if (known.entries[seq - 1]!.id !== id) wrong.push(`D1 ${stream}: ${id} acknowledged at ${seq}`)
        return
      }
      if (seq !== known.entries.length + 1)
        wrong.push(`A3 ${stream}: ${id} acknowledged at ${seq}, behind ${known.entries.length}`)
      known.entries.push({ id, epoch: head.cursor.epoch })
    })
    known.flight = known.unknown = []
    known.isOurs = true
    if (known.entries.length > before) {
      known.ends.add(known.entries.length)
      const { epoch } = head.cursor
      if (known.begins && known.epochs.has(epoch))
        wrong.push(`C3 ${stream}: seq ${before + 1} goes on under the epoch of another writer`)
      known.epochs.add(epoch)
      known.begins = false
    }
    if (head.cursor.seq !== known.entries.length)
      wrong.push(`A12 ${stream}: the head is told at ${head.cursor.seq} of ${known.entries.length}`)
    if (attributes !== undefined) known.label.told = known.label.asked
    if (asked === "synced" && durability !== "synced")
      wrong.push(`D1 ${stream}: acknowledged as ${durability}, and asked to be synced`)
    if (durability === "synced") secured(known)
    else known.synced = Math.max(known.synced, head.synced)
    return wrong
  }

  /** A sync was acknowledged: it covers all that this opening wrote. */
  syncedAll(): void {
    for (const known of this.streams.values()) if (known.isOurs) secured(known)
  }

  askRemoval(stream: string): void {
    const known = this.of(stream)
    known.leaving = true
    known.version++
  }

  removed(stream: string): void {
    const known = new Known()
    const before = this.of(stream)
    known.version = before.version + 1
    for (const epoch of before.epochs) known.epochs.add(epoch)
    known.begins = true
    this.streams.set(stream, known)
  }

  /** What is wrong with what a crash of this kind left of these streams. */
  check(found: FoundStreams, kind: "kill" | "power", streams: Iterable<string>): ReadonlyArray<string> {
    const wrong: Array<string> = []
    for (const stream of streams) {
      const known = this.of(stream)
      const there = found.get(stream)
      if (known.leaving && there === undefined) continue
      checkStream(stream, known, there ?? nothing, kind, wrong)
    }
    return wrong
  }

  /** What is known once a crash left this: the same of whatever crashes next. */
  after(found: FoundStreams, kind: "kill" | "power"): Ledger {
    const next = new Ledger()
    for (const [stream, known] of this.streams) {
      const isGone = known.leaving && !found.has(stream)
      if (isGone && kind === "kill") {
        // Gone, but not for good yet: a power cut may bring it back as it was.
        next.streams.set(stream, Object.assign(new Known(), known))
        continue
      }
      const { events, head } = found.get(stream) ?? nothing
      const left = next.of(stream)
      left.entries = events.map(({ epoch, id }) => ({ id, epoch }))
      left.ends = new Set([...known.ends, events.length])
      // What was read after a power cut came from the disk. What a head says is synced has to be.
      left.synced =
        kind === "power" ? events.length : Math.min(Math.max(known.synced, head?.synced ?? 0), events.length)
      left.begins = true
      for (const epoch of known.epochs) left.epochs.add(epoch)
      for (const { epoch } of events) left.epochs.add(epoch)
      const label = labelOf(head?.attributes ?? {})
      left.label.asked = isGone ? 0 : Math.max(label, known.label.asked)
      left.label.told = label
      left.label.synced = kind === "power" ? label : Math.min(label, known.label.synced)
      known.entries.forEach(({ epoch }, i) => {
        if (i >= events.length) left.taken.push({ epoch, seq: i + 1 })
      })
    }
    return next
  }
}

/** A sync covers all that was acknowledged in its stream before (law A6). */
const secured = (known: Known): void => {
  known.synced = known.entries.length
  known.label.synced = known.label.told
  known.version++
}

const nothing: Found = { head: undefined, events: [] }

const checkStream = (
  stream: string,
  known: Known,
  { events, head }: Found,
  kind: "kill" | "power",
  wrong: Array<string>
): void => {
  const { ends, entries, flight, label, synced } = known
  const count = events.length
  events.forEach(({ at, data, epoch, id, meta, seq, type }, i) => {
    if (seq !== i + 1) wrong.push(`A3 ${stream}: event ${i + 1} has seq ${seq}`)
    const should = eventOf(id)
    if (data !== should.data || type !== should.type || at !== should.at || meta !== should.meta)
      wrong.push(`R1 ${stream}: seq ${seq} is not what was appended as ${id}`)
    const entry = entries[i]
    if (entry === undefined) {
      if (flight[i - entries.length] !== id) wrong.push(`A3 ${stream}: ${id} stands at ${seq}, unasked`)
    } else if (entry.id !== id) wrong.push(`A3 ${stream}: seq ${seq} was ${entry.id} and is ${id}`)
    else if (entry.epoch !== epoch) wrong.push(`C3 ${stream}: seq ${seq} changed its epoch`)
  })
  const least = kind === "kill" ? entries.length : Math.min(synced, entries.length)
  if (count < least) wrong.push(`A1 ${stream}: ends at ${count}, ${least} were acknowledged for good`)
  if (count <= entries.length ? !ends.has(count) : count !== entries.length + flight.length)
    wrong.push(`A2 ${stream}: ends at ${count}, in the midst of a group`)
  if (head === undefined) {
    if (count > 0) wrong.push(`Q7 ${stream}: has events and no head`)
    return
  }
  if (head.cursor.seq !== count) wrong.push(`Q7 ${stream}: its head is at ${head.cursor.seq} of ${count}`)
  if (count > 0 && head.cursor.epoch !== events[count - 1]!.epoch)
    wrong.push(`C3 ${stream}: its head is of another epoch than its last event`)
  if (head.synced > count) wrong.push(`A1 ${stream}: its head says synced up to ${head.synced} of ${count}`)
  const found = labelOf(head.attributes)
  const leastLabel = kind === "kill" ? label.told : label.synced
  if (found > label.asked || found < leastLabel)
    wrong.push(`A1 ${stream}: its label is ${found}, of ${leastLabel} to ${label.asked}`)
}

const labelOf = (attributes: Readonly<Record<string, string>>): number => Number(attributes["label"] ?? 0)

/**
 * An event follows from its id, so that whoever knows the id knows what must be stored under it. Ids are
 * `number/length of its text`.
 */
export const eventOf = (id: string): EncodedEvent => {
  const known = events.get(id)
  if (known !== undefined) return known
  const made = makeEvent(id)
  if (events.size > 10_000) events.clear()
  events.set(id, made)
  return made
}

const events = new Map<string, EncodedEvent>()

const makeEvent = (id: string): EncodedEvent => {
  const [n, length] = id.split("/").map(Number)
  return {
    id,
    type: n! % 3 === 0 ? "Turn" : "Chunk",
    version: 1,
    at: 1_700_000_000_000 + ((n! * 7919) % 1000),
    data: `{"text":"${`${n} `.repeat(length! / 4).slice(0, length)}"}`,
    meta: n! % 5 === 0 ? '{"agent":"x"}' : undefined,
    seals: false
  }
}
