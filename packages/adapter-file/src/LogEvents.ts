/**
 * The events of one log in either direction, one at a time and without making objects: {@link line} is on one event
 * after the other. Holds one chunk of the file. What isn't what was written throws `Damaged`.
 */
import type { Disk } from "./Disk.ts"
import { EventLine } from "./EventLine.ts"
import { findMarkBackward, longestGroup, type Mark, readGroup, type StoredGroup } from "./Format.ts"
import { GroupReader } from "./GroupReader.ts"
import { seek } from "./seek.ts"
import type { Summary } from "./Summary.ts"

export interface LogEvents {
  readonly line: EventLine
  /** Of the group that the event is in. */
  readonly mark: Mark
  /** Goes to the next event; false behind the last. */
  readonly next: () => boolean
  /** Goes behind what made {@link next} throw `Damaged`. */
  readonly skip: () => void
  readonly bytesRead: number
}

/** What of a summary a reader needs, as it was when it began: a writer goes on with its own. */
export type Place = Pick<Summary, "start" | "end" | "seed" | "damaged">

/** The events `from..to` of a log, ascending. */
export class Forward implements LogEvents {
  readonly line = new EventLine()
  mark!: Mark
  private readonly reader: GroupReader
  private readonly place: Place
  private readonly from: number
  private readonly to: number
  private isOpen = false
  private isOver = false

  constructor(disk: Disk, fd: number, place: Place, from: number, to: number) {
    this.reader = new GroupReader(disk, fd, place.seed, seek(disk, fd, place, from), place.end)
    this.place = place
    this.from = from
    this.to = to
  }

  get bytesRead(): number {
    return this.reader.bytesRead
  }

  next(): boolean {
    const { line } = this
    for (;;) {
      while (this.isOpen && line.advance()) {
        if (line.kind !== "event" || line.seq < this.from) continue
        if (line.seq <= this.to) return true
        return (this.isOpen = false)
      }
      if (this.isOver || (this.mark !== undefined && this.mark.end >= this.to)) return (this.isOpen = false)
      this.openGroup()
    }
  }

  skip(): void {
    this.isOver = this.reader.skip() === undefined || this.reader.offset >= this.place.end
  }

  private openGroup(): void {
    const { offset } = this.reader
    const group = this.reader.next()
    if (typeof group === "string") throw this.place.damaged(offset, notWhatWasWritten)
    this.mark = group.mark
    this.isOpen = group.mark.count > 0 && group.mark.end >= this.from
    if (this.isOpen) this.line.open(group)
  }
}

const chunk = 256 * 1024

/** The events `from..to` of a log, descending. */
export class Backward implements LogEvents {
  readonly line = new EventLine()
  mark!: Mark
  bytesRead = 0
  private readonly disk: Disk
  private readonly fd: number
  private readonly place: Place
  private readonly from: number
  private readonly to: number
  /** Where the events of the open group begin that are still to come. */
  private places: Array<number> = []
  /** What is held of the file, and the offset of its first byte. */
  private bytes = Buffer.alloc(0)
  private base: number
  /** Behind the group that comes next. */
  private end: number

  constructor(disk: Disk, fd: number, place: Place, from: number, to: number) {
    this.disk = disk
    this.fd = fd
    this.place = place
    this.from = from
    this.to = to
    this.end = behind(disk, fd, place, to)
    this.base = this.end
  }

  next(): boolean {
    for (;;) {
      const place = this.places.pop()
      if (place !== undefined) {
        this.line.goTo(place)
        return true
      }
      if (this.mark !== undefined && this.mark.end - this.mark.count < this.from) return false
      if (this.end <= this.place.start) return false
      this.openGroup()
    }
  }

  skip(): void {
    const { place } = this
    for (let wanted = chunk; ; wanted *= 2) {
      this.hold(wanted)
      const mark = findMarkBackward(this.bytes, this.end - this.base - 1)
      const before = mark < 0 ? -1 : findMarkBackward(this.bytes, mark)
      const end = before < 0 ? -1 : this.bytes.indexOf(10, before) + 1
      if (end > 0) this.end = this.base + end
      else if (this.base === place.start) this.end = place.start
      else continue
      return
    }
  }

  private openGroup(): void {
    const group = this.groupBefore()
    this.mark = group.mark
    this.end = group.from
    const { line } = this
    if (group.mark.count === 0) return
    line.open(group)
    while (line.advance()) {
      if (line.kind === "event" && line.seq >= this.from && line.seq <= this.to) this.places.push(line.place)
    }
  }

  private groupBefore(): StoredGroup {
    for (let wanted = 1; ;) {
      this.hold(wanted)
      const { base, bytes, end } = this
      const mark = findMarkBackward(bytes, end - base - 1)
      const from = mark < 0 ? undefined : this.startOf(mark)
      if (from !== undefined && from < base) wanted = end - from
      else if (from === undefined && mark < 0 && base > this.place.start) wanted = 2 * (end - base) + 1
      else {
        const group =
          from === undefined
            ? undefined
            : readGroup(bytes, from - base, mark, end - base, from, this.place.seed)
        if (group === undefined) throw this.place.damaged(from ?? base + Math.max(0, mark), notWhatWasWritten)
        return group
      }
      if (wanted > longestGroup) throw this.place.damaged(end, notWhatWasWritten)
    }
  }

  /** What the mark at `bytes[mark]` says of the beginning of its group, where that can be. */
  private startOf(mark: number): number | undefined {
    const { base, bytes, end, place } = this
    const found = /"from":(\d{1,16}),/.exec(bytes.toString("latin1", mark, Math.min(end - base, mark + 128)))
    const from = Number(found?.[1])
    return from >= place.start && from <= base + mark ? from : undefined
  }

  /** Holds at least so many bytes before `end`, as far as there are so many. */
  private hold(wanted: number): void {
    const { disk, end, fd, place } = this
    if (end - this.base >= Math.min(wanted, end - place.start) && this.base < end) return
    const length = Math.min(end - place.start, Math.max(chunk, wanted))
    this.bytes = Buffer.allocUnsafe(length)
    this.base = end - length
    let done = 0
    while (done < length) {
      const read = disk.readSync(fd, this.bytes, done, length - done, this.base + done)
      if (read === 0) throw place.damaged(this.base + done, "the log became shorter")
      done += read
    }
    this.bytesRead += done
  }
}

/** The offset behind the group that holds `seq`, or behind the one in which it is missing. */
const behind = (disk: Disk, fd: number, place: Place, seq: number): number => {
  const reader = new GroupReader(disk, fd, place.seed, seek(disk, fd, place, seq), place.end)
  for (;;) {
    const group = reader.next()
    if (group === "end") return reader.offset
    if (typeof group === "object") {
      if (group.mark.end >= seq) return group.to
    } else if (reader.skip() === undefined) return place.end
  }
}

const notWhatWasWritten = "a group is not what was written"
