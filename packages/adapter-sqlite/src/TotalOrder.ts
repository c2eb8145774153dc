/**
 * A query in total order: the one order in which the store took events, which is that of their positions. It reads
 * windows of positions, so that a selective filter blocks no longer than any other. Streams that are answered without
 * events get their batch first (resyncs and unknown ones) or last (how far they were examined).
 */
import {
  type Batch,
  type Cursor,
  type Damaged,
  defaultBatchEvents,
  type Epoch,
  type Query
} from "@varve/core"
import { isIntact } from "./checksum.ts"
import type { Connection } from "./Connection.ts"
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
import { epochsOf, headOf, isBackward, type Part, Plan } from "./plan.ts"
import { damaged, decode, sizeOf } from "./rows.ts"
import { attributesOf, namesOf, rangeOf } from "./selection.ts"
import type { Filter, Statements, Total, TotalRow } from "./statements.ts"
import type { Types } from "./Types.ts"

/** Streams that a closing step answers. */
const closingParts = 1000

export class TotalOrder {
  private readonly connection: Connection
  private readonly query: Query
  private readonly backward: boolean
  /** Whether rows may be missing from an answer without anything being wrong. */
  private readonly filtered: boolean
  private readonly batchEvents: number
  private readonly examined: Examined
  private left: number
  private bound: number | undefined
  /** The streams named in `streams` or `after`; undefined when there are none, and behind the last. */
  private plan: Plan | undefined
  private asked: Omit<Total, "from" | "to" | "rows" | keyof Filter> | undefined
  /** Those of them that can be read: what of each isn't examined yet. */
  private readonly named = new Map<string, Part>()
  private readonly answered = new Set<string>()
  /** The seq that comes next of each stream that was read, by id. Undefined where labels may come and go meanwhile. */
  private readonly expected: Map<number, number> | undefined
  /** What of a stream isn't asked for, also of one that the plan passes over because nothing stands behind its cursor. */
  private readonly after: Map<string, number>
  /** The positions to examine yet, inclusive. */
  private from = 1
  private to = 0
  private closing: ReadonlyArray<Part> | undefined

  constructor(connection: Connection, query: Query) {
    this.connection = connection
    this.query = query
    this.backward = isBackward(query)
    this.filtered = query.types !== undefined || query.since !== undefined || query.until !== undefined
    this.expected = this.filtered || query.attributes !== undefined ? undefined : new Map()
    this.batchEvents = Math.max(1, query.batchEvents ?? defaultBatchEvents)
    this.examined = new Examined(query)
    this.left = query.limit ?? Infinity
    this.after = new Map(Array.from(query.after ?? [], ([stream, { seq }]) => [stream, seq]))
    const streams = query.streams ?? (query.after === undefined ? undefined : [...query.after.keys()])
    this.plan = streams === undefined ? undefined : new Plan({ ...query, streams })
  }

  /** The next step. May be tried again when it throws. */
  next(sql: Statements): Page {
    if (!this.examined.count(sql)) return nothing
    if (this.plan !== undefined) return this.begin(sql, this.plan)
    // Behind the plan: what that holds stands at or before this position, and is all examined in the end.
    if (this.bound === undefined) this.bound = this.to = sql.meta.get()!.position
    if (this.left > 0 && this.from <= this.to) return this.read(sql, this.bound)
    return this.left === 0 && this.query.limit !== 0 ? this.end([]) : this.close(sql)
  }

  /** Answers the named streams that cannot be read, and keeps where the others go on. */
  private begin(sql: Statements, plan: Plan): Page {
    const batches: Array<Batch> = []
    const parts = plan.next(sql)
    if (parts === undefined) this.plan = undefined
    for (const part of parts ?? []) {
      const { stream, resync } = part
      if (resync !== undefined) {
        batches.push({ stream, events: [], last: undefined, head: headOf(part), resync })
        this.after.set(stream, Number.MAX_SAFE_INTEGER)
        continue
      }
      if (!part.named) continue
      if (part.row === undefined) batches.push({ stream, events: [], last: undefined, head: undefined })
      else this.named.set(stream, part)
    }
    return { batches, end: false }
  }

  private read(sql: Statements, bound: number): Page {
    const { backward } = this
    const from = backward ? Math.max(this.from, this.to - examinedRows + 1) : this.from
    const to = backward ? this.to : Math.min(this.to, this.from + examinedRows - 1)
    const rows = Math.min(pageRows, this.batchEvents, this.left)
    this.asked ??= this.ask()
    const statement = backward ? sql.totalBackward : sql.totalForward
    const found = take(
      statement.iterate({ ...this.asked, ...filterOf(sql, this.query), from, to, rows }),
      pageBytes
    )
    const epochs = epochsOf(sql, [...new Set(found.rows.map((row) => row.stream_id))])

    const batches: Array<Batch> = []
    for (const run of runsOf(found.rows, this.batchEvents)) {
      const damage = this.answer(sql, run, epochs.get(run[0]!.stream_id), batches)
      if (damage !== undefined) return { batches, end: false, damage }
    }
    const stopped = found.cut || found.rows.length === rows
    const last = stopped ? found.rows.at(-1)!.position : backward ? from : to
    if (backward) this.to = last - 1
    else this.from = last + 1
    this.examined.reach(1 - (this.to - this.from + 1) / bound)
    return { batches, end: false }
  }

  /** Adds the batches of neighbours of one stream; the damage that ends the query, where it isn't to be reported. */
  private answer(
    sql: Statements,
    run: ReadonlyArray<TotalRow>,
    epochs: ReadonlyArray<Epoch> | undefined,
    batches: Array<Batch>
  ): Damaged | undefined {
    const { file, counters } = this.connection
    const { head_epoch, head_seq, name: stream, seq: first, stream_id } = run[0]!
    const head = { epoch: head_epoch, seq: head_seq }
    const step = this.backward ? -1 : 1
    const reports = this.query.onDamage === "report"
    const report = (damage: Damaged, last?: Cursor): void =>
      void batches.push({ stream, events: [], last, head, damage })
    if (epochs === undefined) {
      // Removed while it was read.
      if (sql.exists.get(stream_id) === undefined) return undefined
      const damage = damaged(file, stream, first, "its epochs are missing")
      if (!reports) return damage
      report(damage)
      this.reach(stream, stream_id, run.at(-1)!.seq + step)
      return undefined
    }
    counters.eventsRead += run.length
    for (const row of run) counters.bytesRead += sizeOf(row)
    let rest = run
    if (reports) {
      const strays = strayRows(run, this.nextOf(run[0]!), step, sql.types)
      for (const { seq } of strays) report(damaged(file, stream, seq, "its checksum doesn't match"))
      if (strays.length > 0) rest = run.filter((row) => !strays.includes(row))
      if (rest.length === 0) return undefined
    }
    let from = this.nextOf(rest[0]!) ?? rest[0]!.seq
    while (rest.length > 0) {
      const { behind, damage, events } = decode(file, stream, epochs, rest, sql.types, {
        step,
        first: from,
        last: undefined,
        dense: !this.filtered
      })
      if (events.length > 0) {
        const { epoch, seq } = events.at(-1)!
        batches.push({ stream, events, last: { epoch, seq }, head })
        this.left -= events.length
      }
      from = behind
      if (damage === undefined) break
      if (!reports) return damage
      report(damage, cursorAt(epochs, behind - step))
      rest = rest.filter((row) => (row.seq - behind) * step >= 0)
    }
    this.reach(stream, stream_id, from)
    return undefined
  }

  private ask(): Omit<Total, "from" | "to" | "rows" | keyof Filter> {
    const { query } = this
    const names = namesOf(query)
    return {
      ...rangeOf(query.prefix),
      attributes: attributesOf(query),
      names: names === undefined ? null : JSON.stringify(names),
      after: JSON.stringify([...this.after]),
      fromSeq: query.fromSeq ?? 1,
      toSeq: query.toSeq ?? Infinity
    }
  }

  /** The seq that must come next of a row's stream; undefined where that can't be told. */
  private nextOf({ name, seq, stream_id }: TotalRow): number | undefined {
    if (this.expected === undefined) return undefined
    const next = this.expected.get(stream_id)
    if (next !== undefined) return next
    const part = this.named.get(name)
    if (!this.backward) return part?.from ?? Math.max(1, Math.ceil(this.query.fromSeq ?? 1))
    // Since it was planned it may have grown, or have been removed and made anew.
    return part?.row?.id === stream_id ? Math.max(seq, part.to) : undefined
  }

  /** Keeps that a stream was examined up to before `next`. */
  private reach(stream: string, id: number, next: number): void {
    this.expected?.set(id, next)
    const part = this.named.get(stream)
    if (part === undefined) return
    this.answered.add(stream)
    if (this.backward) part.to = next
    else part.from = next
  }

  /** Says of the named streams how far they were examined, where their events didn't. */
  private close(sql: Statements): Page {
    this.closing ??= [...this.named.values()].filter(
      (part) => part.from <= part.to || !this.answered.has(part.stream)
    )
    if (this.closing.length === 0) return this.end([])
    const parts = this.closing.slice(0, closingParts)
    const epochs = epochsOf(
      sql,
      parts.map((part) => part.row!.id)
    )
    const batches: Array<Batch> = []
    for (const part of parts) {
      const { stream, after, from, to } = part
      const known = this.left > 0 && from <= to ? epochs.get(part.row!.id) : undefined
      const last = known === undefined ? after : cursorAt(known, this.backward ? from : to)
      const damage =
        known === undefined || this.filtered
          ? undefined
          : damaged(this.connection.file, stream, this.backward ? to : from, "its row is missing")
      if (damage !== undefined && this.query.onDamage !== "report") return { batches, end: false, damage }
      batches.push({ stream, events: [], last, head: headOf(part), damage })
    }
    this.closing = this.closing.slice(parts.length)
    return { batches, end: false }
  }

  private end(batches: ReadonlyArray<Batch>): Page {
    this.examined.end()
    return { batches, end: true }
  }
}

/** Neighbours of one stream, at most `size` together. */
const runsOf = (rows: ReadonlyArray<TotalRow>, size: number): ReadonlyArray<ReadonlyArray<TotalRow>> => {
  const runs: Array<Array<TotalRow>> = []
  for (const row of rows) {
    const run = runs.at(-1)
    if (run !== undefined && run[0]!.stream_id === row.stream_id && run.length < size) run.push(row)
    else runs.push([row])
  }
  return runs
}

/** Rows that damage has moved: one that isn't intact and not where its seq is expected tells nothing of how far its stream was read. */
const strayRows = (
  run: ReadonlyArray<TotalRow>,
  first: number | undefined,
  step: 1 | -1,
  types: Types
): ReadonlyArray<TotalRow> => {
  let expected = first
  return run.filter((row) => {
    const isStray = row.seq !== expected && !isIntact(row.name, types.nameOf(row.type_id), row)
    if (!isStray) expected = row.seq + step
    return isStray
  })
}
