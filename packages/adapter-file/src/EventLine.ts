/**
 * Reads the lines of a group whose checksum was found right, so that nothing needs to be doubted, and without parsing
 * `data`: fields stand in one order, `data` last. One reader is used for line after line and makes no object of its own
 * for lines that a filter excludes (law Q4).
 */
import type { StoredEvent } from "@varve/core"
import type { StoredGroup } from "./Format.ts"
import { endOfString, endOfValue } from "./jsonText.ts"

type Kind = "event" | "label" | "epoch"

/**
 * Bytes that become text at once, unless a line is longer. V8 gives a text of 128 KB or more pages of its own, fresh ones
 * for each: half of the time that all of reading took.
 */
const pieceBytes = 32 * 1024

export class EventLine {
  kind: Kind = "event"
  seq = 0
  /** Begins as a double, for V8: instances that differ in that have classes of their own. */
  at = NaN
  type = ""

  private lines: Buffer = Buffer.alloc(0)
  /** The piece of the lines that is text by now. */
  private from = 0
  private to = 0
  private text = ""
  /** Whether places in the text are places in the piece. */
  private ascii = true
  /** Behind the line read last. */
  private next = 0
  private line = 0
  private idFrom = 0
  private idTo = 0
  private rest = 0
  private end = 0
  /** Behind the number read last. */
  private numberTo = 0
  private readonly types = new Map<string, string>()
  /** The type as it stands on the line: mostly the next one is the same. */
  private escapedType = ""

  /** Begins with a group's first line. */
  open(group: StoredGroup): void {
    this.lines = group.lines
    this.load(0, 0)
  }

  /** Goes to the next line; false behind the last. */
  advance(): boolean {
    if (this.next >= this.text.length) {
      if (this.to >= this.lines.length) return false
      this.load(this.to, this.pieceEnd(this.to))
    }
    this.line = this.next
    this.end = this.text.indexOf("\n", this.next)
    this.next = this.end + 1
    this.read()
    return true
  }

  /** Where in the group the line begins: a place to return to with {@link goTo}. */
  get place(): number {
    return this.from + (this.ascii ? this.line : Buffer.byteLength(this.text.slice(0, this.line)))
  }

  goTo(place: number): void {
    this.load(place, this.lines.indexOf(10, place) + 1)
    this.advance()
  }

  private load(from: number, to: number): void {
    this.from = from
    this.to = to
    this.text = this.lines.toString("utf8", from, to)
    this.ascii = this.text.length === to - from
    this.next = 0
  }

  private pieceEnd(from: number): number {
    const { lines } = this
    if (lines.length - from <= pieceBytes) return lines.length
    const end = lines.lastIndexOf(10, from + pieceBytes) + 1
    return end > from ? end : lines.indexOf(10, from) + 1
  }

  /** UTF-16 units of the line. */
  get length(): number {
    return this.end - this.line
  }

  /** The id, as a string of its own: a slice would keep the whole group in memory for as long as it lives. */
  get id(): string {
    const { from, idFrom, idTo, text } = this
    if (this.ascii) {
      const id = this.lines.toString("latin1", from + idFrom, from + idTo)
      return id.includes("\\") ? (JSON.parse(`"${id}"`) as string) : id
    }
    return JSON.parse(`"${text.slice(idFrom, idTo)}"`) as string
  }

  /** The event on this line, with its data. */
  event(stream: string, epoch: string, writtenAt: number): StoredEvent {
    const { text } = this
    let at = this.rest
    let version = 1
    let seals = false
    let meta: string | undefined
    if (text.startsWith('"version":', at)) {
      const comma = text.indexOf(",", at)
      version = Number(text.slice(at + 10, comma))
      at = comma + 1
    }
    if (text.startsWith('"seals":true,', at)) {
      seals = true
      at += 13
    }
    if (text.startsWith('"meta":', at)) {
      const to = endOfValue(text, at + 7, this.end)
      if (to < 0) throw new Error("an event's meta is no JSON")
      meta = text.slice(at + 7, to)
      at = to + 1
    } else if (text.startsWith('"metaText":', at)) {
      const to = endOfString(text, at + 12) + 1
      meta = JSON.parse(text.slice(at + 11, to)) as string
      at = to + 1
    }
    const isPlain = text.startsWith('"data":', at)
    return {
      stream,
      seq: this.seq,
      epoch,
      id: this.id,
      type: this.type,
      version,
      at: this.at,
      data: isPlain
        ? text.slice(at + 7, this.end - 1)
        : (JSON.parse(text.slice(at + 11, this.end - 1)) as string),
      meta,
      seals,
      writtenAt
    }
  }

  /** Whether the event on this line seals its stream. */
  get seals(): boolean {
    const { rest, text } = this
    const at = text.startsWith('"version":', rest) ? text.indexOf(",", rest) + 1 : rest
    return text.startsWith('"seals":true,', at)
  }

  /** The pairs of a label. */
  get label(): Readonly<Record<string, string>> {
    const { label } = JSON.parse(this.text.slice(this.line, this.end)) as { label: Record<string, string> }
    return label
  }

  private read(): void {
    const { line, text } = this
    // The third character tells: {"seq", {"label", {"epoch".
    const mark = text.charCodeAt(line + 2)
    if (mark !== 0x73) {
      this.kind = mark === 0x6c ? "label" : "epoch"
      return
    }
    this.kind = "event"
    this.seq = this.integer(line + 7)
    this.idFrom = this.numberTo + 7
    this.idTo = endOfString(text, this.idFrom)
    const typeTo = this.readType(this.idTo + 10)
    this.at = this.integer(typeTo + 7)
    this.rest = this.numberTo + 1
  }

  /** Reads the type, up to the quote behind it. One string for each type, not a slice of the text for each event. */
  private readType(from: number): number {
    const { escapedType, text, types } = this
    const same = from + escapedType.length
    if (text.charCodeAt(same) === 0x22 && escapedType !== "" && text.startsWith(escapedType, from))
      return same
    const to = endOfString(text, from)
    const escaped = text.slice(from, to)
    const known = types.get(escaped)
    this.type = known ?? (JSON.parse(`"${escaped}"`) as string)
    this.escapedType = escaped
    if (known === undefined) {
      if (types.size > 1000) types.clear()
      types.set(Buffer.from(escaped).toString(), this.type)
    }
    return to
  }

  private integer(from: number): number {
    const { text } = this
    const isNegative = text.charCodeAt(from) === 0x2d
    let at = isNegative ? from + 1 : from
    let value = 0
    for (let digit; (digit = text.charCodeAt(at) - 0x30) >= 0 && digit < 10; at++) value = value * 10 + digit
    this.numberTo = at
    return isNegative ? -value : value
  }
}
