/**
 * The source side of the import: a folder of files becomes records with stream, id and time. Every file is told by
 * looking (`look.ts`), read from where the last reading stopped (`Transcript.ts`), and costs nothing while unchanged.
 *
 * ```
 * folder --> files --> look --> Transcript --> records   (stream, id, type, at, text)
 *                        |           |
 *                        |           +--> position       (JSON, to go on from)
 *                        +--> NotSupported, Unfinished
 * ```
 */
import { FileBytes, unreadable, type Counters } from "./FileBytes.ts"
import { filesBelow } from "./folders.ts"
import { formats } from "./formats/formats.ts"
import { chunkBytes, maxLineBytes } from "./lines.ts"
import { look, type Other, type Verdict } from "./look.ts"
import { holds, stampOf, Transcript, type BadLine, type Position, type SourceFile } from "./Transcript.ts"

export type { Counters } from "./FileBytes.ts"
export type { Other } from "./look.ts"
export type { BadLine, Position, SourceFile, SourceRecord, Transcript } from "./Transcript.ts"

/** A file that holds no transcript. Text (notes, manifests) hardly pretends to, so a report may pass over it. */
export interface NotSupported {
  readonly _tag: "NotSupported"
  readonly file: SourceFile
  readonly what: Other
  readonly position: Dismissed
}

/** An empty file, or one whose first line is still being written. Look again later. */
export interface Unfinished {
  readonly _tag: "Unfinished"
  readonly file: SourceFile
}

/** A file that could not be opened; reported as a bad line 0. */
export interface Unreadable {
  readonly _tag: "Unreadable"
  readonly file: SourceFile
}

/** Remembers that a file held no transcript, until it changes. */
export interface Dismissed {
  readonly what: Other
  readonly stamp: string
}

export interface Source {
  readonly root: string
  readonly files: ReadonlyArray<SourceFile>
  readonly counters: Readonly<Counters>
  /**
   * Tells what a file is. `position` is what an earlier reading of it answered, if any. Cost: nothing for an unchanged
   * file, a mark for one that has grown, else its opening.
   */
  readonly read: (
    file: SourceFile,
    position?: Position | Dismissed
  ) => Transcript | NotSupported | Unfinished | Unreadable
}

export interface SourceOptions {
  /** Told of every line and file that is no record. Nothing stops for it. */
  readonly onBad?: (bad: BadLine) => void
}

/**
 * Lists the files of a folder, or takes the one file.
 *
 * @throws when `root` does not exist or cannot be read
 * @example
 * const source = openSource("transcripts")
 * for (const file of source.files) {
 *   const found = source.read(file, positions.get(file.name))
 *   if (found._tag !== "Transcript") continue
 *   for (const record of found.records()) console.log(record.stream, record.id, record.at)
 *   positions.set(file.name, found.position)
 * }
 */
export const openSource = (root: string, options: SourceOptions = {}): Source => {
  const counters: Counters = { filesOpened: 0, bytesRead: 0, linesRead: 0 }
  const report = options.onBad ?? (() => {})
  return {
    root,
    files: filesBelow(root, report),
    counters,
    read: (file, position) => {
      const stamp = stampOf(file)
      if (position !== undefined && "what" in position && position.stamp === stamp)
        return dismissed(file, position)
      try {
        if (position !== undefined && "type" in position && goesOn(file, position, counters)) {
          const format = formats[position.type]
          return new Transcript({ file, format, from: position, head: undefined, counters, report })
        }
        const { head, verdict } = lookAt(file, counters)
        switch (verdict._tag) {
          case "Unfinished":
            return { _tag: "Unfinished", file }
          case "Other":
            return dismissed(file, { what: verdict.what, stamp })
          case "Lines":
          case "Document": {
            const { format } = verdict
            return new Transcript({ file, format, from: startOf(verdict), head, counters, report })
          }
        }
      } catch (error) {
        report({ file: file.name, line: 0, reason: unreadable(error) })
        return { _tag: "Unreadable", file }
      }
    }
  }
}

const dismissed = (file: SourceFile, position: Dismissed): NotSupported => {
  return { _tag: "NotSupported", file, what: position.what, position }
}

/** Whether a reading may go on from its position. A document that changed is read again as a whole. */
const goesOn = (file: SourceFile, position: Position, counters: Counters): boolean => {
  if (position.stamp === stampOf(file)) return true
  if (formats[position.type].layout === "document") return false
  const bytes = new FileBytes(file.path, counters)
  try {
    return holds(bytes, file, position)
  } finally {
    bytes.close()
  }
}

/** Reads as much as it takes to tell: one chunk, or the first line up to the limit. */
const lookAt = (
  file: SourceFile,
  counters: Counters
): { readonly head: Buffer; readonly verdict: Verdict } => {
  const bytes = new FileBytes(file.path, counters)
  try {
    let head = bytes.slice(0, chunkBytes)
    let whole = head.length < chunkBytes
    for (;;) {
      const verdict = look(head, whole)
      if (verdict._tag !== "Unfinished" || whole) return { head, verdict }
      if (head.length > maxLineBytes) return { head, verdict: { _tag: "Other", what: "JSON document" } }
      const more = bytes.slice(head.length, head.length)
      whole = more.length < head.length
      head = Buffer.concat([head, more])
    }
  } finally {
    bytes.close()
  }
}

const startOf = (verdict: Extract<Verdict, { readonly _tag: "Lines" | "Document" }>): Position => {
  const start = { type: verdict.format.type, offset: 0, line: 1, records: 0, bad: 0 }
  if (verdict._tag === "Document") return { ...start, list: verdict.list }
  const { session, time } = verdict
  return { ...start, ...(session === undefined ? {} : { session }), ...(time === undefined ? {} : { time }) }
}
