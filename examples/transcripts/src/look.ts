/**
 * Telling what a file is by looking at its opening, once. Names say nothing: `.jsonl` files hold one document, and
 * copies lie in folders of any name.
 */
import type { DocumentFormat, LineFormat, Outline } from "./formats/Format.ts"
import { formats } from "./formats/formats.ts"
import { nameOf } from "./identity.ts"
import { instant } from "./instant.ts"
import { members, piecesOf, skipSpace } from "./json.ts"

/** What a file without a transcript seems to be. */
export type Other = "SQLite database" | "JSON lines" | "JSON document" | "text" | "binary"

export type Verdict =
  /** The first session and time that the opening tells hold for what comes before them. */
  | {
      readonly _tag: "Lines"
      readonly format: LineFormat
      readonly session: string | undefined
      readonly time: number | undefined
    }
  | { readonly _tag: "Document"; readonly format: DocumentFormat; readonly list: string }
  | { readonly _tag: "Other"; readonly what: Other }
  /** Not even the first line is whole: more bytes are needed, now or when the file has grown. */
  | { readonly _tag: "Unfinished" }

const lineFormats = Object.values(formats).filter((format) => format.layout === "lines")
const documentFormats = Object.values(formats).filter((format) => format.layout === "document")

/** A file may begin with garbage, or with records that any agent could have written; so far down it is looked. */
const linesLookedAt = 50

/** @param whole whether the file ends where the opening does */
export const look = (opening: Buffer, whole: boolean): Verdict => {
  if (opening.toString("latin1", 0, 16) === "SQLite format 3\0")
    return { _tag: "Other", what: "SQLite database" }
  const text = opening.toString("utf8")
  const lines = text.split("\n")
  const start = skipSpace(text, text.startsWith("\ufeff") ? 1 : 0)

  let objects = 0
  for (let i = 0; i < Math.min(lines.length, linesLookedAt); i++) {
    for (const { object } of piecesOf(lines[i]!)) {
      if (object === undefined) continue
      const format = lineFormats.find((format) => format.recognizes(object))
      if (format !== undefined) return { _tag: "Lines", format, ...firstTold(lines, format) }
      objects++
    }
  }
  if (start === text.length && whole) return { _tag: "Unfinished" }
  if (text[start] === "{") {
    const outline = outlineOf(text, start)
    for (const format of documentFormats) {
      const list = format.list(outline)
      if (list !== undefined) return { _tag: "Document", format, list }
    }
    if (objects === 0 && lines.length <= 1) return { _tag: "Unfinished" }
  }
  if (text[start] === "{" || text[start] === "[") {
    return { _tag: "Other", what: objects > 1 ? "JSON lines" : "JSON document" }
  }
  return { _tag: "Other", what: opening.includes(0) ? "binary" : "text" }
}

/** The first session and the first time that the opening tells. */
const firstTold = (
  lines: ReadonlyArray<string>,
  format: LineFormat
): { session: string | undefined; time: number | undefined } => {
  let session: string | undefined
  let time: number | undefined
  for (const line of lines) {
    for (const { object } of piecesOf(line)) {
      if (object === undefined) continue
      session ??= nameOf(format.session?.(object))
      time ??= instant(format.time?.(object))
    }
    if (time !== undefined && (session !== undefined || format.session === undefined)) break
  }
  return { session, time }
}

/** The names in a document and one level below, as far as its opening tells. */
const outlineOf = (text: string, start: number): Outline => {
  const outline = new Map<string, ReadonlySet<string>>()
  for (const member of members(text, start)) {
    const inner = text[member.start] === "[" ? skipSpace(text, member.start + 1) : member.start
    const names = text[inner] === "{" ? Array.from(members(text, inner), ({ name }) => name) : []
    outline.set(member.name, new Set(names))
  }
  return outline
}
