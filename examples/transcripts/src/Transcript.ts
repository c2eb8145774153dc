/** One file of an agent, read as records: from its start, or from where an earlier reading had come. */
import { isUtf8 } from "node:buffer"
import { FileBytes, unreadable, type Counters } from "./FileBytes.ts"
import type { Format, RecordType } from "./formats/Format.ts"
import { deriveId, fingerprint, nameOf, type Occurrences } from "./identity.ts"
import { instant } from "./instant.ts"
import {
  elements,
  endOfValue,
  isObject,
  members,
  parseObject,
  piecesOf,
  skipSpace,
  type Json
} from "./json.ts"
import { chunkBytes, maxLineBytes, readLines } from "./lines.ts"

/** A record as an agent wrote it, under the names by which a log knows it. */
export interface SourceRecord {
  /** `<agent>/<session>`, or `<agent>/<path of the file>` where no session is told. */
  readonly stream: string
  /** Unique in its stream; the same wherever the record is found again (`identity.ts`). */
  readonly id: string
  readonly type: RecordType
  /** Epoch ms: the record's own time, else that of the record before it, else the file's (`meta.time` says so). */
  readonly at: number
  /** The record's JSON as written: not parsed and printed again. */
  readonly text: string
  readonly meta: Readonly<Record<string, string>>
  /** Where it begins: 1, 2, 3, ... */
  readonly line: number
}

/** Something that is no record. Tells where and why, never what it says: transcripts hold secrets. */
export interface BadLine {
  readonly file: string
  /** 0 when the file could not be read at all. */
  readonly line: number
  readonly reason: string
}

export interface SourceFile {
  readonly path: string
  /** The path below the source's root, with `/`. */
  readonly name: string
  /** The first folder of `name`, or `.`. */
  readonly folder: string
  readonly size: number
  readonly mtimeMs: number
}

/** How far a transcript was read: JSON, as a rule a few hundred bytes, whatever the file's length. */
export interface Position {
  readonly type: RecordType
  /** For documents: the name of the list of records. */
  readonly list?: string
  /** Size and time of the file when it was read to its end: while they stay, it isn't opened. */
  readonly stamp?: string
  /** The next byte to read, and the line that it lies in. */
  readonly offset: number
  readonly line: number
  /** What holds for the records to come that don't tell it themselves. */
  readonly session?: string
  readonly time?: number
  readonly seen?: Occurrences
  /** The end of the last record: if it reads otherwise, the file is another one and is read from its start. */
  readonly mark?: Mark
  /** Records and bad lines before the offset. */
  readonly records: number
  readonly bad: number
}

export interface Mark {
  readonly offset: number
  readonly length: number
  readonly print: string
}

/** The longest mark: what going on in a grown file costs besides its new lines. */
export const markBytes = 256

/** What a transcript needs to be read. */
export interface Reading {
  readonly file: SourceFile
  readonly format: Format
  readonly from: Position
  /** The file's first bytes, if they were read already. */
  readonly head: Buffer | undefined
  readonly counters: Counters
  readonly report: (bad: BadLine) => void
}

export class Transcript {
  readonly _tag = "Transcript"
  readonly file: SourceFile
  readonly type: RecordType
  /** Whether the file is as it was when it was last read to its end. */
  readonly unchanged: boolean
  /** Bytes of an unfinished last line, left for the next reading. */
  pending = 0

  readonly #reading: Reading
  #head: Buffer | undefined
  readonly #at: { -readonly [Field in keyof Position]: Position[Field] }
  #seen: Occurrences
  #last: { readonly text: string; readonly end: number } | undefined

  constructor(reading: Reading) {
    this.#reading = reading
    this.#head = reading.head
    this.file = reading.file
    this.type = reading.format.type
    this.unchanged = reading.from.stamp === stampOf(reading.file)
    this.#at = { ...reading.from }
    this.#seen = { ...reading.from.seen }
  }

  /** Behind the record that was taken last; behind everything, once there are no more. Cost: one short digest. */
  get position(): Position {
    if (this.#last !== undefined) {
      // One character more than bytes are wanted: the cut may go through a surrogate pair.
      const bytes = Buffer.from(this.#last.text.slice(-markBytes - 1)).subarray(-markBytes)
      this.#at.mark = {
        offset: this.#last.end - bytes.length,
        length: bytes.length,
        print: fingerprint(bytes)
      }
      this.#last = undefined
    }
    return { ...this.#at, seen: { ...this.#seen } }
  }

  /**
   * The records from the position on, in the file's order; once. Opens the file and closes it at the end, also when
   * the consumer stops early. Holds one chunk and one line of JSON lines, the whole of a document.
   */
  *records(): Generator<SourceRecord> {
    if (this.unchanged) return
    delete this.#at.stamp
    const { file, format, counters } = this.#reading
    try {
      const bytes = new FileBytes(file.path, counters)
      try {
        yield* format.layout === "lines" ? this.#lines(bytes) : this.#document(bytes)
        this.#at.stamp = stampOf(file)
      } finally {
        bytes.close()
      }
    } catch (error) {
      this.#report(this.#at.line, unreadable(error))
    }
  }

  *#lines(bytes: FileBytes): Generator<SourceRecord> {
    for (const line of readLines(bytes.readAt, this.#at.offset, this.#at.line, this.#takeHead())) {
      this.#reading.counters.linesRead++
      if (line.bytes === undefined || !isUtf8(line.bytes)) {
        if (!line.finished) return this.#leave(line.end)
        this.#report(
          line.number,
          line.bytes === undefined ? `longer than ${maxLineBytes} bytes` : "not UTF-8"
        )
      } else {
        const text = line.bytes.toString("utf8")
        for (const piece of piecesOf(text)) {
          if (piece.object === undefined) {
            if (!line.finished) return this.#leave(line.end)
            this.#report(line.number, piece.reason)
            continue
          }
          const record = this.#record(piece.object, text.slice(piece.start, piece.end), line.number)
          if (record === undefined) continue
          if (skipSpace(text, piece.end) === text.length) {
            this.#pass(line)
            this.#last = { text: text.slice(piece.start) + (line.finished ? "\n" : ""), end: line.end }
          } else {
            this.#at.offset = line.start + Buffer.byteLength(text.slice(0, piece.end))
            this.#last = { text: record.text, end: this.#at.offset }
          }
          yield record
        }
      }
      this.#pass(line)
    }
  }

  #takeHead(): Buffer | undefined {
    const head = this.#head
    this.#head = undefined
    return head
  }

  #pass(line: { readonly end: number; readonly number: number; readonly finished: boolean }): void {
    this.#at.offset = line.end
    this.#at.line = line.finished ? line.number + 1 : line.number
  }

  #leave(end: number): void {
    this.pending = end - this.#at.offset
  }

  *#document(bytes: FileBytes): Generator<SourceRecord> {
    const { list } = this.#at
    const raw = readAll(bytes, this.#takeHead())
    if (raw === undefined || !isUtf8(raw)) {
      this.#report(1, raw === undefined ? `longer than ${maxLineBytes} bytes` : "not UTF-8")
      return
    }
    const text = raw.toString("utf8").trimEnd()
    const start = skipSpace(text, text.startsWith("\ufeff") ? 1 : 0)
    const document = parseObject(text.slice(start))
    const span =
      document === undefined ? undefined : [...members(text, start)].findLast(({ name }) => name === list)
    const values = document?.[list ?? ""]
    if (document === undefined || span === undefined || !Array.isArray(values)) {
      const torn = endOfValue(text, start) < 0
      this.#report(
        torn ? text.split("\n").length : 1,
        torn ? "a document that breaks off" : "not the JSON it began as"
      )
      return
    }
    const header = `${text.slice(start, span.start)}[]${text.slice(span.end)}`
    const first = this.#record({ ...document, [list!]: [] }, header, 1)
    if (first !== undefined) yield first
    let [line, counted, index] = [1, 0, 0]
    for (const element of elements(text, span.start)) {
      line += newlinesIn(text, counted, element.start)
      counted = element.start
      const value: unknown = values[index++]
      if (!isObject(value)) {
        this.#report(line, "not a JSON object")
        continue
      }
      const record = this.#record(value, text.slice(element.start, element.end), line)
      if (record !== undefined) yield record
    }
    this.#at.offset = raw.length
    this.#seen = {} // a changed document is read again as a whole
  }

  #record(object: Json, text: string, line: number): SourceRecord | undefined {
    const { file, format } = this.#reading
    const session = nameOf(format.session?.(object))
    if (session !== undefined && !(format.oneSession && this.#at.session !== undefined))
      this.#at.session = session
    const own = instant(format.time?.(object))
    if (own !== undefined && own !== this.#at.time) {
      this.#at.time = own
      this.#seen = {}
    }
    const id =
      nameOf(format.id?.(object)) ?? this.#derive(object, own === undefined ? this.#at.time : undefined)
    if (id === undefined) {
      this.#report(line, "nested too deeply")
      return undefined
    }
    this.#at.records++
    const time = own !== undefined ? {} : { time: this.#at.time === undefined ? "file" : "inherited" }
    return {
      stream: `${format.agent}/${this.#at.session ?? sessionOf(file, format)}`,
      id,
      type: format.type,
      at: this.#at.time ?? Math.floor(file.mtimeMs),
      text,
      meta: { agent: format.agent, file: file.name, line: String(line), ...time },
      line
    }
  }

  #derive(object: Json, anchor: number | undefined): string | undefined {
    try {
      return deriveId(object, anchor, this.#seen)
    } catch (error) {
      if (error instanceof RangeError) return undefined
      throw error
    }
  }

  #report(line: number, reason: string): void {
    this.#at.bad++
    this.#reading.report({ file: this.file.name, line, reason })
  }
}

/** Changes whenever the file does. */
export const stampOf = (file: SourceFile): string => `${file.size}:${file.mtimeMs}`

/** Whether the file still holds what the position says was read. Reads the mark, at most `markBytes`. */
export const holds = (bytes: FileBytes, file: SourceFile, { offset, mark }: Position): boolean =>
  offset <= file.size &&
  (mark === undefined || fingerprint(bytes.slice(mark.offset, mark.length)) === mark.print)

/**
 * The stream of a file that has not told its session (yet): the UUID in its name, which is where agents put it, so
 * that the session stays one when it is told later. Without sessions, or such a name: the path.
 */
const sessionOf = (file: SourceFile, format: Format): string => {
  const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?=[^/]*$)/i.exec(file.name)?.[0]
  return (format.session === undefined ? undefined : uuid) ?? nameOf(file.name)!
}

const newlinesIn = (text: string, start: number, end: number): number => {
  let count = 0
  for (let at = text.indexOf("\n", start); at >= 0 && at < end; at = text.indexOf("\n", at + 1)) count++
  return count
}

const readAll = (bytes: FileBytes, head: Buffer | undefined): Buffer | undefined => {
  const parts = head === undefined ? [] : [head]
  let length = head?.length ?? 0
  for (;;) {
    const part = bytes.slice(length, chunkBytes)
    if (part.length === 0) return Buffer.concat(parts)
    parts.push(part)
    length += part.length
    if (length > maxLineBytes) return undefined
  }
}
