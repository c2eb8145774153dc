/**
 * One connection to one file: opens and identifies it, runs transactions at the durability that is asked, waits its
 * turn among other processes, and after a failed write trusts nothing but a full checkpoint (law A5).
 */
import { Damaged, OpenFailed, StorageError, TurnBudget } from "@varve/core"
import type Database from "better-sqlite3"
import { Clock, Effect } from "effect"
import { Checkpoints } from "./Checkpoints.ts"
import { isIntact } from "./checksum.ts"
import { applicationId, prepare, schema, schemaVersion, type Statements } from "./statements.ts"

/** `better-sqlite3` itself, which is imported only after the version of Node has been looked at. */
export type Driver = typeof Database

/** A commit or a rollback failed: what was in the transaction may be stored or not (law A4). */
export class Unproven {
  readonly cause: unknown
  constructor(cause: unknown) {
    this.cause = cause
  }
}

/** What SQLite said. */
export const causeOf = (error: unknown): unknown => (error instanceof Unproven ? error.cause : error)

interface Opened {
  readonly db: Database.Database
  readonly sql: Statements
}

/** How long SQLite itself waits for a lock, in ms. Short, because it blocks the event loop; we wait on without that. */
const blockingWait = 5

export class Connection {
  readonly file: string
  readonly memory: boolean
  readonly busyTimeout: number
  readonly turns = new TurnBudget()
  readonly checkpoints: Checkpoints
  readonly counters = { appends: 0, syncs: 0, queries: 0, eventsRead: 0, bytesRead: 0 }
  /** Whether this opening has begun a generation of its own. */
  minted = false

  private readonly driver: Driver
  private opened: Opened | undefined
  private synchronous: "FULL" | "NORMAL" | undefined
  /** Whether all that earlier openings left in the WAL has been secured by this one. */
  private taken = false
  /** Set by a failed write, and by a last event that is damaged, until a full checkpoint has succeeded. */
  private doubted = false
  /** Up to which position this connection itself has secured everything. */
  private known = 0
  private securing: number | undefined
  private closed = false

  /** Opens the file and, if it is empty, makes it a store. Throws {@link OpenFailed}, or what SQLite throws. */
  constructor(driver: Driver, file: string, busyTimeout: number) {
    this.driver = driver
    this.file = file
    this.memory = file === ":memory:"
    this.busyTimeout = busyTimeout
    this.checkpoints = new Checkpoints({ frames: () => this.frames(), checkpoint: () => this.checkpoint() })
    this.open()
  }

  /** The prepared statements, for reading. After a failed write they are those of a new connection. */
  get sql(): Statements {
    return this.open().sql
  }

  /** Up to which position everything is secured. While a failed write is in doubt, the store's own word isn't enough. */
  secured(sql: Statements): number {
    const { secured } = sql.meta.get()!
    return this.doubted ? Math.min(secured, this.known) : secured
  }

  /**
   * Runs `work` in a transaction that takes the write lock at once. A full one that changes anything secures every
   * commit before it, too. Throws what `work` throws (nothing is stored), a busy error, or {@link Unproven}.
   */
  write<A>(full: boolean, work: (sql: Statements) => A): A {
    const { db, sql } = this.takeOver()
    this.switchTo(db, full ? "FULL" : "NORMAL")
    this.securing = undefined
    let result: A
    try {
      sql.begin.run()
      result = work(sql)
    } catch (error) {
      this.undo(db, sql, error)
      throw error
    }
    try {
      this.commit(sql)
    } catch (error) {
      sql.types.forget()
      this.doubt()
      throw new Unproven(error)
    }
    return result
  }

  /**
   * Within a full transaction: everything up to `position` is secured by its commit. One without changes syncs
   * nothing, so where there are no others, `alone`, this is one.
   */
  secure(sql: Statements, position: number, alone: boolean): void {
    if (alone) sql.secure.run(position)
    this.securing = position
  }

  /** Secures everything that is stored, by whomever. */
  sync(): void {
    if (this.memory) return
    this.write(true, (sql) => this.secure(sql, sql.meta.get()!.position, true))
  }

  /** Runs `work`, again and again while another process holds the lock, until `busyTimeout` has passed. */
  patiently<A>(work: () => A): Effect.Effect<A, unknown> {
    return patiently(work, this.busyTimeout)
  }

  /** Reads a page, in a turn of the event loop that has time for it. */
  read<A>(operation: string, work: (sql: Statements) => A): Effect.Effect<A, StorageError | Damaged> {
    return Effect.mapError(this.inTurn(work), (cause) =>
      cause instanceof Damaged ? cause : new StorageError({ operation, cause })
    )
  }

  /** The same where nothing is proven on the way. */
  load<A>(operation: string, work: (sql: Statements) => A): Effect.Effect<A, StorageError> {
    return Effect.mapError(this.inTurn(work), (cause) => new StorageError({ operation, cause }))
  }

  private inTurn<A>(work: (sql: Statements) => A): Effect.Effect<A, unknown> {
    return Effect.andThen(
      this.turns.free,
      this.patiently(() => work(this.sql))
    )
  }

  /** Moves all of the WAL into the file and cuts it, if no other process is at it just now. */
  emptyLog(): void {
    try {
      if (!this.memory && this.taken) this.opened?.db.pragma("wal_checkpoint(TRUNCATE)")
    } catch (error) {
      if (isWriteFailure(error)) this.doubt()
    }
  }

  close(): void {
    this.checkpoints.close()
    this.emptyLog()
    this.closed = true
    this.closeHandle()
  }

  /**
   * Before the first write of an opening, and again after a failed write: everything in the WAL goes into the file,
   * through a new descriptor, before anything is acknowledged, duplicates included. After a failed sync the page
   * cache still answers what the disk doesn't have, so reading back proves nothing (law A5).
   */
  private takeOver(): Opened {
    const opened = this.open()
    if (this.taken || this.memory) return opened
    const { db, sql } = opened
    try {
      this.switchTo(db, "FULL")
      const [result] = db.pragma("wal_checkpoint(TRUNCATE)") as [{ busy: number }]
      if (result.busy !== 0) throw busy()
      if (this.doubted) {
        // Syncs the new WAL and its folder, so that a power cut cannot bring back the old one over the newer file.
        sql.begin.run()
        this.secure(sql, sql.meta.get()!.position, true)
        this.commit(sql)
      }
    } catch (error) {
      if (!isBusy(error)) this.closeHandle()
      else if (db.inTransaction) sql.rollback.run()
      throw error
    }
    this.taken = true
    this.doubted = false
    return opened
  }

  private commit(sql: Statements): void {
    sql.commit.run()
    if (this.securing === undefined) return
    this.known = this.securing
    this.counters.syncs++
    this.securing = undefined
  }

  private undo(db: Database.Database, sql: Statements, error: unknown): void {
    sql.types.forget()
    try {
      if (db.inTransaction) sql.rollback.run()
    } catch {
      this.doubt()
      throw new Unproven(error)
    }
    if (isWriteFailure(error)) this.doubt()
  }

  /** From here on nothing of this connection is trusted. Tries at once, because others may write meanwhile. */
  private doubt(): void {
    if (this.memory) return
    this.doubted = true
    this.closeHandle()
    try {
      this.takeOver()
    } catch {
      // Before the next write it is tried again, and refused as long as it fails.
    }
  }

  private closeHandle(): void {
    const db = this.opened?.db
    this.opened = undefined
    this.synchronous = undefined
    this.taken = false
    this.minted = false
    try {
      db?.close()
    } catch {
      // A handle that cannot be closed is not used again either.
    }
  }

  /**
   * By exec and before BEGIN: a prepared pragma takes effect when it is prepared (measured: the first FULL commit had
   * no fsync), and better-sqlite3 runs WAL at NORMAL unless told (measured: 20 of 20 power cuts lost acknowledged
   * commits).
   */
  private switchTo(db: Database.Database, synchronous: "FULL" | "NORMAL"): void {
    if (this.synchronous === synchronous) return
    this.synchronous = undefined
    db.exec(`PRAGMA synchronous = ${synchronous}`)
    this.synchronous = synchronous
  }

  private frames(): number {
    if (this.memory || !this.taken || this.opened === undefined) return 0
    const [result] = this.opened.db.pragma("wal_checkpoint(NOOP)") as [{ log: number }]
    return result.log
  }

  /** Moves the WAL into the file, and then syncs: the first write to an emptied WAL costs a sync of its header. */
  private checkpoint(): void {
    if (!this.taken || this.opened === undefined) return
    try {
      this.opened.db.pragma("wal_checkpoint(PASSIVE)")
      this.sync()
    } catch (error) {
      if (isWriteFailure(error)) this.doubt()
    }
  }

  private open(): Opened {
    if (this.opened !== undefined) return this.opened
    // Who calls late would open the file for good.
    if (this.closed) {
      const problem = "is closed; open it again to go on"
      throw new OpenFailed({ reason: "unreachable", file: this.file, problem })
    }
    // A file that went away isn't made anew: its successor would have other modes and none of the events.
    const db = new this.driver(this.file, { timeout: blockingWait, fileMustExist: !this.memory })
    try {
      // One transaction, so that another process's creation is seen whole or not at all.
      db.transaction(() => identify(db, this.file))()
      if (!this.memory) {
        if (db.pragma("journal_mode = WAL", { simple: true }) !== "wal") {
          throw new OpenFailed({
            reason: "unreachable",
            file: this.file,
            problem: "its file system doesn't take a write-ahead log; choose a local disk"
          })
        }
        // Checkpoints fsync, so they are kept out of commits; see Checkpoints.
        db.exec("PRAGMA wal_autocheckpoint = 0")
        // Only F_FULLFSYNC reaches the disk on macOS; elsewhere these do nothing.
        db.exec("PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON")
      }
      // What is removed leaves no trace in the file (measured: no cost to appends), nor elsewhere on the disk.
      db.exec("PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY")
      db.exec("PRAGMA trusted_schema = OFF; PRAGMA synchronous = FULL")
      create(db)
      this.synchronous = "FULL"
      const sql = prepare(db)
      if (!isLastIntact(sql)) this.doubted = true
      return (this.opened = { db, sql })
    } catch (error) {
      db.close()
      throw error
    }
  }
}

/** Whether the last event, which tells what is secured, may be believed. At rest no checksum of the WAL guards it. */
const isLastIntact = (sql: Statements): boolean => {
  try {
    const row = sql.lastEvent.get()
    return row === undefined || isIntact(row.name, sql.types.nameOf(row.type_id), row)
  } catch (error) {
    if (!codeOf(error).startsWith("SQLITE_CORRUPT")) throw error
    return false
  }
}

/** Whether another connection holds the lock: waiting helps. */
export const isBusy = (error: unknown): boolean => {
  const code = codeOf(error)
  return code.startsWith("SQLITE_BUSY") || code === "SQLITE_PROTOCOL"
}

/** SQLite's code of an error, or an empty text. */
export const codeOf = (error: unknown): string => {
  const code = (error as { readonly code?: unknown } | null)?.code
  return typeof code === "string" ? code : ""
}

/** Whether the disk failed: what the page cache holds may not be on it. */
const isWriteFailure = (error: unknown): boolean => codeOf(error).startsWith("SQLITE_IOERR")

const busy = (): Error =>
  Object.assign(new Error("another connection is at the write-ahead log"), { code: "SQLITE_BUSY" })

/**
 * Runs `work`, again and again while another connection holds the lock, until `timeout` ms have passed. At once and
 * synchronously where nobody holds it.
 */
export const patiently = <A>(work: () => A, timeout: number): Effect.Effect<A, unknown> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(work())
    } catch (error) {
      return isBusy(error) ? retry(work, timeout) : Effect.fail(error)
    }
  })

/** Pauses of 1 to 30 ms with jitter, during which the event loop goes on. */
const retry = <A>(work: () => A, timeout: number): Effect.Effect<A, unknown> =>
  Effect.gen(function* () {
    const deadline = (yield* Clock.currentTimeMillis) + timeout
    for (let pause = 2; ; pause = Math.min(20, pause * 1.5)) {
      yield* Effect.sleep(pause * (0.5 + Math.random()))
      try {
        return work()
      } catch (error) {
        if (!isBusy(error) || (yield* Clock.currentTimeMillis) >= deadline) return yield* Effect.fail(error)
      }
    }
  })

/** The same for exit handlers, where nothing can be awaited: blocks. */
export const patientlySync = <A>(work: () => A, timeout: number): A => {
  const deadline = performance.now() + timeout
  for (;;) {
    try {
      return work()
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
    }
  }
}

/** Refuses what isn't ours or is of another version, before anything is changed; unless it is "made", an empty file is ours. */
export const identify = (db: Database.Database, file: string, expected?: "made"): void => {
  const found = db.pragma("application_id", { simple: true })
  const version = db.pragma("user_version", { simple: true }) as number
  if (found === applicationId && version > schemaVersion) {
    const problem = `is a store of version ${version}, newer than this package knows (${schemaVersion}); update @varve/adapter-sqlite`
    throw new OpenFailed({ reason: "newer-version", file, problem })
  }
  if (found === applicationId && version < schemaVersion) {
    const problem = `is a store of version ${version}, which is read no more (this package knows ${schemaVersion}); choose another file`
    throw new OpenFailed({ reason: "unsupported", file, problem })
  }
  if (found !== applicationId && (expected === "made" || !isEmpty(db))) {
    throw new OpenFailed({
      reason: "not-a-store",
      file,
      problem: "is a SQLite database, but not a Varve store; choose another file"
    })
  }
}

const isEmpty = (db: Database.Database): boolean =>
  db.pragma("user_version", { simple: true }) === 0 &&
  db.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined

/** Makes an empty file a store. Two processes may come here at once: the lock decides, the other finds it done. */
const create = (db: Database.Database): void => {
  if (!isEmpty(db)) return
  db.exec("BEGIN IMMEDIATE")
  try {
    if (isEmpty(db)) db.exec(schema)
    db.exec("COMMIT")
  } catch (error) {
    if (db.inTransaction) db.exec("ROLLBACK")
    throw error
  }
}
