/**
 * A query in total order: the one order in which the store took events, which is that of their positions. It reads
 * windows of positions, so that a selective filter blocks no longer than any other. Streams that are answered without
 * events get their batch first (resyncs and unknown ones) or last (how far they were examined).
 */
import { type Batch, defaultBatchEvents, type Query } from "@varve/core"
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
import { sizeOf, decode } from "./rows.ts"
import { attributesOf, namesOf, rangeOf } from "./selection.ts"
import type { Filter, Statements, Total, TotalRow } from "./statements.ts"

/** Streams that a closing step answers. */
const closingParts = 1000

export class TotalOrder {
  private readonly connection: Connection
  private readonly query: Query
  private readonly backward: boolean
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
  private readonly after: Array<[stream: string, seq: number]> = []
  /** The positions to examine yet, inclusive. */
  private from = 1
  private to = 0
  private closing: ReadonlyArray<Part> | undefined

  constructor(connection: Connection, query: Query) {
    this.connection = connection
    this.query = query
    this.backward = isBackward(query)
    this.batchEvents = Math.max(1, query.batchEvents ?? defaultBatchEvents)
    this.examined = new Examined(query)
    this.left = query.limit ?? Infinity
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
      const { stream, after, resync } = part
      if (resync !== undefined) {
        batches.push({ stream, events: [], last: undefined, head: headOf(part), resync })
        this.after.push([stream, Number.MAX_SAFE_INTEGER])
        continue
      }
      if (after !== undefined) this.after.push([stream, after.seq])
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

    const { file, counters } = this.connection
    const { query } = this
    const dense = query.types === undefined && query.since === undefined && query.until === undefined
    const batches: Array<Batch> = []
    for (const run of runsOf(found.rows, this.batchEvents)) {
      const { name: stream, stream_id, seq: first, head_epoch: epoch, head_seq: seq } = run[0]!
      const known = epochs.get(stream_id)
      // Removed while it was read.
      if (known === undefined) continue
      counters.eventsRead += run.length
      for (const row of run) counters.bytesRead += sizeOf(row)
      const head = { epoch, seq }
      const step = backward ? -1 : 1
      for (let rest = run, from = first; rest.length > 0;) {
        const { events, damage, behind } = decode(file, stream, known, rest, sql.types, {
          step,
          first: from,
          last: undefined,
          dense
        })
        if (events.length > 0) batches.push(this.batch(stream, events, head))
        if (damage === undefined) break
        if (query.onDamage !== "report") return { batches, end: false, damage }
        batches.push({ stream, events: [], last: cursorAt(known, behind - step), head, damage })
        rest = rest.filter((row) => (row.seq - behind) * step >= 0)
        from = behind
      }
    }
    const stopped = found.cut || found.rows.length === rows
    const last = stopped ? found.rows.at(-1)!.position : backward ? from : to
    if (backward) this.to = last - 1
    else this.from = last + 1
    this.examined.reach(1 - (this.to - this.from + 1) / bound)
    return { batches, end: false }
  }

  private ask(): Omit<Total, "from" | "to" | "rows" | keyof Filter> {
    const { query } = this
    const names = namesOf(query)
    return {
      ...rangeOf(query.prefix),
      attributes: attributesOf(query),
      names: names === undefined ? null : JSON.stringify(names),
      after: JSON.stringify(this.after),
      fromSeq: query.fromSeq ?? 1,
      toSeq: query.toSeq ?? Infinity
    }
  }

  private batch(stream: string, events: Batch["events"], head: Batch["head"]): Batch {
    const { epoch, seq } = events.at(-1)!
    this.left -= events.length
    const part = this.named.get(stream)
    if (part !== undefined) {
      this.answered.add(stream)
      if (this.backward) part.to = seq - 1
      else part.from = seq + 1
    }
    return { stream, events, last: { epoch, seq }, head }
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
    const batches = parts.map((part): Batch => {
      const known = this.left > 0 && part.from <= part.to ? epochs.get(part.row!.id) : undefined
      const last = known === undefined ? part.after : cursorAt(known, this.backward ? part.from : part.to)
      return { stream: part.stream, events: [], last, head: headOf(part) }
    })
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
