/**
 * Reads the lines of a group whose checksum was found right, so that nothing needs to be doubted, and without parsing
 * `data`: fields stand in one order, `data` last. One reader is used for line after line and makes no object of its own
 * for lines that a filter excludes (law Q4).
 */
import type { StoredEvent } from "@varve/core"
import type { StoredGroup } from "./Format.ts"

type Kind = "event" | "label" | "epoch"

export class EventLine {
  kind: Kind = "event"
  seq = 0
  at = 0
  type = ""

  private bytes: Buffer = Buffer.alloc(0)
  private text = ""
  /** Whether places in the text are places in the bytes. */
  private ascii = true
  /** Behind the line read last. */
  private next = 0
  private line = 0
  private idFrom = 0
  private idTo = 0
  private rest = 0
  private end = 0
  private readonly types = new Map<string, string>()

  /** Begins with a group's first line. */
  open(group: StoredGroup): void {
    this.bytes = group.lines
    this.text = group.lines.toString("utf8")
    this.ascii = this.text.length === group.lines.length
    this.next = 0
  }

  /** Goes to the next line; false behind the last. */
  advance(): boolean {
    if (this.next >= this.text.length) return false
    this.line = this.next
    this.end = this.text.indexOf("\n", this.next)
    this.next = this.end + 1
    this.read()
    return true
  }

  /** A place to return to with {@link goTo}. */
  get place(): number {
    return this.line
  }

  goTo(place: number): void {
    this.next = place
    this.advance()
  }

  /** UTF-16 units of the line. */
  get length(): number {
    return this.end - this.line
  }

  /** The id, as a string of its own: a slice would keep the whole group in memory for as long as it lives. */
  get id(): string {
    const { bytes, idFrom, idTo, text } = this
    if (this.ascii) {
      const id = bytes.toString("latin1", idFrom, idTo)
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
      const to = endOfValue(text, at + 7)
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
    const idAt = text.indexOf(",", line) + 6
    this.seq = integer(text, line + 7, idAt - 6)
    this.idFrom = idAt + 1
    this.idTo = endOfString(text, idAt + 1)
    const typeAt = this.idTo + 10
    const typeTo = endOfString(text, typeAt)
    this.type = this.typeOf(text.slice(typeAt, typeTo))
    const atAt = typeTo + 7
    const atTo = text.indexOf(",", atAt)
    this.at = integer(text, atAt, atTo)
    this.rest = atTo + 1
  }

  /** One string for each type, not a slice of a group for each event. */
  private typeOf(escaped: string): string {
    const known = this.types.get(escaped)
    if (known !== undefined) return known
    const type = JSON.parse(`"${escaped}"`) as string
    if (this.types.size > 1000) this.types.clear()
    this.types.set(Buffer.from(escaped).toString(), type)
    return type
  }
}

/** The quote that ends a string which begins at `from`. */
const endOfString = (text: string, from: number): number => {
  let end = text.indexOf('"', from)
  while (text.charCodeAt(end - 1) === 0x5c && isEscaped(text, end, from)) end = text.indexOf('"', end + 1)
  return end
}

const isEscaped = (text: string, at: number, from: number): boolean => {
  let slashes = 0
  for (let i = at - 1; i >= from && text.charCodeAt(i) === 0x5c; i--) slashes++
  return slashes % 2 === 1
}

/** The end of the object that begins at `from`. */
const endOfValue = (text: string, from: number): number => {
  let depth = 0
  for (let i = from; ; i++) {
    const char = text.charCodeAt(i)
    if (char === 0x22) i = endOfString(text, i + 1)
    else if (char === 0x7b) depth++
    else if (char === 0x7d && --depth === 0) return i + 1
  }
}

const integer = (text: string, from: number, to: number): number => {
  if (to - from > 15 || text.charCodeAt(from) === 0x2d) return Number(text.slice(from, to))
  let value = 0
  for (let i = from; i < to; i++) value = value * 10 + text.charCodeAt(i) - 0x30
  return value
}
