/**
 * The lines of a log, as FORMAT.md specifies them: how they are written, and how a group is found again in bytes.
 * What stands within a group is read by `EventLine`.
 */
import type { EncodedEvent } from "@varve/core"
import { crc32 } from "node:zlib"
import type { Disk } from "./Disk.ts"
import { endOfValue } from "./jsonText.ts"

/** Raised with every change of the format; a newer one is refused. */
export const formatVersion = 0

/** The most that a group may hold, as the seam tells it. */
export const limits = { groupEvents: 10_000, groupBytes: 16 * 1024 * 1024 }

/**
 * Bytes of the longest group: twice what the seam counts, for text that stands as a string, and the names of fields. A
 * longer one is refused, so that nothing longer need be read (law S4).
 */
export const longestGroup = 2 * limits.groupBytes + 16 * 1024 * 1024

/** The last line of a group. */
export interface Mark {
  /** The seq of the last event up to here. */
  readonly end: number
  /** How many events the group holds. */
  readonly count: number
  /** The offset at which the group begins. */
  readonly from: number
  readonly epoch: string
  readonly writtenAt: number
  /** The last seq, and the offset behind the last byte, that a sync had secured before this was written. */
  readonly synced: number
  readonly proven: number
}

/** A mark as read, with its checksum. */
export interface ReadMark extends Mark {
  readonly crc: number
}

/** The first line of a file. */
export interface Header {
  readonly version: number
  readonly stream: string
}

/** Begins a file. `salt` is random, so that no other file's groups pass for ones of this. */
export const headerLine = (stream: string, salt: string): string =>
  `{"varve":${formatVersion},"stream":${JSON.stringify(stream)},"salt":"${salt}"}\n`

/** Reads a first line; undefined when it isn't one of ours. */
export const parseHeader = (line: string): Header | undefined => {
  try {
    const { varve, stream, salt } = JSON.parse(line) as Record<string, unknown>
    return typeof varve === "number" && typeof stream === "string" && typeof salt === "string"
      ? { version: varve, stream }
      : undefined
  } catch {
    return undefined
  }
}

export const headerStart = '{"varve":'
/** The longest first line: a name of 1,024 bytes, all of it escaped. */
export const longestHeader = 16 * 1024

/** The checksum of a header: what those of its groups begin with. */
export const seedOf = (header: Uint8Array): number => crc32(header)

/** Begins an epoch; `after` is the one before, "" for none. Stands at the start of the epoch's first group. */
export const epochLine = (epoch: string, after: string): string => `{"epoch":"${epoch}","after":"${after}"}\n`

export const attributesLine = (attributes: Readonly<Record<string, string>>): string =>
  `{"label":${JSON.stringify(attributes)}}\n`

/** An event on a line. `data` comes last, so that it is cut out without being parsed. Throws what cannot stand here. */
export const eventLine = (event: EncodedEvent, seq: number): string => {
  const { id, type, version, at, data, meta, seals } = event
  if (!Number.isSafeInteger(at)) throw new TypeError("at is not an integer")
  let line = `{"seq":${seq},"id":${JSON.stringify(id)},"type":${JSON.stringify(type)},"at":${at}`
  if (version !== 1) line += `,"version":${version}`
  if (seals) line += `,"seals":true`
  if (meta !== undefined)
    line += canStand(meta) && isObject(meta) ? `,"meta":${meta}` : `,"metaText":${JSON.stringify(meta)}`
  return canStand(data) ? `${line},"data":${data}}\n` : `${line},"dataText":${JSON.stringify(data)}}\n`
}

/** Whether JSON text stays what it is on a line of UTF-8. Otherwise it stands there as a string. */
const canStand = (json: string): boolean => !json.includes("\n") && json.isWellFormed()

/** Whether a reader finds the end of it on a line. */
const isObject = (json: string): boolean =>
  json.startsWith("{") && endOfValue(`${json},`, 0, json.length + 1) === json.length

/** The bytes of a mark behind the point up to which its checksum reckons: the checksum itself. */
const checksumBytes = '00000000"}\n'.length

/** A mark up to its checksum. */
const markText = (mark: Mark): string =>
  `{"end":${mark.end},"count":${mark.count},"from":${mark.from},"epoch":"${mark.epoch}","writtenAt":${mark.writtenAt},"synced":${mark.synced},"proven":${mark.proven},"crc":"`

/** Bytes being put together for one write. Used again and again: a write is over before the next begins. */
export class GroupBuffer {
  bytes: Buffer = Buffer.allocUnsafe(64 * 1024)
  /** The checksum of the group in it. */
  sum = 0

  /** Puts a file's header, if it has one yet to get, and a group into `bytes`. Answers their length. */
  fill(header: string, lines: string, mark: Mark, seed: number): number {
    const text = lines + markText(mark)
    this.make(3 * (header.length + text.length) + checksumBytes, text)
    const { bytes } = this
    const start = bytes.write(header)
    const end = start + bytes.write(text, start)
    if (end - start > longestGroup - longestMark) throw new RangeError("a group longer than a log may hold")
    this.sum = crc32(bytes.subarray(start, end), start === 0 ? seed : seedOf(bytes.subarray(0, start)))
    return end + bytes.write(`${this.sum.toString(16).padStart(8, "0")}"}\n`, end)
  }

  /** Makes room for so many bytes at most; for a long text as many as it takes. */
  private make(most: number, text: string): void {
    const wanted = most > keptBytes ? Buffer.byteLength(text) + longestHeader + longestMark : most
    if (wanted > this.bytes.length || this.bytes.length > keptBytes)
      this.bytes = Buffer.allocUnsafe(Math.max(64 * 1024, 2 ** Math.ceil(Math.log2(wanted))))
  }
}

/** Bytes that are kept for the next group; larger ones are given back. */
const keptBytes = 4 * 1024 * 1024

/** The checksum of the group that ends at `offset`, as its mark says it. */
export const sumBefore = (disk: Disk, fd: number, offset: number): number => {
  const bytes = Buffer.alloc(checksumBytes)
  disk.readSync(fd, bytes, 0, checksumBytes, offset - checksumBytes)
  return Number.parseInt(bytes.toString("latin1", 0, 8), 16)
}

/** How a mark begins; no event's line does, and no other line holds it behind a line break. */
const markStart = Buffer.from('{"end":')
/** A byte less than it could be: from 8 on, Node searches 12 times slower (measured: 0.3 us for 400 bytes). */
const markStartBehindBreak = Buffer.from('\n{"end"')
/** More than any mark is long: seven numbers of at most 16 digits, an epoch, and the names. */
export const longestMark = 512

const markPattern =
  /^\{"end":(\d{1,16}),"count":(\d{1,16}),"from":(\d{1,16}),"epoch":"([\w-]{1,64})","writtenAt":(-?\d{1,16}),"synced":(\d{1,16}),"proven":(\d{1,16}),"crc":"([0-9a-f]{8})"\}\n$/

export const parseMark = (line: string): ReadMark | undefined => {
  const found = markPattern.exec(line)
  if (found === null) return undefined
  return {
    end: Number(found[1]),
    count: Number(found[2]),
    from: Number(found[3]),
    epoch: found[4]!,
    writtenAt: Number(found[5]),
    synced: Number(found[6]),
    proven: Number(found[7]),
    crc: Number.parseInt(found[8]!, 16)
  }
}

/** Where the next mark begins, from `at` on, where a line begins; -1 for none. */
export const findMark = (bytes: Buffer, at: number, searchFrom = at): number => {
  if (startsMark(bytes, at)) return at
  const found = bytes.indexOf(markStartBehindBreak, Math.max(at, searchFrom))
  return found < 0 ? -1 : found + 1
}

/** Where the last mark in these bytes begins that begins before `before`; -1 for none behind a line break. */
export const findMarkBackward = (bytes: Buffer, before: number): number => {
  if (before <= 0) return -1
  const found = before < 2 ? -1 : bytes.lastIndexOf(markStartBehindBreak, before - 2)
  return found < 0 ? (startsMark(bytes, 0) ? 0 : -1) : found + 1
}

const startsMark = (bytes: Buffer, at: number): boolean =>
  bytes.length >= at + markStart.length &&
  bytes.compare(markStart, 0, undefined, at, at + markStart.length) === 0

/** A group as read: whole, and with the right checksum. */
export interface StoredGroup {
  readonly mark: ReadMark
  /** All lines but the mark. Valid only until the reader goes on. */
  readonly lines: Buffer
  readonly from: number
  /** The offset behind it. */
  readonly to: number
}

/**
 * The group in `bytes[start, end)` that begins at `offset` in its file and whose mark begins at `bytes[mark]`;
 * undefined when it isn't what was written there.
 */
export const readGroup = (
  bytes: Buffer,
  start: number,
  mark: number,
  end: number,
  offset: number,
  seed: number
): StoredGroup | undefined => {
  if (end - mark > longestMark) return undefined
  const parsed = parseMark(bytes.toString("latin1", mark, end))
  if (parsed === undefined || parsed.from !== offset || parsed.count > parsed.end) return undefined
  if (crc32(bytes.subarray(start, end - checksumBytes), seed) !== parsed.crc) return undefined
  return { mark: parsed, lines: bytes.subarray(start, mark), from: offset, to: offset + end - start }
}
