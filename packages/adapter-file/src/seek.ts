/**
 * Finds a place in a log by seq without an index: seqs ascend and every group ends in a mark that says how far it comes,
 * so halving the file finds any of them. A file of 1 GB takes 12 short reads.
 */
import type { StoredEvent } from "@varve/core"
import type { Disk } from "./Disk.ts"
import { EventLine } from "./EventLine.ts"
import { findMark, longestMark, parseMark } from "./Format.ts"
import { GroupReader } from "./GroupReader.ts"
import type { Summary } from "./Summary.ts"

/** Stretches that are read through rather than halved, in bytes. */
const short = 32 * 1024
const probe = 4 * 1024

/** An offset at which a group begins, not far before the one that holds `seq`. */
export const seek = (disk: Disk, fd: number, place: Pick<Summary, "start" | "end">, seq: number): number => {
  let low = place.start
  let high = place.end
  if (seq <= 1) return low
  while (high - low > short) {
    const middle = low + Math.floor((high - low) / 2)
    const found = markBehind(disk, fd, middle, high)
    if (found === undefined || found.end >= seq) high = middle
    else low = found.offset
  }
  return low
}

/** The first mark that begins behind `from`, and the offset behind it. */
const markBehind = (
  disk: Disk,
  fd: number,
  from: number,
  to: number
): { readonly end: number; readonly offset: number } | undefined => {
  for (let bytes = probe; ; bytes *= 4) {
    const length = Math.min(bytes, to - from)
    const buffer = Buffer.allocUnsafe(length)
    const view = buffer.subarray(0, disk.readSync(fd, buffer, 0, length, from))
    // The first line is cut somewhere, so a mark counts only behind a line break.
    for (let at = findMark(view, 1); at > 0; at = findMark(view, at + 1)) {
      if (view[at - 1] !== 10) continue
      const end = view.indexOf(10, at) + 1
      if (end === 0) break
      const mark = parseMark(view.toString("latin1", at, Math.min(end, at + longestMark)))
      if (mark !== undefined) return { end: mark.end, offset: from + end }
    }
    if (length === to - from || view.length < length) return undefined
  }
}

/**
 * One for all reads of one event, each over before the next begins; and there for V8, which throws away the code of a
 * class when a full collection finds none of it (measured: then reading takes 1.4 times as long).
 */
const line = new EventLine()

/** The stored event `seq`. Throws where it isn't what was written. */
export const readEvent = (disk: Disk, fd: number, summary: Summary, seq: number): StoredEvent => {
  const offset = seek(disk, fd, summary, seq)
  const reader = new GroupReader(disk, fd, summary.seed, offset, summary.end)
  for (;;) {
    const place = reader.offset
    const group = reader.next()
    if (typeof group === "string") throw summary.damaged(place, "a group is not what was written")
    const { mark } = group
    if (mark.end < seq || mark.count === 0) continue
    line.open(group)
    while (line.advance()) {
      if (line.kind === "event" && line.seq === seq)
        return line.event(summary.stream, mark.epoch, mark.writtenAt)
    }
    throw summary.damaged(place, "an event is missing")
  }
}
