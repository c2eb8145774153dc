/**
 * The streams of a query in its order, a page at a time, each with what of it is to be read: up to where it ended when
 * it was planned, so that pages are stable (law Q5).
 */
import { compareNames, type Cursor, type Epoch, type Query, type Resync, resyncOf } from "@varve/core"
import { attributesOf, behind, namesOf, rangeOf, streamsPerPage } from "./selection.ts"
import type { NameRange, PlanRow, Statements } from "./statements.ts"

/** One stream of a query. */
export interface Part {
  readonly stream: string
  /** Whether it must be answered even where nothing matches. */
  readonly named: boolean
  /** Its row; undefined when it doesn't exist. */
  readonly row: PlanRow | undefined
  readonly after: Cursor | undefined
  readonly resync: Resync | undefined
  /** What is to be examined yet, inclusive; empty when `from > to`. */
  from: number
  to: number
  /** Whether a time bound excludes all of its events at once. */
  readonly excluded: boolean
  epochs: ReadonlyArray<Epoch> | undefined
  /** Whether any batch of it was answered. */
  begun: boolean
}

export const isBackward = (query: Query): boolean => query.direction === "backward"

/** How many events of a part are to be examined by reading them. */
export const countOf = (part: Part): number =>
  part.resync !== undefined || part.row === undefined || part.excluded
    ? 0
    : Math.max(0, part.to - part.from + 1)

/** Where the stream of a part ended when it was planned. */
export const headOf = ({ row }: Part): Cursor | undefined =>
  row === undefined ? undefined : { epoch: row.epoch, seq: row.seq }

export class Plan {
  private readonly query: Query
  private readonly attributes: string | null
  /** What is left to plan: of the names asked for, or of the range of names. */
  private names: ReadonlyArray<string> | undefined
  private range: Pick<NameRange, "low" | "high"> | undefined
  /** Streams with a cursor that the range hasn't come to; they are answered even if they don't exist. */
  private cursors: ReadonlyArray<string>

  constructor(query: Query) {
    this.query = query
    this.attributes = attributesOf(query)
    const backward = isBackward(query)
    const names = namesOf(query)
    this.names = backward ? names?.toReversed() : names
    this.range = names === undefined ? rangeOf(query.prefix) : undefined
    const named = namesOf({ ...query, streams: [...(query.after?.keys() ?? [])] })!
    this.cursors =
      names !== undefined || query.attributes !== undefined ? [] : backward ? named.toReversed() : named
  }

  /** The next streams; undefined behind the last. Has no effect when it throws, so that it can be tried again. */
  next(sql: Statements): ReadonlyArray<Part> | undefined {
    if (this.names !== undefined) return this.nextNames(sql, this.names)
    if (this.range !== undefined) return this.nextInRange(sql, this.range)
    return undefined
  }

  private nextNames(sql: Statements, all: ReadonlyArray<string>): ReadonlyArray<Part> | undefined {
    if (all.length === 0) return undefined
    const names = all.slice(0, streamsPerPage)
    const rows = sql.planByName.all({
      names: JSON.stringify(names),
      attributes: this.attributes
    })
    const byName = new Map(rows.map((row) => [row.name, row]))
    const named = this.query.attributes === undefined
    const parts = this.parts(
      sql,
      names.map((stream) => ({ stream, row: byName.get(stream), named }))
    )
    this.names = all.slice(names.length)
    return parts
  }

  private nextInRange(sql: Statements, range: Pick<NameRange, "low" | "high">): ReadonlyArray<Part> {
    const statement = isBackward(this.query) ? sql.planBackward : sql.planForward
    const rows = statement.all({
      ...range,
      attributes: this.attributes,
      rows: streamsPerPage
    })
    const finished = rows.length < streamsPerPage
    const found = new Set(rows.map((row) => row.name))
    const last = rows.at(-1)?.name
    const here = finished ? this.cursors.length : this.cursors.findIndex((name) => this.isBehind(name, last!))
    const cursors = this.cursors.slice(0, here < 0 ? undefined : here)
    const named = new Set(cursors)
    const all = [
      ...rows.map((row) => ({ stream: row.name, row, named: named.has(row.name) })),
      ...cursors
        .filter((stream) => !found.has(stream))
        .map((stream) => ({ stream, row: undefined, named: true }))
    ]
    if (all.length > rows.length) all.sort((a, b) => (this.isBehind(a.stream, b.stream) ? 1 : -1))
    const parts = this.parts(sql, all)
    this.cursors = this.cursors.slice(cursors.length)
    this.range = finished ? undefined : behind(range, last!, this.query.direction)
    return parts
  }

  /** Whether the query comes to `a` after `b`. */
  private isBehind(a: string, b: string): boolean {
    return isBackward(this.query) ? compareNames(a, b) < 0 : compareNames(a, b) > 0
  }

  private parts(
    sql: Statements,
    streams: ReadonlyArray<{
      readonly stream: string
      readonly row: PlanRow | undefined
      readonly named: boolean
    }>
  ): ReadonlyArray<Part> {
    const { after, fromSeq = 1, toSeq = Infinity, since = -Infinity, until = Infinity } = this.query
    const held =
      after === undefined
        ? []
        : streams.flatMap(({ stream, row }) => (row !== undefined && after.has(stream) ? [row.id] : []))
    const epochs = epochsOf(sql, held)
    const parts: Array<Part> = []
    for (const { stream, row, named } of streams) {
      const cursor = after?.get(stream)
      const known = row === undefined ? undefined : epochs.get(row.id)
      const resync = cursor === undefined ? undefined : resyncOf(cursor, known ?? [], row?.seq ?? 0)
      const from = Math.max(1, Math.ceil(fromSeq), resync === undefined ? (cursor?.seq ?? 0) + 1 : 1)
      const to = Math.min(row?.seq ?? 0, Math.floor(toSeq))
      const excluded = row !== undefined && (row.max_at < since || row.min_at >= until)
      if (named || (row !== undefined && (resync !== undefined || (from <= to && !excluded)))) {
        parts.push({
          stream,
          named,
          row,
          after: cursor,
          resync,
          from,
          to,
          excluded,
          epochs: known,
          begun: false
        })
      }
    }
    return parts
  }
}

/** The epochs of some streams, by stream id, each ascending. One statement. */
export const epochsOf = (
  sql: Statements,
  ids: ReadonlyArray<number>
): ReadonlyMap<number, ReadonlyArray<Epoch>> => {
  const epochs = new Map<number, Array<Epoch>>()
  if (ids.length === 0) return epochs
  for (const { stream_id, first, epoch } of sql.epochs.all(JSON.stringify(ids))) {
    const known = epochs.get(stream_id)
    if (known === undefined) epochs.set(stream_id, [{ first, epoch }])
    else known.push({ first, epoch })
  }
  return epochs
}
