/**
 * Reads the groups of a file one after the other, forward, in chunks: memory is bounded by the longest group (laws Q3,
 * S4). What is answered has the right checksum in the right place.
 */
import type { Disk } from "./Disk.ts"
import {
  findMark,
  longestGroup,
  longestMark,
  type Mark,
  parseMark,
  readGroup,
  type StoredGroup
} from "./Format.ts"

const chunk = 256 * 1024

export class GroupReader {
  /** How many bytes were read from the file. */
  bytesRead = 0
  private readonly disk: Disk
  private readonly fd: number
  private readonly seed: number
  /** Behind the last byte to look at. */
  private to: number
  private readonly most: number
  private buffer: Buffer
  /** The part of the buffer that was filled. */
  private view: Buffer
  /** The offset of the buffer's first byte. */
  private base: number
  /** Where in the buffer the next group begins. */
  private at = 0

  /** @param most bytes to hold at once: what doesn't end within them is "bad" */
  constructor(disk: Disk, fd: number, seed: number, from: number, to: number, most = longestGroup) {
    this.most = most
    this.disk = disk
    this.fd = fd
    this.seed = seed
    this.base = from
    this.to = to
    this.buffer = Buffer.allocUnsafe(Math.max(1, Math.min(chunk, to - from)))
    this.view = this.buffer.subarray(0, 0)
  }

  /** The offset of the next group. */
  get offset(): number {
    return this.base + this.at
  }

  /**
   * The next group; "end" behind the last byte, "partial" where the bytes end within a group, "bad" where a group isn't
   * what was written in its place. Behind a bad one, {@link skip} goes on.
   */
  next(): StoredGroup | "end" | "partial" | "bad" {
    const mark = this.seek()
    if (typeof mark !== "number") return mark
    const end = this.view.indexOf(10, mark) + 1
    const group = readGroup(this.view, this.at, mark, end, this.offset, this.seed)
    if (group === undefined) return "bad"
    this.at = end
    return group
  }

  /**
   * Goes behind the next line that begins as a mark and answers what it says, whatever stands before it: "garbled" where
   * that isn't a mark's, or where there is none for long; undefined where there is none to the end.
   */
  skip(): Mark | "garbled" | undefined {
    const mark = this.seek()
    if (mark === "bad") {
      this.at = this.view.length - longestMark
      return "garbled"
    }
    if (typeof mark !== "number") return undefined
    this.at = this.view.indexOf(10, mark) + 1
    const line = this.view.toString("latin1", mark, Math.min(this.at, mark + longestMark))
    return parseMark(line) ?? "garbled"
  }

  /** Where the next group's mark begins in the buffer, which then holds all of the group. */
  private seek(): number | "end" | "partial" | "bad" {
    let searched = this.at
    for (;;) {
      const mark = findMark(this.view, this.at, searched)
      if (mark >= 0 && this.view.indexOf(10, mark) >= 0) return mark
      if (mark >= 0 && this.view.length - mark > longestMark) return "bad"
      const held = this.view.length - this.at
      if (this.base + this.view.length >= this.to) return held === 0 ? "end" : "partial"
      if (held >= this.most) return "bad"
      // What was searched is not searched again, but for a mark that may begin in it.
      const begun = Math.max(0, held - longestMark)
      this.refill(held)
      searched = begun
    }
  }

  private refill(held: number): void {
    const { buffer } = this
    if (held * 2 > buffer.length) this.buffer = Buffer.allocUnsafe(2 * buffer.length)
    buffer.copy(this.buffer, 0, this.at, this.at + held)
    this.base += this.at
    this.at = 0
    const wanted = Math.min(this.buffer.length - held, this.to - this.base - held)
    const read = this.disk.readSync(this.fd, this.buffer, held, wanted, this.base + held)
    this.bytesRead += read
    this.view = this.buffer.subarray(0, held + read)
    // A recovery cut the file while it was read: what is missing isn't there.
    if (read === 0) this.to = this.base + held
  }
}
