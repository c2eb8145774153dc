/**
 * A query in stream order: names by code point, then seq. One pass of bounded pages (laws Q2, Q3): a page examines a
 * slice of one stream or many small streams whole, in one statement, and says how far it has come.
 */
import { type Batch, Damaged, defaultBatchEvents, type Query, type StoredEvent } from "@varve/core"
import { type Connection, codeOf } from "./Connection.ts"
import {
  cursorAt,
  Examined,
  examinedRows,
  filterOf,
  nothing,
  type Page,
  pageBytes,
  pageRows,
  take
} from "./Page.ts"
import { countOf, epochsOf, headOf, isBackward, type Part, Plan } from "./plan.ts"
import { sizeOf, damaged, decode, type Decoded } from "./rows.ts"
import type { EventRow, PlacedRow, Statements } from "./statements.ts"

/** What was read of a part, in the direction of the query: rows, and the first and last seq that were examined. */
interface Reading {
  readonly rows: ReadonlyArray<EventRow>
  readonly first: number
  readonly last: number
}

export class StreamOrder {
  private readonly connection: Connection
  private readonly query: Query
  private readonly backward: boolean
  private readonly step: 1 | -1
  private readonly reports: boolean
  /** Whether rows may be missing from an answer without anything being wrong. */
  private readonly filtered: boolean
  private readonly batchEvents: number
  private readonly examined: Examined
  private left: number
  private readonly plan: Plan
  private queue: ReadonlyArray<Part> = []
  /** Once SQLite itself met damage, streams are read one at a time, to tell which has it. */
  private alone = false

  constructor(connection: Connection, query: Query) {
    this.connection = connection
    this.query = query
    this.backward = isBackward(query)
    this.step = this.backward ? -1 : 1
    this.reports = query.onDamage === "report"
    this.filtered = query.types !== undefined || query.since !== undefined || query.until !== undefined
    this.batchEvents = Math.max(1, query.batchEvents ?? defaultBatchEvents)
    this.examined = new Examined(query)
    this.plan = new Plan(query)
    this.left = query.limit ?? Infinity
  }

  /** The next step. May be tried again when it throws. */
  next(sql: Statements): Page {
    if (!this.examined.count(sql)) return nothing
    if (this.queue.length === 0) {
      const parts = this.plan.next(sql)
      if (parts === undefined) return this.end([])
      this.queue = parts
    }
    const parts = this.fitting()
    const toRead = parts.filter((part) => this.countOf(part) > 0)
    const readings = this.read(sql, toRead)
    if (readings === undefined) return nothing
    if (readings instanceof Damaged) return this.report(parts, readings)
    this.loadEpochs(sql, parts, readings)
    return this.answer(sql, parts, readings)
  }

  private countOf(part: Part): number {
    return this.left === 0 ? 0 : countOf(part)
  }

  /** The next parts that one page can answer: those with nothing to read, and as many others as fit whole, or one. */
  private fitting(): ReadonlyArray<Part> {
    const most = this.filtered ? examinedRows : Math.min(pageRows, this.batchEvents, this.left)
    const parts: Array<Part> = []
    let rows = 0
    let bytes = 0
    for (const part of this.queue) {
      const count = this.countOf(part)
      const bytesToo = bytes + count * (part.row?.largest ?? 0)
      const fits = rows + count <= most && bytesToo <= pageBytes
      if (count > 0 && rows > 0 && (!fits || this.alone)) break
      parts.push(part)
      rows += count
      bytes = bytesToo
      if (!fits) break
    }
    return parts
  }

  /** Undefined when it must be done again, one stream at a time. The damage is that of the last part. */
  private read(
    sql: Statements,
    parts: ReadonlyArray<Part>
  ): ReadonlyMap<Part, Reading> | Damaged | undefined {
    const [first] = parts
    if (first === undefined) return new Map()
    try {
      return parts.length === 1 ? new Map([[first, this.slice(sql, first)]]) : this.many(sql, parts)
    } catch (error) {
      if (!codeOf(error).startsWith("SQLITE_CORRUPT")) throw error
      if (parts.length === 1)
        return damaged(this.connection.file, first.stream, undefined, `SQLite says ${codeOf(error)}`)
      this.alone = true
      return undefined
    }
  }

  private slice(sql: Statements, part: Part): Reading {
    const { backward } = this
    const { id, largest } = part.row!
    const rows = Math.min(pageRows, this.batchEvents, this.left)
    const window = this.filtered ? examinedRows : rows
    const from = backward ? Math.max(part.from, part.to - window + 1) : part.from
    const to = backward ? part.to : Math.min(part.to, part.from + window - 1)
    const statement = backward ? sql.sliceBackward : sql.sliceForward
    const asked = { ...filterOf(sql, this.query), stream: id, from, to, rows }
    // Iterating costs a third more a row, so only where a page might hold too many bytes.
    const large = (to - from + 1) * largest > pageBytes
    const found = large
      ? take(statement.iterate(asked), pageBytes)
      : { rows: statement.all(asked), cut: false }
    const stopped = found.cut || found.rows.length === rows
    const last = stopped ? found.rows.at(-1)!.seq : backward ? from : to
    return { rows: found.rows, first: backward ? to : from, last }
  }

  private many(sql: Statements, parts: ReadonlyArray<Part>): ReadonlyMap<Part, Reading> {
    const ranges = JSON.stringify(parts.map((part) => [part.row!.id, part.from, part.to]))
    const rows: Array<Array<PlacedRow>> = parts.map(() => [])
    for (const row of sql.many.all({ ...filterOf(sql, this.query), ranges })) rows[row.place]!.push(row)
    return new Map(parts.map((part, i) => [part, this.whole(part, rows[i]!)]))
  }

  private whole({ from, to }: Part, rows: Array<EventRow>): Reading {
    return this.backward
      ? { rows: rows.sort((a, b) => b.seq - a.seq), first: to, last: from }
      : { rows: rows.sort((a, b) => a.seq - b.seq), first: from, last: to }
  }

  /** Loads the epochs that the answer of these parts names, in one statement. */
  private loadEpochs(
    sql: Statements,
    parts: ReadonlyArray<Part>,
    readings: ReadonlyMap<Part, Reading>
  ): void {
    const needed = parts.filter(
      (part) =>
        part.row !== undefined &&
        part.epochs === undefined &&
        (part.named || (readings.get(part)?.rows.length ?? 0) > 0)
    )
    const epochs = epochsOf(
      sql,
      needed.map((part) => part.row!.id)
    )
    for (const part of needed) part.epochs = epochs.get(part.row!.id)
  }

  private answer(sql: Statements, parts: ReadonlyArray<Part>, readings: ReadonlyMap<Part, Reading>): Page {
    const batches: Array<Batch> = []
    let finished = 0
    for (const part of parts) {
      const reading = readings.get(part)
      if (reading === undefined) {
        if (part.named || part.resync !== undefined) batches.push(this.unread(part))
      } else {
        const { events, damage, behind } = this.decode(sql, part, reading)
        // Removed while it was read: nothing more is to be had of it, and a successor isn't it (law V1).
        const gone = damage !== undefined && sql.exists.get(part.row!.id) === undefined
        if (gone && part.named && !part.begun)
          batches.push({ stream: part.stream, events: [], last: undefined, head: undefined })
        if (!gone) this.push(batches, part, reading, events, damage !== undefined)
        if (damage !== undefined && !gone && !this.reports) return { batches, end: false, damage }
        const next = damage === undefined ? reading.last + this.step : behind
        this.examined.add(gone ? countOf(part) : Math.abs(next - reading.first))
        if (this.left === 0) return this.end(batches)
        if (damage !== undefined && !gone) {
          const last = part.epochs === undefined ? undefined : cursorAt(part.epochs, next - this.step)
          batches.push({ stream: part.stream, events: [], last, head: headOf(part), damage })
        }
        if (!gone && !this.advance(part, next)) break
      }
      finished++
    }
    this.queue = this.queue.slice(finished)
    return { batches, end: false }
  }

  /** The answer for a part of which nothing had to be read. */
  private unread(part: Part): Batch {
    const { stream, resync, epochs, after } = part
    const head = headOf(part)
    if (resync !== undefined) return { stream, events: [], last: undefined, head, resync }
    const excluded = this.left > 0 && part.excluded && part.from <= part.to && epochs !== undefined
    return {
      stream,
      events: [],
      last: excluded ? cursorAt(epochs, this.backward ? part.from : part.to) : after,
      head
    }
  }

  private decode(sql: Statements, part: Part, { rows, first, last }: Reading): Decoded {
    const { file, counters } = this.connection
    counters.eventsRead += rows.length
    for (const row of rows) counters.bytesRead += sizeOf(row)
    const { stream, epochs, named } = part
    if (epochs === undefined && (named || rows.length > 0)) {
      const damage = damaged(file, stream, first, "its epochs are missing")
      return { events: [], damage, behind: last + this.step }
    }
    // Whole small streams may answer more than the limit leaves room for.
    const all = rows.length <= this.left
    const expected = {
      step: this.step,
      first,
      last: all ? last : undefined,
      dense: !this.filtered
    } as const
    return decode(file, stream, epochs ?? [], all ? rows : rows.slice(0, this.left), sql.types, expected)
  }

  private push(
    batches: Array<Batch>,
    part: Part,
    { last }: Reading,
    events: ReadonlyArray<StoredEvent>,
    isDamaged: boolean
  ): void {
    const { stream, epochs = [], named } = part
    const head = headOf(part)
    part.begun ||= events.length > 0
    this.left -= events.length
    for (let i = 0; i < events.length; i += this.batchEvents) {
      const some = events.slice(i, i + this.batchEvents)
      const stop = isDamaged || this.left === 0 || i + this.batchEvents < events.length
      const { epoch, seq } = some.at(-1)!
      batches.push({ stream, events: some, last: stop ? { epoch, seq } : cursorAt(epochs, last), head })
    }
    const finished = this.backward ? last === part.from : last === part.to
    if (events.length === 0 && named && finished && !isDamaged)
      batches.push({ stream, events, last: cursorAt(epochs, last), head })
  }

  /** Moves a part on behind what was examined; true when nothing of it is left. */
  private advance(part: Part, next: number): boolean {
    if (this.backward) part.to = next
    else part.from = next
    return part.from > part.to
  }

  /** Answers that a stream, the last of `parts`, cannot be read, and goes on behind it. */
  private report(parts: ReadonlyArray<Part>, damage: Damaged): Page {
    if (!this.reports) return { batches: [], end: false, damage }
    const part = parts.find(({ stream }) => stream === damage.stream)!
    const before = parts.slice(0, parts.indexOf(part)).filter((p) => p.named || p.resync !== undefined)
    const batches = before.map((p) => this.unread(p))
    batches.push({ stream: part.stream, events: [], last: undefined, head: headOf(part), damage })
    this.examined.add(countOf(part))
    this.queue = this.queue.slice(parts.indexOf(part) + 1)
    return { batches, end: false }
  }

  private end(batches: ReadonlyArray<Batch>): Page {
    this.examined.end()
    return { batches, end: true }
  }
}
