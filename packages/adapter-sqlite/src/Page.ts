/** What both orders of a query share: steps, filters, and how far it has come. */
import type { Batch, Cursor, Damaged, Epoch, Query } from "@varve/core"
import { epochAt } from "@varve/core"
import { countOf, Plan } from "./plan.ts"
import { sizeOf } from "./rows.ts"
import type { EventRow, Filter, Statements } from "./statements.ts"

/** Rows that a page answers at most: about 2 ms of blocking. */
export const pageRows = 1024
/** Rows that a page examines at most where a filter leaves some out: about 3 ms. */
export const examinedRows = 4096
/** Bytes that a page answers, roughly. */
export const pageBytes = 4 * 1024 * 1024

/** One step of a query. */
export interface Page {
  readonly batches: ReadonlyArray<Batch>
  readonly end: boolean
  /** What was found behind the batches. */
  readonly damage?: Damaged | undefined
}

/** A step that answers nothing yet. */
export const nothing: Page = { batches: [], end: false }

/** For each page anew: a type may have been numbered since the last one. */
export const filterOf = (sql: Statements, query: Query): Filter => ({
  types: query.types === undefined ? null : JSON.stringify(sql.types.idsOf(query.types)),
  since: query.since ?? -Infinity,
  until: query.until ?? Infinity
})

export const cursorAt = (epochs: ReadonlyArray<Epoch>, seq: number): Cursor => ({
  epoch: epochAt(epochs, seq),
  seq
})

/**
 * Rows up to a number of bytes, and whether there were more. The iterator is closed before this returns: writes are
 * refused while one is open.
 */
export const take = <Row extends EventRow>(
  rows: Iterable<Row>,
  bytes: number
): { readonly rows: Array<Row>; readonly cut: boolean } => {
  const taken: Array<Row> = []
  let left = bytes
  for (const row of rows) {
    if (left <= 0) return { rows: taken, cut: true }
    taken.push(row)
    left -= sizeOf(row)
  }
  return { rows: taken, cut: false }
}

/** How far a query has come, in events examined. Costs a pass over the streams first, where somebody listens. */
export class Examined {
  private readonly query: Query
  private counting: Plan | undefined
  private total = 0
  private done = 0
  private told = -1

  constructor(query: Query) {
    this.query = query
  }

  /** One step of summing up the total; true when it is known. */
  count(sql: Statements): boolean {
    if (this.query.onProgress === undefined || this.told >= 0) return true
    this.counting ??= new Plan(this.query)
    const parts = this.counting.next(sql)
    for (const part of parts ?? []) this.total += countOf(part)
    if (parts === undefined) this.tell()
    return parts === undefined
  }

  add(events: number): void {
    this.done = Math.min(this.total, this.done + events)
    this.tell()
  }

  /** As `add`, where only the share of the whole is known. */
  reach(share: number): void {
    this.done = Math.max(this.done, Math.floor(this.total * share))
    this.tell()
  }

  end(): void {
    this.add(this.total)
  }

  private tell(): void {
    if (this.done === this.told) return
    this.told = this.done
    this.query.onProgress?.({ done: this.done, total: this.total, unit: "events" })
  }
}
