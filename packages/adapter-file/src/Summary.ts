/**
 * What is known of a log without reading it again: how far it was read and found right, and what its groups say
 * together. Readers and writers build the same one by the same scan, and go on with it where the file has grown.
 */
import { Damaged, type Epoch, type Head } from "@varve/core"
import type { Disk } from "./Disk.ts"
import { EventLine } from "./EventLine.ts"
import {
  formatVersion,
  headerStart,
  longestHeader,
  parseHeader,
  seedOf,
  sumBefore,
  type StoredGroup
} from "./Format.ts"
import { GroupReader } from "./GroupReader.ts"
import type { IdTable } from "./IdTable.ts"
import type { Steps } from "./Steps.ts"
import type { Turns } from "./Turns.ts"

/** More types than this aren't listed: then any may be there. */
const mostTypes = 32

/** A log as it was when all of it was secured, as plain data. */
export interface Kept {
  readonly stream: string
  readonly start: number
  readonly seed: number
  readonly sum: number
  readonly end: number
  readonly head: Head
  readonly epochs: ReadonlyArray<Epoch>
  readonly types: ReadonlyArray<string> | null
}

export class Summary {
  readonly stream: string
  readonly file: string
  /** The length of the header, and its checksum: that of no other log, since a header holds a random salt. */
  readonly start: number
  readonly seed: number
  /** Behind the last group that was found right. */
  end: number
  /** The checksum of that group. */
  sum = 0
  /** Behind the last group that holds more than a proof. */
  used: number
  /** Up to here a sync is known to have secured everything. */
  proven = 0
  head: Head | undefined
  epochs: ReadonlyArray<Epoch> = []
  /** The types of its events; undefined for too many. */
  types: Set<string> | undefined = new Set()
  /** Where bytes that had been secured aren't what was written. */
  damage: Damaged | undefined
  /** How it was when all of it was secured last. */
  private secured: Pick<Kept, "end" | "epochs" | "head" | "sum"> | undefined

  constructor(stream: string, file: string, start: number, seed: number) {
    this.stream = stream
    this.file = file
    this.start = start
    this.seed = seed
    this.end = start
    this.used = start
  }

  /** Of a log of which nothing is known but its header. */
  static begin(stream: string, file: string, header: Uint8Array): Summary {
    return new Summary(stream, file, header.length, seedOf(header))
  }

  static from(kept: Kept, file: string): Summary {
    const { end, epochs, head, start, seed, stream, sum, types } = kept
    const summary = new Summary(stream, file, start, seed)
    summary.end = summary.used = summary.proven = end
    summary.sum = sum
    summary.head = head
    summary.epochs = epochs
    summary.types = types === null ? undefined : new Set(types)
    summary.secured = kept
    return summary
  }

  /** What a power cut cannot take back of it; undefined for nothing. */
  keep(): Kept | undefined {
    const { damage, seed, secured, start, stream, types } = this
    if (damage !== undefined || secured === undefined) return undefined
    const { end, epochs, head, sum } = secured
    return { stream, start, seed, sum, end, head, epochs, types: types === undefined ? null : [...types] }
  }

  /** Everything up to `offset` is secured, that is up to the event `seq`. */
  prove(offset: number, seq: number): void {
    if (offset <= this.proven) return
    this.proven = offset
    if (this.head === undefined) return
    if (seq > this.head.synced) this.head = { ...this.head, synced: seq }
    if (offset >= this.used) {
      const { end, epochs, head, sum } = this
      this.secured = { end, epochs, head, sum }
    }
  }

  /** A group ends at `end`; `isUsed` unless it is a proof alone. */
  extend(end: number, sum: number, isUsed: boolean): void {
    this.end = end
    this.sum = sum
    if (isUsed) this.used = end
  }

  beginEpoch(epoch: string, first: number): void {
    this.epochs = [...this.epochs, { epoch, first }]
  }

  damaged(offset: number, problem: string): Damaged {
    return new Damaged({ stream: this.stream, file: this.file, offset, problem })
  }
}

/** What is told while a log is scanned. */
export interface Visit extends Partial<Pick<IdTable, "add">> {
  /** A place whose bytes had been secured and aren't what was written. Each of them, while `Summary.damage` is the first. */
  readonly damaged?: (offset: number) => void
}

/** What a file is that has no whole header. */
export type Headless = "empty" | "torn" | "foreign"

/** Where a log lies. */
export interface Place {
  readonly disk: Disk
  readonly turns: Turns
  readonly stream: string
  readonly file: string
}

/**
 * Reads a whole log. A file without a header has no stream in it yet, unless something in it says that it had: that is
 * damage and thrown, as is the log of another stream or of a newer version.
 */
export function* readLog(place: Place, fd: number, visit?: Visit): Steps<Summary | Headless> {
  const { disk, file, stream, turns } = place
  const found = readHeader(disk, fd, stream, file)
  if (typeof found === "object") {
    yield* scan(found, disk, fd, turns, visit)
    return found
  }
  const headless = Summary.begin(stream, file, Buffer.alloc(0))
  yield* scan(headless, disk, fd, turns)
  if (headless.damage !== undefined) throw headless.damage
  return found
}

const readHeader = (disk: Disk, fd: number, stream: string, file: string): Summary | Headless => {
  const facts = disk.fstatSync(fd)
  const bytes = Buffer.allocUnsafe(Math.min(facts.size, longestHeader))
  const read = disk.readSync(fd, bytes, 0, bytes.length, 0)
  if (read === 0) return "empty"
  const end = bytes.subarray(0, read).indexOf(10) + 1
  const header = end === 0 ? undefined : parseHeader(bytes.toString("utf8", 0, end))
  if (header === undefined) {
    // Half a header, and the zeroes that a power cut leaves of the rest.
    const zeroes = bytes.subarray(0, read).indexOf(0)
    const left = Math.min(zeroes < 0 ? read : zeroes, headerStart.length)
    const isOurs = headerStart.startsWith(bytes.toString("latin1", 0, left))
    return isOurs ? "torn" : "foreign"
  }
  const damaged = (problem: string) => new Damaged({ stream, file, offset: 0, problem })
  if (header.version > formatVersion)
    throw damaged(`its format is version ${header.version}, newer than ${formatVersion}, which is known here`)
  if (header.stream !== stream) throw damaged("it is the log of another stream")
  return Summary.begin(stream, file, bytes.subarray(0, end))
}

/** Whether a file is the log that a summary was made of, and not one that was made or brought back in its place. */
export const isLogOf = (disk: Disk, fd: number, { end, seed, start, sum }: Summary): boolean => {
  const header = Buffer.alloc(start)
  if (disk.readSync(fd, header, 0, start, 0) < start || seedOf(header) !== seed) return false
  return end === start || sumBefore(disk, fd, end) === sum
}

/**
 * Goes on with a summary to the end of the file, checking every byte. Ends before a group that isn't whole: for a
 * reader that is not yet there, for a writer it is torn. Where a later mark proves that it had been secured, it is
 * damage (law R2): that is noted, and the scan goes on behind it.
 */
export function* scan(summary: Summary, disk: Disk, fd: number, turns: Turns, visit?: Visit): Steps<number> {
  const { size } = disk.fstatSync(fd)
  if (summary.end >= size) return 0
  const reader = new GroupReader(disk, fd, summary.seed, summary.end, size)
  const lines = new EventLine()
  for (;;) {
    yield* turns.give()
    const offset = reader.offset
    const group = reader.next()
    if (typeof group === "object" && follows(summary, group)) {
      absorb(summary, group, lines, visit)
      continue
    }
    if (group === "end") break
    if (!(yield* isProven(offset, disk, fd, size, turns))) break
    visit?.damaged?.(offset)
    summary.damage ??= summary.damaged(offset, "a group that was secured is not what was written")
    if (typeof group !== "object" && reader.skip() === undefined) break
  }
  return reader.bytesRead
}

/** Whether a group can stand where it does: its seqs go on, and it names the epoch that is current. */
const follows = ({ damage, epochs, head }: Summary, { lines, mark }: StoredGroup): boolean => {
  // Behind damage it is unknown what was missed: each group stands for itself.
  if (damage !== undefined) return mark.end >= (head?.cursor.seq ?? 0) + mark.count
  if (mark.end !== (head?.cursor.seq ?? 0) + mark.count || mark.proven > mark.from) return false
  const epoch = epochs.at(-1)?.epoch ?? ""
  if (lines[2] !== 0x65) return mark.epoch === epoch
  const first = JSON.parse(lines.toString("utf8", 0, lines.indexOf(10))) as { epoch: string; after: string }
  return first.epoch === mark.epoch && first.after === epoch
}

/** Takes a group into a summary. */
const absorb = (summary: Summary, group: StoredGroup, line: EventLine, visit: Visit | undefined): void => {
  const { mark } = group
  summary.prove(mark.proven, mark.synced)
  const before = summary.head
  let minAt = before?.minAt ?? Infinity
  let maxAt = before?.maxAt ?? -Infinity
  let sealed = before?.sealed ?? false
  let attributes = before?.attributes ?? {}
  if (mark.count > 0 && summary.epochs.at(-1)?.epoch !== mark.epoch)
    summary.beginEpoch(mark.epoch, mark.end - mark.count + 1)
  if (group.lines.length > 0) {
    line.open(group)
    while (line.advance()) {
      if (line.kind === "label") attributes = { ...attributes, ...line.label }
      else if (line.kind === "event") {
        if (line.at < minAt) minAt = line.at
        if (line.at > maxAt) maxAt = line.at
        sealed ||= line.seals
        addType(summary, line.type)
        visit?.add?.(line.id, line.seq)
      }
    }
  }
  const isUsed = group.lines.length > 0
  // A stream begins with its first event: until then there is nothing to tell of it.
  if (mark.end > 0) {
    summary.head = {
      stream: summary.stream,
      cursor: { epoch: mark.epoch, seq: mark.end },
      synced: before?.synced ?? 0,
      sealed,
      minAt,
      maxAt,
      writtenAt: isUsed || before === undefined ? mark.writtenAt : before.writtenAt,
      attributes
    }
  }
  summary.extend(group.to, mark.crc, isUsed)
}

export const addType = (summary: Summary, type: string): void => {
  const { types } = summary
  if (types === undefined || types.has(type)) return
  if (types.size === mostTypes) summary.types = undefined
  else types.add(type)
}

/**
 * Whether a mark behind `offset` says that what lies there had been secured. Marks are honest whatever became of what
 * stands before them, so their own groups need not be whole.
 */
function* isProven(offset: number, disk: Disk, fd: number, size: number, turns: Turns): Steps<boolean> {
  // No group is wanted whole, so memory is bounded by a chunk.
  const reader = new GroupReader(disk, fd, 0, offset, size, 1024 * 1024)
  for (;;) {
    yield* turns.give()
    const mark = reader.skip()
    if (mark === undefined) return false
    if (mark !== "garbled" && mark.proven > offset && mark.proven <= mark.from && mark.from < reader.offset)
      return true
  }
}
