/**
 * What is known of one file from the pipes of its workers, and what must therefore be in it. Pure: `check` compares
 * with what was read and answers what is wrong.
 */
import { authorOf, kindOf, textOf } from "./events.ts"
import type { Line } from "./protocol.ts"

/** What the ledger needs of a stored event. */
export interface Found {
  readonly id: string
  readonly seq: number
  readonly epoch: string
  readonly type: string
  readonly text: string
}

export interface FoundStream {
  readonly events: ReadonlyArray<Found>
  readonly label: number
}

export interface Finding {
  readonly law: "lost" | "doubled" | "order" | "group" | "number" | "content" | "label" | "failed"
  readonly stream: string
  readonly told: string
}

/** A place that a follower may hold: an event's epoch and seq. */
export interface Held {
  readonly epoch: string
  readonly seq: number
  readonly id: string
}

class StreamLedger {
  /** The ids by seq at the last check, and how many of them a power cut must leave. */
  stored: ReadonlyArray<string> = []
  durable = 0
  /** By author, what was handed over since the last check, in order, and not stored then. */
  readonly handed = new Map<string, Set<string>>()
  /** Of the groups since the last check what was new in them. */
  appended: Array<ReadonlyArray<string>> = []
  /** First and last seq of groups that a power cut may take back. */
  spans: Array<readonly [first: number, last: number]> = []
  /** What was acknowledged since the last check: seq by id; 0 where only that it is stored is known. */
  readonly claims = new Map<string, number>()
  synced = 0
  /** Which event each cursor ever told or read stands for; for all time (law C3). */
  readonly cursors = new Map<string, Held>()
  label = { asked: 0, told: 0 }
}

export class Ledger {
  /** Events acknowledged, over all lives. */
  acknowledged = 0
  /** Those of them that a power cut took, as it may: they weren't synced. */
  gone = 0
  private readonly streams = new Map<string, StreamLedger>()
  private findings: Array<Finding> = []

  private of(stream: string): StreamLedger {
    let known = this.streams.get(stream)
    if (known === undefined) this.streams.set(stream, (known = new StreamLedger()))
    return known
  }

  /** Takes a line of the worker `author`. */
  hear(author: string, line: Line): void {
    switch (line[0]) {
      case "ask":
        return this.ask(author, this.of(line[1]), line[2], line[3])
      case "ack":
        return this.claim(line[1], line[2], line[3])
      case "told": {
        const [, stream, seqs, synced, epoch] = line
        this.claim(stream, seqs, synced)
        this.of(stream).spans.push([seqs[0]![1], seqs.at(-1)![1]])
        for (const [id, seq] of seqs) this.hold(stream, { epoch, seq, id })
        return
      }
      case "flushed":
        for (const { handed, claims } of this.streams.values()) {
          for (const id of handed.get(author) ?? []) if (!claims.has(id)) claims.set(id, 0)
        }
        return
      case "label":
        this.of(line[1]).label.asked = line[2]
        return
      case "labelled":
        this.of(line[1]).label.told = line[2]
        return
      case "failed":
        this.findings.push({ law: "failed", stream: line[1], told: line[2] })
        return
      case "at":
    }
  }

  private ask(author: string, known: StreamLedger, ids: ReadonlyArray<string>, group: boolean): void {
    let handed = known.handed.get(author)
    if (handed === undefined) known.handed.set(author, (handed = new Set()))
    const before = new Set(known.stored)
    const fresh = ids.filter((id) => !before.has(id) && !handed.has(id))
    for (const id of fresh) handed.add(id)
    if (group && fresh.length > 0) known.appended.push(fresh)
  }

  private claim(stream: string, seqs: ReadonlyArray<readonly [string, number]>, synced: number): void {
    const known = this.of(stream)
    for (const [id, seq] of seqs) {
      if (!known.claims.has(id)) this.acknowledged++
      const earlier = known.claims.get(id) ?? 0
      if (earlier !== 0 && seq !== 0 && earlier !== seq) {
        this.findings.push({ law: "number", stream, told: `${id} acknowledged at ${earlier} and at ${seq}` })
      }
      known.claims.set(id, Math.max(earlier, seq))
    }
    known.synced = Math.max(known.synced, synced)
  }

  private hold(stream: string, held: Held): void {
    const { cursors } = this.of(stream)
    const key = `${held.epoch} ${held.seq}`
    const other = cursors.get(key)
    if (other !== undefined && other.id !== held.id) {
      this.findings.push({ law: "number", stream, told: `${key} was ${other.id} and is ${held.id}` })
    }
    cursors.set(key, held)
  }

  /** Compares with what is stored now, and goes on from that. `cut`: the power went since the last check. */
  check(found: ReadonlyMap<string, FoundStream>, cut = false): ReadonlyArray<Finding> {
    for (const [stream, { events, label }] of found)
      this.checkStream(stream, this.of(stream), events, label, cut)
    for (const [stream, known] of this.streams) {
      if (!found.has(stream)) this.checkStream(stream, known, [], 0, cut)
    }
    const findings = this.findings
    this.findings = []
    return findings
  }

  private checkStream(
    stream: string,
    known: StreamLedger,
    events: ReadonlyArray<Found>,
    label: number,
    cut: boolean
  ): void {
    const wrong = (law: Finding["law"], told: string) => void this.findings.push({ law, stream, told })
    const seqOf = new Map<string, number>()
    events.forEach(({ id, seq, epoch, text, type }, i) => {
      if (seq !== i + 1) wrong("order", `event ${i + 1} has seq ${seq}`)
      if (seqOf.has(id)) wrong("doubled", `${id} at ${seqOf.get(id)} and ${seq}`)
      if (text !== textOf(id) || type !== kindOf(id)) wrong("content", `${id} at ${seq}`)
      seqOf.set(id, seq)
      this.hold(stream, { epoch, seq, id })
    })
    const ids = events.map(({ id }) => id)

    // What must be there: after a kill everything that was stored or acknowledged, after a cut what was synced.
    const durable = Math.max(known.durable, known.synced)
    const must = (seq: number) => !cut || (seq > 0 && seq <= durable)
    if (ids.length < durable) wrong("lost", `ends at ${ids.length}, synced up to ${durable}`)
    known.stored.forEach((id, i) => {
      if (i < ids.length && ids[i] !== id) wrong("order", `seq ${i + 1} was ${id} and is ${ids[i]}`)
      else if (i >= ids.length && must(i + 1)) wrong("lost", `${id}, stored at ${i + 1}`)
    })
    for (const [id, seq] of known.claims) {
      const at = seqOf.get(id)
      if (at === undefined && !must(seq)) this.gone++
      if (at === undefined && must(seq)) wrong("lost", `${id}, acknowledged at ${seq}`)
      else if (at === undefined && seq !== 0 && seq <= ids.length)
        wrong("number", `${ids[seq - 1]} at ${seq} of ${id}`)
      else if (at !== undefined && seq !== 0 && at !== seq)
        wrong("number", `${id} at ${at}, acknowledged at ${seq}`)
    }

    // What came since is, of each author, the beginning of what it handed over.
    const next = new Map([...known.handed].map(([author, handed]) => [author, handed.values()]))
    for (const id of ids.slice(known.stored.length)) {
      const expected = next.get(authorOf(id))?.next().value
      if (expected !== id) wrong("order", `${id} stands where ${expected} was handed over`)
    }

    // Groups are whole or absent, and nothing stands between their events.
    for (const group of known.appended) {
      const there = group.filter((id) => seqOf.has(id))
      const [first, last] = [seqOf.get(there[0] ?? ""), seqOf.get(there.at(-1) ?? "")]
      if (first === undefined || last === undefined) continue
      if (there.length < group.length)
        wrong("group", `${there.length} of ${group.length} events from ${first} on`)
      else if (last - first + 1 !== group.length) wrong("group", `${first} to ${last} holds ${group.length}`)
      known.spans.push([first, last])
    }
    for (const [first, last] of known.spans) {
      if (first <= ids.length && ids.length < last) wrong("group", `${first} to ${last} cut at ${ids.length}`)
    }

    if (label > known.label.asked || (!cut && label < known.label.told)) {
      wrong("label", `is ${label}, was asked up to ${known.label.asked} and told up to ${known.label.told}`)
    }
    known.label.told = label

    // After a cut all that was read came from the disk, so that no later cut may take it.
    known.durable = cut ? ids.length : durable
    known.spans = known.spans.filter(([, last]) => last > known.durable && last <= ids.length)
    known.stored = ids
    known.synced = 0
    known.handed.clear()
    known.claims.clear()
    known.appended = []
  }

  /** Ids that `author` may hand over again: some that are stored, and what else it handed over and is not there. */
  storedOf(stream: string, author: string): ReadonlyArray<string> {
    return this.of(stream).stored.filter((id) => authorOf(id) === author)
  }

  /** What `author` handed over since the last check; ask before checking. */
  handedOf(stream: string, author: string): ReadonlyArray<string> {
    return [...(this.of(stream).handed.get(author) ?? [])]
  }

  /** Cursors of events that are there, and of such as were lost, by stream. */
  held(
    found: ReadonlyMap<string, FoundStream>
  ): ReadonlyMap<string, { there: Array<Held>; lost: Array<Held> }> {
    const answer = new Map<string, { there: Array<Held>; lost: Array<Held> }>()
    for (const [stream, { cursors }] of this.streams) {
      const events = found.get(stream)?.events ?? []
      const held = { there: [] as Array<Held>, lost: [] as Array<Held> }
      for (const cursor of cursors.values()) {
        const survived = events[cursor.seq - 1]?.epoch === cursor.epoch
        ;(survived ? held.there : held.lost).push(cursor)
      }
      answer.set(stream, held)
    }
    return answer
  }
}
