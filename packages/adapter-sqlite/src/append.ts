/**
 * Appending: all groups of a call in one transaction, each decided by core's `admit` under the write lock.
 *
 * The usual group holds nothing that is stored already, so it is admitted without a look-up and inserted; only where
 * the unique index on (stream, id) objects is it taken back and decided again with what is stored. One statement an
 * event, two or three a group.
 */
import {
  admit,
  type Admitted,
  advance,
  type Appended,
  type EncodedEvent,
  type Failed,
  type Group,
  type Head,
  type KnownEvent,
  makeEpoch,
  type Outcome
} from "@varve/core"
import { type Connection, codeOf, isBusy, Unproven } from "./Connection.ts"
import { headOf } from "./heads.ts"
import { checksumOf, isIntact } from "./checksum.ts"
import { damaged, sizeOf } from "./rows.ts"
import type { Statements, StreamRow } from "./statements.ts"

/** What one call does, while its transaction is open. */
interface Call {
  readonly connection: Connection
  readonly sql: Statements
  readonly now: number
  readonly full: boolean
  /** Everything up to this position was secured before. */
  readonly secured: number
  /** The last position given out before this call, and now. */
  readonly before: number
  position: number
  /** The store's generation; raised once by the first append of this opening. */
  generation: number
  minted: boolean
  /** Whether anything was changed. */
  wrote: boolean
  /** Whether anything acknowledged as synced was stored by an earlier commit that isn't proven. */
  unproven: boolean
  bytes: number
}

/** A failure that one group brought about by itself. */
class GroupFailed {
  readonly index: number
  readonly cause: unknown
  constructor(index: number, cause: unknown) {
    this.index = index
    this.cause = cause
  }
}

/** Stores groups and answers one outcome each. Throws only when another process holds the lock. */
export const append = (
  connection: Connection,
  groups: ReadonlyArray<Group>,
  now: number
): ReadonlyArray<Outcome> => {
  const full = !connection.memory && groups.some((group) => group.durability === "synced")
  const failed = new Map<number, Failed>()
  let outcomes: Array<Outcome> = []
  for (;;) {
    try {
      const call = connection.write(full, (sql) => {
        const begun = begin(connection, sql, full, now)
        outcomes = []
        for (let i = 0; i < groups.length; i++) outcomes.push(failed.get(i) ?? attempt(begun, groups, i))
        if (full && (begun.wrote || begun.unproven)) {
          // New events say themselves what their commit secures.
          connection.secure(sql, begun.position, begun.position === begun.before)
          outcomes = outcomes.map(proven)
        }
        return begun
      })
      connection.minted = call.minted
      connection.counters.appends++
      if (call.wrote) connection.checkpoints.wrote(call.bytes, full)
      return outcomes
    } catch (error) {
      if (isBusy(error)) throw error
      if (error instanceof GroupFailed) {
        // Law A13: nothing is committed yet, so the others are done again without it.
        failed.set(error.index, rejected(error.cause))
        continue
      }
      if (!(error instanceof Unproven)) return groups.map(() => rejected(error))
      // A refusal was decided on what is stored and stands; an acknowledgement would be a guess.
      const unknown: Failed = { _tag: "Failed", reached: "unknown", cause: error.cause }
      return groups.map((_, i) => {
        const outcome = outcomes[i]
        return outcome === undefined || outcome._tag === "Appended" ? unknown : outcome
      })
    }
  }
}

/** Nothing of it was stored. */
export const rejected = (cause: unknown): Failed => ({ _tag: "Failed", reached: "rejected", cause })

const begin = (connection: Connection, sql: Statements, full: boolean, now: number): Call => {
  const { generation, position, secured } = sql.meta.get()!
  const { minted } = connection
  return {
    connection,
    sql,
    now,
    full,
    secured,
    before: position,
    position,
    generation,
    minted,
    wrote: false,
    unproven: false,
    bytes: 0
  }
}

const attempt = (call: Call, groups: ReadonlyArray<Group>, index: number): Outcome => {
  try {
    return store(call, groups[index]!)
  } catch (error) {
    throw concernsAll(error) ? error : new GroupFailed(index, error)
  }
}

/** Of SQLite's errors only these are about what was bound; the others are about the file. */
const concernsAll = (error: unknown): boolean => {
  const code = codeOf(error)
  return code.startsWith("SQLITE_") && !/^SQLITE_(CONSTRAINT|TOOBIG|MISMATCH|RANGE)/.test(code)
}

const store = (call: Call, group: Group): Outcome => {
  const { sql } = call
  const row = sql.stream.get(group.stream)
  const head = row === undefined ? undefined : headOf(row, call.secured)
  let admitted = admit(group, { head, known: nothingKnown })
  if (row === undefined) {
    if (admitted._tag !== "Admitted") return admitted
    const { fresh } = admitted
    if (fresh.length === 0) return appended(call, group, admitted, undefined)
    const id = Number(sql.createStream.run(group.stream).lastInsertRowid)
    insertOrThrow(call, id, group.stream, 1, fresh)
    return appended(call, group, admitted, move(call, id, group.stream, undefined, undefined, admitted))
  }
  // Written in one transaction: only damage tells them apart, and the next seq would stand for two events, or behind none.
  if (row.last !== row.seq) {
    const problem = "its row tells another last seq than its events; verify the store"
    throw damaged(call.connection.file, row.name, Math.min(row.last, row.seq) + 1, problem)
  }
  // What looks refused may be a duplicate, which comes before expected and sealed.
  const decided = admitted._tag === "Admitted" && insert(call, row.id, row.name, row.seq + 1, admitted.fresh)
  if (!decided && group.events.length > 0) {
    admitted = admit(group, { head, known: (id) => known(call, row, id) })
    if (admitted._tag === "Admitted") insertOrThrow(call, row.id, row.name, row.seq + 1, admitted.fresh)
  }
  return admitted._tag === "Admitted"
    ? appended(call, group, admitted, move(call, row.id, row.name, row, head, admitted))
    : admitted
}

const nothingKnown = (): undefined => undefined

const known = (call: Call, stream: StreamRow, id: string): KnownEvent | undefined => {
  const row = call.sql.eventById.get(stream.id, id)
  if (row === undefined) return undefined
  const type = call.sql.types.nameOf(row.type_id)
  if (!isIntact(stream.name, type, row))
    throw damaged(call.connection.file, stream.name, row.seq, "its checksum doesn't match")
  return { ...row, type }
}

/** Inserts events, or nothing at all, numbers of types included, when one of the ids is taken. */
const insert = (
  call: Call,
  stream: number,
  name: string,
  first: number,
  fresh: ReadonlyArray<EncodedEvent>
): boolean => {
  const { sql, now, full, secured, position } = call
  const { numbered } = sql.types
  for (let i = 0; i < fresh.length; i++) {
    const event = fresh[i]!
    const seq = first + i
    const place = position + 1 + i
    const unsecured = full ? 0 : place - secured
    const { changes } = sql.insertEvent.run(
      place,
      stream,
      seq,
      event.version,
      event.seals ? 1 : 0,
      event.at,
      now,
      unsecured,
      checksumOf(name, seq, place, event, now, unsecured),
      sql.types.idOf(event.type),
      event.id,
      event.meta ?? null,
      event.data
    )
    if (changes === 0) {
      if (i > 0) sql.deleteEventsFrom.run(stream, first)
      sql.types.takeBack(numbered)
      return false
    }
  }
  call.position = position + fresh.length
  return true
}

const insertOrThrow = (
  call: Call,
  stream: number,
  name: string,
  first: number,
  fresh: ReadonlyArray<EncodedEvent>
): void => {
  if (!insert(call, stream, name, first, fresh))
    throw damaged(call.connection.file, name, first, "its index of ids is wrong")
}

/** Moves a stream's row to where its events and attributes are, and answers the new head. */
const move = (
  call: Call,
  id: number,
  stream: string,
  row: StreamRow | undefined,
  before: Head | undefined,
  admitted: Admitted
): Head => {
  const { sql } = call
  const { fresh, attributes } = admitted
  if (fresh.length === 0 && attributes === undefined) return before!
  call.wrote = true
  let epoch = row?.epoch
  if (fresh.length > 0) {
    beginGeneration(call)
    // SQLite cannot exclude loss between openings: written commits vanish in a power cut, backups are restored.
    if (epoch === undefined || row!.generation !== call.generation) {
      epoch = makeEpoch()
      sql.addEpoch.run(id, (before?.cursor.seq ?? 0) + 1, epoch)
    }
  }
  if (attributes !== undefined) {
    for (const [key, value] of Object.entries(attributes)) sql.setAttribute.run(id, key, value)
  }
  let largest = row?.largest ?? 0
  for (const event of fresh) {
    const bytes = sizeOf(event)
    if (bytes > largest) largest = bytes
    call.bytes += bytes
  }
  const head = advance(stream, before, admitted, { epoch: epoch!, writtenAt: call.now, synced: call.full })
  sql.updateStream.run(
    head.cursor.seq,
    fresh.length > 0 ? call.position : row!.position,
    before?.synced ?? 0,
    head.cursor.epoch,
    fresh.length > 0 ? call.generation : row!.generation,
    head.sealed ? 1 : 0,
    largest,
    head.minAt,
    head.maxAt,
    head.writtenAt,
    id
  )
  return head
}

const appended = (call: Call, group: Group, admitted: Admitted, head: Head | undefined): Appended => {
  const { fresh, attributes, seqs, duplicates, kept } = admitted
  let durability: Appended["durability"] = call.connection.memory ? "none" : group.durability
  // Asked for nothing, one may say that it was reached.
  if (!call.connection.memory && (group.events.length > 0 || group.attributes !== undefined)) {
    // Which labels are secured isn't kept anywhere: one that was there already is secured again.
    const stored = fresh.length > 0 || attributes !== undefined
    const secured = stored ? call.full : group.events.length > 0 && isSecured(seqs, head)
    if (!secured && group.durability === "synced") call.unproven = true
    durability = secured ? "synced" : "written"
  }
  return { _tag: "Appended", seqs, duplicates, kept, head, durability }
}

const isSecured = (seqs: ReadonlyArray<number>, head: Head | undefined): boolean =>
  head !== undefined && seqs.every((seq) => seq <= head.synced)

/** A full commit that stores anything secures what was stored before it. */
const proven = (outcome: Outcome): Outcome => {
  if (outcome._tag !== "Appended" || outcome.head === undefined) return outcome
  const { head } = outcome
  return { ...outcome, durability: "synced", head: { ...head, synced: head.cursor.seq } }
}

const beginGeneration = (call: Call): void => {
  if (call.minted) return
  call.sql.mint.run()
  call.generation++
  call.minted = true
}
