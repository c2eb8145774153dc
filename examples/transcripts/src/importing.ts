/**
 * Imports a folder of transcripts into a log. Two ideas:
 *
 * - **An id says it all.** Records that were imported before are duplicates and cost no write, so an import may be
 *   killed anywhere, run again, or meet the same session in two files.
 * - **Positions are events.** How far a file was read is appended behind its records. Killed in between, the next
 *   import reads those records again and finds them there; otherwise it reads what is new and nothing else.
 */
import { type EventSet, type PromiseLog, StreamId } from "@varve/core"
import {
  type BadLine,
  type Counters,
  type Dismissed,
  type NotSupported,
  openSource,
  type Position,
  type SourceFile,
  type SourceRecord,
  type Transcript
} from "./Source.ts"
import { Transcripts } from "./Transcripts.ts"

export type TranscriptLog = PromiseLog<typeof Transcripts>

/** What an import found below one folder. */
export interface FolderReport {
  files: number
  records: number
  /** Events that were not in the log before. */
  stored: number
  /** Records that were: read again, or in two files. */
  known: number
  /** Records whose id is taken by a record with other content; the first one stays. */
  conflicts: number
  bad: number
  streams: Set<string>
  /** Files that are no transcripts, by what they are. */
  notSupported: Map<string, number>
}

export interface ImportReport {
  readonly folders: ReadonlyMap<string, FolderReport>
  readonly counters: Readonly<Counters>
}

export interface ImportOptions {
  readonly onBad?: (bad: BadLine) => void
  /** Bytes of files done, of all. */
  readonly onProgress?: (done: number, total: number) => void
}

/** Records handed over at once, and what they may weigh: enough to make a transaction worth it, little in memory. */
const batch = { records: 512, bytes: 4 * 2 ** 20 }

/** Imports `root`. Cost: what is new in its files; nothing for those that did not change. */
export const importFolder = async (
  log: TranscriptLog,
  root: string,
  options: ImportOptions = {}
): Promise<ImportReport> => {
  const bookmarks = StreamId.of("imports", root)
  const positions = await positionsIn(log, bookmarks)
  const folders = new Map<string, FolderReport>()
  const source = openSource(root, {
    onBad: (bad) => {
      folderOf(folders, bad.file.includes("/") ? bad.file.slice(0, bad.file.indexOf("/")) : ".").bad++
      options.onBad?.(bad)
    }
  })
  const total = source.files.reduce((sum, file) => sum + file.size, 0)
  let done = 0
  for (const file of source.files) {
    const report = folderOf(folders, file.folder)
    const position = positions.get(file.name)
    const found = source.read(file, position)
    if (found._tag === "NotSupported") {
      dismiss(report, found)
      if (found.position !== position) await bookmark(log, bookmarks, file, found.position)
    } else if (found._tag === "Transcript") {
      report.files++
      if (!found.unchanged) await importFile(log, bookmarks, found, report)
    }
    options.onProgress?.((done += file.size), total)
  }
  return { folders, counters: source.counters }
}

const importFile = async (
  log: TranscriptLog,
  bookmarks: string,
  transcript: Transcript,
  report: FolderReport
): Promise<void> => {
  let records: Array<SourceRecord> = []
  let bytes = 0
  const store = async (): Promise<void> => {
    await append(log, records, report)
    await log.append(
      bookmarks,
      Transcripts.FileRead({ file: transcript.file.name, position: { ...transcript.position } })
    )
    records = []
    bytes = 0
  }
  for (const record of transcript.records()) {
    records.push(record)
    bytes += record.text.length
    if (records.length >= batch.records || bytes >= batch.bytes) await store()
  }
  await store()
}

const bookmark = (
  log: TranscriptLog,
  bookmarks: string,
  file: SourceFile,
  position: Position | Dismissed
): Promise<unknown> =>
  log.append(bookmarks, Transcripts.FileRead({ file: file.name, position: { ...position } }))

/** Appends records, those of each stream as one group, all of them in one storage call. */
const append = async (
  log: TranscriptLog,
  records: ReadonlyArray<SourceRecord>,
  report: FolderReport
): Promise<void> => {
  const byStream = new Map<string, Array<EventSet.New<typeof Transcripts>>>()
  for (const { at, id, meta, stream, text, type } of records) {
    const events = byStream.get(stream) ?? []
    byStream.set(stream, events)
    events.push(Transcripts[type](text, { id, at, meta }))
  }
  const receipts = await Promise.all(
    Array.from(byStream, ([stream, events]) => log.append(stream, events, { onIdConflict: "keep" }))
  )
  for (const stream of byStream.keys()) report.streams.add(stream)
  for (const { duplicate, kept } of receipts.flatMap((receipt) => receipt.events)) {
    report.records++
    if (kept) report.conflicts++
    else if (duplicate) report.known++
    else report.stored++
  }
}

const positionsIn = async (
  log: TranscriptLog,
  bookmarks: string
): Promise<ReadonlyMap<string, Position | Dismissed>> => {
  const positions = new Map<string, Position | Dismissed>()
  for await (const event of log.read(bookmarks)) {
    // What an earlier import wrote; a file whose position no longer fits is read from its start.
    if (event.type === "FileRead")
      positions.set(event.data.file, event.data.position as unknown as Position | Dismissed)
  }
  return positions
}

const folderOf = (folders: Map<string, FolderReport>, name: SourceFile["folder"]): FolderReport => {
  let report = folders.get(name)
  if (report === undefined) {
    report = {
      files: 0,
      records: 0,
      stored: 0,
      known: 0,
      conflicts: 0,
      bad: 0,
      streams: new Set(),
      notSupported: new Map()
    }
    folders.set(name, report)
  }
  return report
}

const dismiss = (report: FolderReport, { what }: NotSupported): void => {
  if (what !== "text") report.notSupported.set(what, (report.notSupported.get(what) ?? 0) + 1)
}
