/**
 * One stream's log: what is known of it, and its one writer. Everything that writes it goes through one lock, and
 * whatever fails after the first byte goes one way: nothing that is in memory is trusted, and before the next append
 * the file is recovered anew (laws A4, A5, A6, A12).
 */
import {
  admit,
  type Admitted,
  advance,
  type Appended,
  Busy,
  Damaged,
  type Group,
  type Head,
  type KnownEvent,
  makeEpoch,
  type Outcome
} from "@varve/core"
import { randomBytes } from "node:crypto"
import type { Claims } from "./Claims.ts"
import type { Disk } from "./Disk.ts"
import { closeQuietly, create, openToRead, syncFolder, writeAll } from "./files.ts"
import { attributesLine, epochLine, eventLine, type GroupBuffer, headerLine, type Mark } from "./Format.ts"
import type { Entry, HeadIndex, Look } from "./HeadIndex.ts"
import type { IdTable } from "./IdTable.ts"
import { Lock } from "./Lock.ts"
import type { Notice } from "./Notice.ts"
import { recover, sync } from "./Recovery.ts"
import { readEvent } from "./seek.ts"
import { run, runNow, type Steps } from "./Steps.ts"
import { addType, type Headless, isLogOf, readLog, scan, Summary } from "./Summary.ts"
import type { Turns } from "./Turns.ts"

/** What a log shares with the others of its folder. */
export interface Surroundings {
  readonly directory: string
  readonly disk: Disk
  readonly claims: Claims
  readonly turns: Turns
  readonly buffer: GroupBuffer
  /** Of the hashes of ids. */
  readonly salt: number
  readonly counters: { syncs: number; bytesRead: number }
  readonly notify: (notice: Notice) => void
  readonly index: HeadIndex
  /** Bytes of a log from which on the index is asked for it. */
  readonly worthIndex: number
  /** Waits until one more log may be held open; answered by `closed`. */
  readonly enter: (log: StreamLog) => Steps<void>
  /** A log was recovered, or is let go. */
  readonly opened: (log: StreamLog) => void
  readonly closed: (log: StreamLog, isUnsecured: boolean) => void
}

/** What a writer holds, from its claim to its release. */
interface Writing {
  /** Undefined while the stream has no file. */
  fd: number | undefined
  summary: Summary | undefined
  readonly ids: IdTable
  /** Whether an epoch of its own is still to begin: with its first events. */
  begins: boolean
  /** Whether the disk is asked to sync it just now. */
  isSyncing: boolean
  /** Whether a write failed meanwhile. */
  isTorn: boolean
}

/** A group in the buffer, ready to be written. */
interface Plan {
  readonly admitted: Admitted
  readonly now: number
  readonly epoch: string
  readonly isEpochNew: boolean
  /** Where the group begins, and where the buffer does, which may hold a header before it. */
  readonly from: number
  readonly offset: number
  readonly first: number
  /** Bytes in the buffer. */
  readonly length: number
}

export class StreamLog {
  readonly stream: string
  /** Its file's name without extension: what claims and snapshots go by, too. */
  readonly name: string
  readonly file: string
  /** When it was written last, by the monotonic clock. */
  lastUsed = 0
  private readonly store: Surroundings
  private readonly lock = new Lock()
  private readonly looking = new Lock()
  private writing: Writing | undefined
  /** What readers know. A writer knows it better. */
  private known: Summary | undefined
  private looked: Look | undefined
  /** Where a write of this process failed; what stands behind it was acknowledged to nobody. */
  private failedAt: number | undefined
  /** Up to here it was written, and not secured, when it was let go or a sync failed; 0 for nothing. */
  private leftTo = 0

  constructor(store: Surroundings, stream: string, name: string) {
    this.store = store
    this.stream = stream
    this.name = name
    this.file = `${store.directory}/${name}.jsonl`
  }

  /** Whether nobody writes it, nor waits to. */
  get isIdle(): boolean {
    return this.writing === undefined && !this.isInUse
  }

  /** Whether a call is at it. */
  get isInUse(): boolean {
    return this.lock.isTaken
  }

  /** What is known by now; undefined when there is no such stream. Reads what is new of the file. Repairs nothing. */
  *look(): Steps<Summary | undefined> {
    if (this.writing !== undefined) return existing(this.writing.summary)
    yield* this.looking.take()
    try {
      const known = yield* this.read()
      return existing(this.writing === undefined ? known : (this.writing as Writing).summary)
    } finally {
      this.looking.free()
    }
  }

  private *read(): Steps<Summary | undefined> {
    const { disk, index, turns } = this.store
    const facts = disk.lstatSync(this.file, { throwIfNoEntry: false })
    if (facts === undefined || !facts.isFile()) return (this.known = this.looked = undefined)
    if (this.known === undefined && this.looked === undefined && facts.size >= this.store.worthIndex)
      this.recall(index.get(this.name))
    const { looked } = this
    const isSame = looked !== undefined && looked.ino === facts.ino && looked.size === facts.size
    if (isSame && looked.mtimeMs === facts.mtimeMs) return this.known
    const fd = openToRead(disk, this.file)
    if (fd === undefined) return (this.known = this.looked = undefined)
    try {
      const { ino, mtimeMs, size } = disk.fstatSync(fd)
      let known = this.known
      if (
        known === undefined ||
        known.damage !== undefined ||
        size < known.end ||
        !isLogOf(disk, fd, known)
      ) {
        const found = yield* this.readAll(fd)
        known = typeof found === "string" ? undefined : found
      } else this.store.counters.bytesRead += yield* scan(known, disk, fd, turns)
      this.looked = { ino, mtimeMs, size }
      index.outdated.add(this.name)
      return (this.known = known)
    } finally {
      disk.closeSync(fd)
    }
  }

  private recall(entry: Entry | undefined): void {
    if (entry === undefined) return
    this.known = Summary.from(entry.kept, this.file)
    this.looked = entry.look
  }

  /** What the index is to hold of it; undefined for nothing. */
  entry(): Entry | undefined {
    const { known } = this
    const kept = known?.keep()
    if (known === undefined || kept === undefined) return undefined
    // What isn't secured may be gone after a power cut, though size and time stay: it has to be read again.
    if (known.proven < known.used) return { kept, look: { size: -1, ino: 0, mtimeMs: 0 } }
    if (this.looked !== undefined) return { kept, look: this.looked }
    // It was written here last; unless another process goes on with it already.
    const facts = this.store.disk.lstatSync(this.file, { throwIfNoEntry: false })
    if (facts?.size !== known.end) return undefined
    return { kept, look: { size: facts.size, ino: facts.ino, mtimeMs: facts.mtimeMs } }
  }

  private *readAll(fd: number): Steps<Summary | Headless> {
    const { disk, turns } = this.store
    try {
      return yield* readLog({ disk, turns, stream: this.stream, file: this.file }, fd)
    } catch (error) {
      if (!(error instanceof Damaged)) throw error
      const nothing = Summary.begin(this.stream, this.file, Buffer.alloc(0))
      nothing.damage = error
      return nothing
    }
  }

  // --- writing -------------------------------------------------------------------------------------------------

  /** Stores a group, or says why not. Runs without a promise where the stream is claimed and no sync is asked for. */
  *append(group: Group, now: number): Steps<Outcome> {
    yield* this.lock.take()
    try {
      const writing = yield* this.open()
      if (typeof writing === "string") return { _tag: "Claimed", owner: writing }
      return yield* this.take(writing, group, now)
    } catch (cause) {
      return { _tag: "Failed", reached: "rejected", cause }
    } finally {
      this.lock.free()
    }
  }

  /**
   * The same at once, for exit handlers, which have no second try (law A9). While the log is being synced the lock is
   * taken, but nothing moves before the disk has answered: the group goes behind what is being secured.
   */
  appendNow(group: Group, now: number): Outcome {
    const { writing } = this
    try {
      const isOpen = writing?.isSyncing === true && !writing.isTorn
      return runNow(isOpen ? this.take(writing, group, now) : this.append(group, now))
    } catch (cause) {
      return { _tag: "Failed", reached: "rejected", cause }
    }
  }

  /** Stores a group under the lock. Throws what kept it from being written. */
  private *take(writing: Writing, group: Group, now: number): Steps<Outcome> {
    const admitted = admit(group, {
      head: writing.summary?.head,
      known: (id) => this.find(writing, id)
    })
    if (admitted._tag !== "Admitted") return admitted
    const isNew = admitted.fresh.length > 0 || admitted.attributes !== undefined
    const plan = isNew ? this.plan(writing, admitted, now) : undefined
    try {
      if (plan !== undefined) this.write(writing, plan)
      const { summary } = writing
      const end = summary?.used ?? 0
      if (group.durability === "synced" && summary !== undefined && summary.proven < end) {
        if (writing.isSyncing) return { _tag: "Failed", reached: "unknown", cause: new Error(notSynced) }
        yield* this.secure(writing, summary)
      }
      // Whoever takes over writes everything behind the last proof once more: that must not grow without end.
      else if (summary !== undefined && summary.end - summary.proven > mostUnproven) this.syncSoon()
      return appended(admitted, summary, end)
    } catch (cause) {
      this.doubt(writing)
      return { _tag: "Failed", reached: "unknown", cause }
    }
  }

  /** Puts what was admitted into the buffer. What is wrong with it throws here, before anything is written. */
  private plan(writing: Writing, admitted: Admitted, now: number): Plan {
    const { attributes, fresh } = admitted
    const { summary } = writing
    const { buffer, disk } = this.store
    const last = summary?.epochs.at(-1)?.epoch ?? ""
    const epoch = writing.begins && fresh.length > 0 ? makeEpoch() : last
    const header = summary === undefined ? headerLine(this.stream, randomBytes(8).toString("hex")) : ""
    const from = summary?.end ?? Buffer.byteLength(header)
    const first = (summary?.head?.cursor.seq ?? 0) + 1

    let lines = epoch === last ? "" : epochLine(epoch, last)
    if (attributes !== undefined) lines += attributesLine(attributes)
    for (let i = 0; i < fresh.length; i++) lines += eventLine(fresh[i]!, first + i)
    const length = buffer.fill(
      header,
      lines,
      {
        end: first + fresh.length - 1,
        count: fresh.length,
        from,
        epoch,
        writtenAt: now,
        synced: summary?.head?.synced ?? 0,
        proven: summary?.proven ?? 0
      },
      summary?.seed ?? 0
    )
    writing.fd ??= create(disk, this.file)
    return {
      admitted,
      now,
      epoch,
      isEpochNew: epoch !== last,
      from,
      first,
      offset: summary?.end ?? 0,
      length
    }
  }

  /** Writes the buffer, and moves what is in memory on. Throws when it is unknown what was written. */
  private write(writing: Writing, plan: Plan): void {
    const { admitted, epoch, first, from, length, now, offset } = plan
    const { buffer, disk } = this.store
    const fd = writing.fd!
    writeAll(disk, fd, buffer.bytes, length, offset)
    writing.summary ??= Summary.begin(this.stream, this.file, buffer.bytes.subarray(0, from))
    const { ids, summary } = writing
    if (plan.isEpochNew) {
      summary.beginEpoch(epoch, first)
      writing.begins = false
    }
    summary.head = advance(this.stream, summary.head, admitted, { epoch, writtenAt: now, synced: false })
    summary.extend(offset + length, buffer.sum, true)
    for (let i = 0; i < admitted.fresh.length; i++) {
      const { id, type } = admitted.fresh[i]!
      ids.add(id, first + i)
      addType(summary, type)
    }
    this.lastUsed = performance.now()
  }

  /**
   * Syncs everything that was written, and puts an unsynced proof at the end. Throws when it isn't secured. What
   * {@link appendNow} wrote meanwhile is not part of it: the sync may have been over before.
   */
  private *secure(writing: Writing, summary: Summary): Steps<void> {
    const { buffer, counters, directory, disk } = this.store
    const secured = summary.end
    const { seq } = summary.head!.cursor
    writing.isSyncing = true
    try {
      yield* sync(disk, writing.fd!)
    } finally {
      writing.isSyncing = false
    }
    if (summary.proven === 0) syncFolder(disk, directory)
    counters.syncs++
    summary.prove(secured, seq)
    if (writing.isTorn) return this.doubt(writing)
    const { cursor, synced, writtenAt } = summary.head!
    const from = summary.end
    const proof: Mark = {
      end: cursor.seq,
      count: 0,
      from,
      epoch: cursor.epoch,
      writtenAt,
      synced,
      proven: secured
    }
    try {
      const length = buffer.fill("", "", proof, summary.seed)
      writeAll(disk, writing.fd!, buffer.bytes, length, from)
      summary.extend(from + length, buffer.sum, false)
    } catch {
      // What was asked for is secured. But half a proof may stand there now, and nothing may come behind it (law A6).
      this.doubt(writing)
    }
  }

  /** The writer, made ready by claim and recovery where it isn't; or who owns the stream. */
  private *open(): Steps<Writing | string> {
    if (this.writing !== undefined) return this.writing
    const { claims, disk, notify, salt, turns } = this.store
    this.lastUsed = performance.now()
    yield* this.store.enter(this)
    try {
      const owner = yield* claims.take(this.name)
      if (owner !== undefined) {
        this.store.closed(this, this.leftTo > 0)
        return owner
      }
      const { failedAt, file, stream } = this
      const found = yield* recover({ disk, turns, salt, stream, file, notify, failedAt })
      this.failedAt = undefined
      this.leftTo = 0
      this.known = this.looked = undefined
      this.lastUsed = performance.now()
      this.writing = { ...found, begins: true, isSyncing: false, isTorn: false }
      this.store.opened(this)
      return this.writing
    } catch (error) {
      const isUnsecured = this.failedAt !== undefined || this.leftTo > 0
      // Whoever claims it meanwhile may leave a torn end of its own there, which is to be kept and told.
      this.failedAt = undefined
      claims.drop(this.name)
      this.store.closed(this, isUnsecured)
      throw error
    }
  }

  /** From here on nothing in memory is trusted, and the descriptor of a failed sync is not used again (law A5). */
  private doubt(writing: Writing): void {
    // The disk is at it still: whoever waits for that comes here again, and until then nothing more is written.
    if (writing.isSyncing) {
      writing.isTorn = true
      return
    }
    if (writing.fd !== undefined) closeQuietly(this.store.disk, writing.fd)
    this.failedAt = writing.summary?.end ?? 0
    this.leftTo = unsecuredEnd(writing.summary)
    this.writing = undefined
    this.known = this.looked = undefined
  }

  private find(writing: Writing, id: string): KnownEvent | undefined {
    const { summary } = writing
    let found: KnownEvent | undefined
    if (summary === undefined) return undefined
    writing.ids.find(id, (seq) => {
      const event = readEvent(this.store.disk, writing.fd!, summary, seq)
      if (event.id === id) found = event
      return found !== undefined
    })
    return found
  }

  // --- letting go ----------------------------------------------------------------------------------------------

  /** Secures what was written. */
  *sync(): Steps<void> {
    yield* this.lock.take()
    try {
      // After a failure or a release it is recovery that secures what stands there; or that of whoever owns it now.
      const owner = this.writing === undefined ? yield* this.open() : undefined
      if (typeof owner === "string") {
        const found = yield* this.look()
        if (found !== undefined && found.proven < this.leftTo) throw new Busy({ stream: this.stream, owner })
        this.leftTo = 0
        this.store.closed(this, false)
        return
      }
      const { writing } = this
      const summary = writing?.summary
      if (writing === undefined || summary === undefined || summary.proven >= summary.used) return
      try {
        yield* this.secure(writing, summary)
      } catch (error) {
        this.doubt(writing)
        throw error
      }
    } finally {
      this.lock.free()
    }
  }

  private syncSoon(): void {
    // Its failure is met by the next append.
    Promise.resolve(run(this.sync())).catch(() => undefined)
  }

  /**
   * Lets others write. What was written is secured first: else whoever comes next has to read it all, or write it once
   * more. Where that fails it is left to them.
   */
  *release(): Steps<void> {
    yield* this.lock.take()
    try {
      const { writing } = this
      const summary = writing?.summary
      if (writing !== undefined && summary !== undefined && summary.proven < summary.used) {
        try {
          yield* this.secure(writing, summary)
        } catch {
          this.doubt(writing)
        }
      }
      this.close()
    } finally {
      this.lock.free()
    }
  }

  /** Removes the log under the claim, by `work`; or says who owns it. */
  *remove(work: (exists: boolean) => void): Steps<boolean | string> {
    yield* this.lock.take()
    try {
      const owner = yield* this.store.claims.take(this.name)
      if (owner !== undefined) return owner
      try {
        const facts = this.store.disk.lstatSync(this.file, { throwIfNoEntry: false })
        work(facts !== undefined)
        if (this.writing !== undefined) this.writing.summary = undefined
        this.failedAt = undefined
        this.leftTo = 0
        return facts !== undefined
      } finally {
        this.close()
        this.known = undefined
      }
    } finally {
      this.lock.free()
    }
  }

  private close(): void {
    const { writing } = this
    if (writing?.fd !== undefined) closeQuietly(this.store.disk, writing.fd)
    if (writing !== undefined) {
      this.leftTo = unsecuredEnd(writing.summary)
      this.known = writing.summary
      this.looked = undefined
      this.store.index.outdated.add(this.name)
    }
    this.writing = undefined
    this.failedAt = undefined
    this.store.closed(this, this.leftTo > 0)
    this.store.claims.drop(this.name)
  }
}

/** Bytes behind the last proof after which a log is synced without being asked to. */
const mostUnproven = 32 * 1024 * 1024

/** Where ends what no sync has secured; 0 where there is nothing of it. */
const unsecuredEnd = (summary: Summary | undefined): number =>
  summary !== undefined && summary.proven < summary.used ? summary.used : 0

/** A log without events is no stream yet. */
const existing = (summary: Summary | undefined): Summary | undefined =>
  summary?.head === undefined && summary?.damage === undefined ? undefined : summary

/** Why a group that an exit handler asks to be synced isn't. */
const notSynced = "written, but behind a sync that is under way, which an exit handler cannot wait for"

/** @param end behind the group, or where the log ended for duplicates */
const appended = (admitted: Admitted, summary: Summary | undefined, end: number): Appended => {
  const head: Head | undefined = summary?.head
  return {
    _tag: "Appended",
    seqs: admitted.seqs,
    duplicates: admitted.duplicates,
    kept: admitted.kept,
    head,
    durability: summary !== undefined && summary.proven >= end ? "synced" : "written"
  }
}
