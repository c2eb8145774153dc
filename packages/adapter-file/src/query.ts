/**
 * A query in stream order, in one pass of bounded pages: a page examines a part of one log, and no other is open
 * meanwhile (laws Q2, Q3). Logs whose time bounds or types exclude all of their events are not read at all.
 */
import {
  type Batch,
  compareNames,
  type Cursor,
  Damaged,
  defaultBatchEvents,
  epochAt,
  type Query,
  type StorageError,
  type StoredEvent,
  type Target,
  targets,
  Unsupported
} from "@varve/core"
import { Effect, Option, Stream } from "effect"
import { summaries } from "./heads.ts"
import { closeQuietly, openToRead } from "./files.ts"
import { Backward, Forward, type LogEvents } from "./LogEvents.ts"
import { runEffect } from "./runEffect.ts"
import { failed, type Store } from "./Store.ts"
import { isLogOf, type Summary } from "./Summary.ts"

/** UTF-16 units that a page may hold or examine before it is answered: about 5 ms of work. */
const pageLength = 1024 * 1024

/** A step of an answer. With `damage`, the query fails behind these batches. */
interface Page {
  readonly batches: ReadonlyArray<Batch>
  readonly end: boolean
  readonly damage?: Damaged
}

/** A stream of the query, with what is known of its log when it was planned. */
interface Part extends Target {
  readonly summary: Summary | undefined
  /** Where its log ended. */
  readonly end: number
}

export const query = (store: Store, asked: Query): Stream.Stream<Batch, StorageError | Damaged> =>
  Stream.suspend(() => {
    store.counters.queries++
    // Q2: an empty set costs no I/O.
    if (asked.streams?.length === 0) return Stream.empty
    if (asked.order === "total")
      return Stream.fail(failed("query", new Unsupported({ capability: "totalOrder" })))
    return Stream.unwrap(Effect.map(plan(store, asked), (parts) => new Answer(store, asked, parts).pages()))
  })

const plan = Effect.fnUntraced(function* (store: Store, asked: Query) {
  const known = yield* runEffect("query", () => summaries(store, asked))
  const byName = new Map(known.map((summary) => [summary.stream, { summary, end: summary.end }]))
  // A log that is damaged before its first event has no head, but is to be met all the same.
  const broken = known.filter(({ head }) => head === undefined)
  const found = yield* targets(asked, {
    heads: () => Effect.succeed(known.flatMap(({ head }) => head ?? [])),
    epochs: (stream) => Effect.succeed(byName.get(stream)?.summary.epochs ?? [])
  })
  const parts = found.map((target): Part => ({
    ...target,
    summary: byName.get(target.stream)?.summary,
    end: byName.get(target.stream)?.end ?? 0
  }))
  for (const summary of broken) {
    if (!parts.some(({ stream }) => stream === summary.stream)) parts.push(brokenPart(summary))
  }
  if (broken.length > 0) parts.sort((a, b) => compareNames(a.stream, b.stream))
  if (broken.length > 0 && asked.direction === "backward") parts.reverse()
  return parts
})

const brokenPart = (summary: Summary): Part => ({
  stream: summary.stream,
  head: undefined,
  named: true,
  after: undefined,
  resync: undefined,
  from: 1,
  to: 0,
  summary,
  end: 0
})

class Answer {
  private readonly store: Store
  private readonly query: Query
  private readonly parts: ReadonlyArray<Part>
  private readonly backward: boolean
  private readonly reports: boolean
  private readonly types: ReadonlySet<string> | undefined
  private readonly since: number
  private readonly until: number
  private readonly batchEvents: number
  private readonly total: number
  private done = 0
  private left: number
  private index = 0
  /** How many events of the present part were examined. */
  private examined = 0
  /** How far it has come. */
  private reached: Cursor | undefined
  private log: { readonly fd: number; readonly events: LogEvents } | undefined

  constructor(store: Store, query: Query, parts: ReadonlyArray<Part>) {
    this.store = store
    this.query = query
    this.parts = parts
    this.backward = query.direction === "backward"
    this.reports = query.onDamage === "report"
    this.types = query.types === undefined ? undefined : new Set(query.types)
    this.since = query.since ?? -Infinity
    this.until = query.until ?? Infinity
    this.batchEvents = Math.max(1, query.batchEvents ?? defaultBatchEvents)
    this.left = query.limit ?? Infinity
    this.total = this.left === 0 ? 0 : parts.reduce((sum, part) => sum + countOf(part), 0)
  }

  pages(): Stream.Stream<Batch, StorageError | Damaged> {
    const page = Effect.suspend(() => {
      try {
        return Effect.succeed(this.next())
      } catch (cause) {
        return Effect.fail(cause instanceof Damaged ? cause : failed("query", cause))
      }
    })
    return Stream.paginate(undefined as Damaged | undefined, (damage) =>
      damage === undefined
        ? Effect.map(
            Effect.andThen(this.store.turns.free, page),
            (answer) => [answer.batches, answer.end ? Option.none() : Option.some(answer.damage)] as const
          )
        : Effect.fail(damage)
    ).pipe(Stream.ensuring(Effect.sync(() => this.closeLog())))
  }

  /** The next page. */
  private next(): Page {
    const batches: Array<Batch> = []
    // Parts of which nothing is read share a page.
    for (let silent = 0; silent < 1000; silent++) {
      const part = this.parts[this.index]
      if (part === undefined) return { batches, end: true }
      if (this.left > 0 && countOf(part) > 0 && !this.isExcluded(part)) {
        if (batches.length > 0) return { batches, end: false }
        return this.read(part)
      }
      const damage = part.head === undefined ? part.summary?.damage : undefined
      if (damage !== undefined && !this.reports) return { batches, end: false, damage }
      if (damage !== undefined) {
        batches.push({ stream: part.stream, events: [], last: undefined, head: undefined, damage })
        this.index++
        continue
      }
      if (part.named || part.resync !== undefined) batches.push(this.unread(part))
      if (this.left > 0) this.done += countOf(part)
      if (this.index === 0 || countOf(part) > 0) this.progress()
      this.index++
    }
    return { batches, end: false }
  }

  /** Whether no event of a log can match. */
  private isExcluded({ head, summary }: Part): boolean {
    if (summary!.damage !== undefined) return false
    if (head!.maxAt < this.since || head!.minAt >= this.until) return true
    const { types } = summary!
    return (
      this.query.types !== undefined &&
      types !== undefined &&
      !this.query.types.some((type) => types.has(type))
    )
  }

  /** The answer for a part of which nothing is read. */
  private unread(part: Part): Batch {
    const { after, from, head, resync, stream, summary, to } = part
    if (resync !== undefined) return { stream, events: [], last: undefined, head: head?.cursor, resync }
    const examined = this.left > 0 && countOf(part) > 0
    const last = examined ? cursorAt(summary!, this.backward ? from : to) : after
    return { stream, events: [], last, head: head?.cursor }
  }

  private read(part: Part): Page {
    const { head, named, stream } = part
    if (this.log === undefined) this.reached = part.after
    const log = (this.log ??= this.openLog(part))
    if (log === undefined) {
      // Removed since it was planned: nothing more is to be had of it, and a successor isn't it (law V1).
      this.finish()
      const nothing: Batch = { stream, events: [], last: undefined, head: undefined }
      return { batches: named ? [nothing] : [], end: false }
    }
    const found: Array<StoredEvent> = []
    const { finished, damage } = this.collect(log.events, part, found)
    const last = this.reached
    const batches: Array<Batch> = []
    if (found.length > 0 || (named && finished))
      batches.push({ stream, events: found, last, head: head!.cursor })
    this.left -= found.length
    if (this.left === 0) {
      this.done = this.total
      this.progress()
      return { batches, end: true }
    }
    if (damage !== undefined) {
      if (!this.reports) return { batches, end: false, damage }
      log.events.skip()
      batches.push({ stream, events: [], last, head: head!.cursor, damage })
    }
    if (finished) this.finish()
    else this.progress()
    return { batches, end: false }
  }

  /** Reads on, until a batch is full, a page's worth is examined, or the part or the limit is at its end. */
  private collect(
    events: LogEvents,
    part: Part,
    found: Array<StoredEvent>
  ): { readonly finished: boolean; readonly damage?: Damaged } {
    const { counters } = this.store
    const { line } = events
    const most = Math.min(this.batchEvents, this.left)
    const bytesBefore = events.bytesRead
    let length = 0
    let examined = 0
    let isOver = false
    try {
      while (found.length < most && length < pageLength) {
        isOver = !events.next()
        if (isOver) break
        examined++
        length += line.length
        this.reached = { epoch: events.mark.epoch, seq: line.seq }
        if (!this.matches(line.type, line.at)) continue
        found.push(line.event(part.stream, events.mark.epoch, events.mark.writtenAt))
      }
    } catch (error) {
      if (!(error instanceof Damaged)) throw error
      return { finished: false, damage: error }
    } finally {
      this.examined += examined
      this.done += examined
      counters.eventsRead += examined
      counters.bytesRead += events.bytesRead - bytesBefore
    }
    return { finished: isOver || this.examined >= countOf(part) }
  }

  private matches(type: string, at: number): boolean {
    return at >= this.since && at < this.until && (this.types === undefined || this.types.has(type))
  }

  private openLog({ end, from, summary, to }: Part): typeof this.log {
    const { disk } = this.store
    const fd = openToRead(disk, summary!.file)
    if (fd === undefined) return undefined
    try {
      if (isLogOf(disk, fd, summary!)) {
        const { seed, start } = summary!
        const place = { end, seed, start, damaged: summary!.damaged.bind(summary) }
        const events = this.backward
          ? new Backward(disk, fd, place, from, to)
          : new Forward(disk, fd, place, from, to)
        return { fd, events }
      }
    } catch (error) {
      closeQuietly(disk, fd)
      throw error
    }
    closeQuietly(disk, fd)
    return undefined
  }

  /** Goes to the next part. What of this one wasn't there or couldn't be read counts as examined. */
  private finish(): void {
    this.closeLog()
    this.done += countOf(this.parts[this.index]!) - this.examined
    this.index++
    this.examined = 0
    this.progress()
  }

  private closeLog(): void {
    if (this.log !== undefined) closeQuietly(this.store.disk, this.log.fd)
    this.log = undefined
  }

  private progress(): void {
    this.query.onProgress?.({ done: this.done, total: this.total, unit: "events" })
  }
}

/** How many events of a part are to be examined. */
const countOf = ({ from, head, resync, to }: Part): number =>
  resync !== undefined || head === undefined ? 0 : Math.max(0, to - from + 1)

const cursorAt = ({ epochs }: Summary, seq: number): Cursor => ({ epoch: epochAt(epochs, seq), seq })
