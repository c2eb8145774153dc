/**
 * Looks a store through for operators: every row, every summary, every index. Changes nothing. What is found that can be
 * made anew comes with the work that does it, which `repair` runs.
 */
import * as fs from "node:fs"
import {
  nameProblem,
  type Problem,
  type Progress,
  snapshotCheck,
  StorageError,
  TurnBudget
} from "@varve/core"
import type { Verification } from "@varve/core"
import type Sqlite from "better-sqlite3"
import { Effect } from "effect"
import { codeOf } from "./Connection.ts"
import { isIntact } from "./checksum.ts"
import { sizeOf } from "./rows.ts"
import type { EpochRow, EventRow, SnapshotRow, StreamRow } from "./statements.ts"

interface Inspecting {
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** A problem, and how it is mended where it can be. */
export interface Finding {
  readonly problem: Problem
  readonly mend?: ((db: Sqlite.Database) => void) | undefined
}

export interface Findings extends Pick<Verification, "streams" | "events"> {
  readonly findings: ReadonlyArray<Finding>
}

/** What the events of a stream say together, against which its row is held. */
interface Seen {
  readonly row: StreamRow
  /** The seq of the last row, and how many rows weren't as they should be. */
  seq: number
  damage: number
  position: number
  sealed: number
  largest: number
  minAt: number
  maxAt: number
}

interface PlacedEventRow extends EventRow {
  readonly stream_id: number
}

/** Looks through an open connection, in whose transaction nothing changes meanwhile. */
export const look = (db: Sqlite.Database, options: Inspecting): Effect.Effect<Findings, StorageError> =>
  lookThrough(db, options)

const lookThrough = Effect.fnUntraced(function* (
  db: Sqlite.Database,
  { onProgress }: Inspecting
): Effect.fn.Return<Findings, StorageError> {
  const file = db.name
  const findings: Array<Finding> = []
  const turns = new TurnBudget()
  const all = <Row>(sql: string): ReadonlyArray<Row> => db.prepare(sql).all() as ReadonlyArray<Row>
  const find = (kind: Problem["kind"], problem: string, rest: Partial<Problem> = {}): void => {
    findings.push({ problem: { kind, file, problem, ...rest } })
  }

  const streams = new Map<number, Seen>()
  const types = new Map<number, string>()
  const orphans = new Map<number, number>()
  const removed = new Set<number>()
  let events = 0
  let isRead = true

  // --- events --------------------------------------------------------------------------------------------------

  const seen = (row: StreamRow): Seen => ({
    row,
    seq: 0,
    damage: 0,
    position: 0,
    sealed: 0,
    largest: 0,
    minAt: Infinity,
    maxAt: -Infinity
  })

  const take = (row: PlacedEventRow): void => {
    const of = streams.get(row.stream_id)
    if (of === undefined) {
      orphans.set(row.stream_id, (orphans.get(row.stream_id) ?? 0) + 1)
      return
    }
    const stream = of.row.name
    if (row.seq !== of.seq + 1) {
      of.damage++
      const problem =
        row.seq > of.seq ? "its row is missing" : "its row is there twice, or in another's place"
      find("damaged", problem, { stream, seq: row.seq > of.seq ? of.seq + 1 : row.seq })
    }
    if (isIntact(stream, types.get(row.type_id), row)) events++
    else {
      of.damage++
      find("damaged", "its checksum doesn't match", { stream, seq: row.seq })
    }
    of.seq = Math.max(of.seq, row.seq)
    of.position = row.position
    of.sealed |= row.seals
    of.largest = Math.max(of.largest, sizeOf(row))
    of.minAt = Math.min(of.minAt, row.at)
    of.maxAt = Math.max(of.maxAt, row.at)
  }

  /** By the table alone, so that no index can hide a row. Undefined behind the last. */
  const page = (after: number): number | undefined => {
    const rows = db
      .prepare("SELECT * FROM events NOT INDEXED WHERE position > ? ORDER BY position LIMIT 1000")
      .iterate(after) as IterableIterator<PlacedEventRow>
    let last: number | undefined
    let bytes = 0
    for (const row of rows) {
      take(row)
      last = row.position
      if ((bytes += sizeOf(row)) > pageBytes) break
    }
    return last
  }

  // --- summaries -----------------------------------------------------------------------------------------------

  const compare = ({ row, damage, ...events }: Seen, epochs: ReadonlyArray<EpochRow>): void => {
    const stream = row.name
    if (row.seq > events.seq) {
      find("damaged", "its row is missing", { stream, seq: events.seq + 1 })
      return
    }
    const ordered = epochs.every(({ epoch, first }, i) =>
      i === 0 ? first === 1 && epoch !== "" : first > epochs[i - 1]!.first && first <= events.seq
    )
    if (epochs.length === 0 || !ordered || epochs.at(-1)!.epoch !== row.epoch) {
      // Which of them is right can't be told, and a wrong guess would let cursors go on over lost events.
      find("damaged", "its epochs don't fit its events", { stream })
      return
    }
    const wrong = [
      ["seq", row.seq !== events.seq],
      ["position", row.position !== events.position],
      ["sealed", row.sealed !== events.sealed],
      ["largest", row.largest !== events.largest],
      ["min_at", row.min_at !== events.minAt],
      ["max_at", row.max_at !== events.maxAt],
      ["synced", row.synced < 0 || row.synced > events.seq]
    ].flatMap(([name, isWrong]) => (isWrong === true ? [name] : []))
    if (wrong.length === 0) return
    const problem = `its row tells other than its events (${wrong.join(", ")})`
    if (damage > 0) return find("derived", `${problem}; left as it is while events are damaged`, { stream })
    findings.push({
      problem: { kind: "derived", stream, file, problem, mend: "computed anew from its events" },
      mend: (db) => void db.prepare(summarize).run({ ...events, id: row.id })
    })
  }

  const lookAtLabels = (): void => {
    for (const { id, key, value } of all<{ id: number; key: string; value: string }>(
      "SELECT stream_id AS id, key, value FROM attributes"
    )) {
      if (nameProblem("attribute", key) === undefined && nameProblem("attribute value", value) === undefined)
        continue
      find("damaged", "one of its attributes is none that can be set", { stream: streams.get(id)?.row.name })
    }
  }

  const lookAtSnapshots = (): void => {
    const rows = db.prepare(
      `SELECT p.rowid AS id, p.stream_id, p.projection, p.version, p.epoch, p.seq, p.state, p.checksum,
         CASE p.stream_id WHEN 0 THEN '' ELSE s.name END AS stream
       FROM snapshots p NOT INDEXED LEFT JOIN streams s ON s.id = p.stream_id`
    )
    type Row = Omit<SnapshotRow, "stream"> & { id: number; stream_id: number; stream: string | null }
    for (const row of rows.iterate() as IterableIterator<Row>) {
      const { checksum, epoch, id, projection, seq, state, stream, version } = row
      // That of a stream which is gone goes with the rest of it.
      if (stream === null) continue
      if (checksum === snapshotCheck({ stream, projection, version, cursor: { epoch, seq }, state })) continue
      const problem = "a snapshot's check doesn't match"
      findings.push({
        problem: {
          kind: "derived",
          stream,
          file,
          problem,
          mend: "dropped; it is folded anew when asked for"
        },
        mend: (db) => void db.prepare("DELETE FROM snapshots WHERE rowid = ?").run(id)
      })
    }
  }

  /** Rows of streams that aren't there. Events go only where their removal was noted; without it the stream was lost. */
  const lookAtOrphans = (): void => {
    for (const [id, count] of orphans) {
      if (removed.has(id)) continue
      find("damaged", `${count} events of a stream whose row is missing (id ${id})`)
    }
    for (const id of removed) {
      if (streams.has(id))
        find("damaged", "its removal is noted, though it is there", { stream: streams.get(id)!.row.name })
      else orphans.set(id, orphans.get(id) ?? 0)
    }
    for (const table of ["epochs", "attributes", "snapshots"]) {
      for (const { id } of all<{ id: number }>(`SELECT DISTINCT stream_id AS id FROM ${table}`)) {
        if (id === 0 && table === "snapshots") continue
        // What is left of a lost stream helps whoever brings it back.
        if (!streams.has(id) && !orphans.has(id)) orphans.set(id, 0)
      }
    }
    for (const [id, count] of orphans) {
      if (count > 0 && !removed.has(id)) continue
      const problem = `rows of a stream that was removed (id ${id}, ${count} events)`
      findings.push({
        problem: { kind: "derived", file, problem, mend: "deleted" },
        mend: (db) => {
          for (const table of ["events", "epochs", "attributes", "snapshots", "removed"])
            db.prepare(`DELETE FROM ${table} WHERE stream_id = ?`).run(id)
        }
      })
    }
  }

  const lookAtModes = (): void => {
    if (process.platform === "win32" || db.memory) return
    for (const name of [file, `${file}-wal`, `${file}-shm`]) {
      // Not opened: closing a descriptor of it would drop the locks of this process's connections.
      const mode = fs.lstatSync(name, { throwIfNoEntry: false })?.mode ?? 0
      if ((mode & 0o077) === 0) continue
      findings.push({
        problem: {
          kind: "derived",
          file: name,
          problem: "others than its owner may use it",
          mend: "made 0600"
        },
        mend: () => fs.existsSync(name) && fs.chmodSync(name, 0o600)
      })
    }
  }

  /** What SQLite finds in its own pages. An index is derived from its table; anything else isn't. */
  const lookAtPages = (): void => {
    const indexes = new Set(
      all<{ rootpage: number }>("SELECT rootpage FROM sqlite_schema WHERE type = 'index'").map(
        ({ rootpage }) => rootpage
      )
    )
    const found = all<{ integrity_check: string }>("PRAGMA integrity_check(1000)").map(
      (row) => row.integrity_check
    )
    const isIndexs = (text: string): boolean =>
      /^(row \d+ (missing from index|values differ from index)|wrong # of entries in index) /.test(text) ||
      indexes.has(Number(/^Tree (\d+) /.exec(text)?.[1]))
    const wrong = found.filter((text) => text !== "ok")
    for (const text of wrong) if (!isIndexs(text)) find("damaged", `SQLite finds: ${text}`)
    if (!wrong.some(isIndexs)) return
    const names = [...new Set(wrong.filter(isIndexs).map((text) => / index (\w+)$/.exec(text)?.[1] ?? text))]
    const problem = `an index tells other than its table (${names.join("; ")})`
    // An index may be the last that tells the id of a damaged event.
    if (findings.some((found) => found.problem.kind === "damaged"))
      return find("derived", `${problem}; left as it is while events are damaged`)
    findings.push({
      problem: { kind: "derived", file, problem, mend: "indexed anew" },
      mend: (db) => void db.exec("REINDEX")
    })
  }

  /** Runs a part. Where SQLite can't read on, that is what was found. */
  const part = <A>(work: () => A): Effect.Effect<A | undefined, StorageError> =>
    Effect.andThen(
      turns.free,
      attempt("verify", () => {
        try {
          return work()
        } catch (error) {
          if (!codeOf(error).startsWith("SQLITE_CORRUPT")) throw error
          isRead = false
          find("damaged", `its pages can't be read on (${codeOf(error)})`)
          return undefined
        }
      })
    )

  yield* part(() => {
    if (all("SELECT 1 FROM meta").length !== 1) find("damaged", "its row of positions is missing")
    for (const row of all<StreamRow>("SELECT * FROM streams NOT INDEXED")) streams.set(row.id, seen(row))
    for (const { id, name } of all<{ id: number; name: string }>("SELECT * FROM types NOT INDEXED"))
      types.set(id, name)
    for (const { id } of all<{ id: number }>("SELECT stream_id AS id FROM removed")) removed.add(id)
  })
  const total = [...streams.values()].reduce((sum, { row }) => sum + row.seq, 0)
  for (let at: number | undefined = Number.MIN_SAFE_INTEGER; at !== undefined;) {
    const after: number = at
    at = yield* part(() => page(after))
    if (at !== undefined) onProgress?.({ done: Math.min(events, total), total, unit: "events" })
  }
  // What couldn't be read to its end can't be compared: the rest would only be said to be missing.
  if (isRead) {
    yield* part(() => {
      const epochs = new Map<number, Array<EpochRow>>()
      for (const row of all<EpochRow>("SELECT stream_id, first, epoch FROM epochs ORDER BY stream_id, first"))
        epochs.set(row.stream_id, [...(epochs.get(row.stream_id) ?? []), row])
      for (const [id, one] of streams) compare(one, epochs.get(id) ?? [])
    })
    yield* part(lookAtOrphans)
  }
  yield* part(lookAtLabels)
  yield* part(lookAtSnapshots)
  yield* part(lookAtPages)
  lookAtModes()
  onProgress?.({ done: total, total, unit: "events" })
  return { streams: streams.size, events, findings }
})

const pageBytes = 1024 * 1024

const summarize = `UPDATE streams SET seq = :seq, position = :position, sealed = :sealed, largest = :largest,
  min_at = :minAt, max_at = :maxAt, synced = CASE WHEN synced BETWEEN 0 AND :seq THEN synced ELSE 0 END WHERE id = :id`

export const attempt = <A>(operation: string, work: () => A): Effect.Effect<A, StorageError> =>
  Effect.try({ try: work, catch: (cause) => new StorageError({ operation, cause }) })
