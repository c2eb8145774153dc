/**
 * The summaries of all logs in one file, so that a folder of ten thousand needs not be read to be listed. Disposable:
 * whatever is wrong with it, the logs are read instead. An entry counts while the log has the size and time it had; of a
 * log that has grown it is where reading goes on.
 *
 * The file is a checksum on the first line, then a line for each log: its file name, a blank, and the entry, which is
 * parsed only when it is asked for. Its fields stand by place: what a name costs, it costs ten thousand times.
 */
import type { Epoch, Head } from "@varve/core"
import { randomBytes } from "node:crypto"
import { crc32 } from "node:zlib"
import type { Disk } from "./Disk.ts"
import { readFile, removeFile, writeFile } from "./files.ts"
import type { Steps } from "./Steps.ts"
import type { Kept } from "./Summary.ts"
import type { Turns } from "./Turns.ts"

/** How a file was when it was looked at. */
export interface Look {
  readonly size: number
  readonly ino: number
  readonly mtimeMs: number
}

export interface Entry {
  readonly look: Look
  readonly kept: Kept
}

const firstLine = "varve heads 1"

export class HeadIndex {
  /** File names of logs of which more is known by now than the file holds. */
  readonly outdated = new Set<string>()
  private readonly disk: Disk
  private readonly turns: Turns
  private readonly file: string
  private lines: ReadonlyMap<string, string> | undefined

  constructor(disk: Disk, turns: Turns, folder: string) {
    this.disk = disk
    this.turns = turns
    this.file = `${folder}/heads`
  }

  /** The entry of a log, by its file name. Reads the file at the first use of it. */
  get(name: string): Entry | undefined {
    this.lines ??= this.load()
    const line = this.lines.get(name)
    return line === undefined ? undefined : entryOf(line)
  }

  /** Whether it is worth writing: a few outdated entries cost less to make up for than the file to write. */
  get isWorthSaving(): boolean {
    if (this.outdated.size === 0) return false
    this.lines ??= this.load()
    return 8 * this.outdated.size > this.lines.size
  }

  /** Stores what is known by now of the logs that exist; what nobody asked for since stays as it was. */
  *save(names: ReadonlyArray<string>, known: (name: string) => Entry | undefined): Steps<void> {
    const lines = new Map<string, string>()
    let body = ""
    for (const name of names) {
      yield* this.turns.give()
      const entry = known(name)
      const line = entry === undefined ? this.lines?.get(name) : lineOf(entry)
      if (line === undefined) continue
      lines.set(name, line)
      body += `${name} ${line}\n`
    }
    const bytes = Buffer.from(body)
    const temporary = `${this.file}.${randomBytes(8).toString("hex")}.tmp`
    writeFile(this.disk, temporary, Buffer.concat([Buffer.from(`${firstLine} ${checksum(bytes)}\n`), bytes]))
    try {
      this.disk.renameSync(temporary, this.file)
    } catch (error) {
      removeFile(this.disk, temporary)
      throw error
    }
    this.lines = lines
    this.outdated.clear()
  }

  private load(): ReadonlyMap<string, string> {
    try {
      return readIndex(this.disk, this.file) ?? new Map()
    } catch {
      // As if there were none.
      return new Map()
    }
  }
}

type Fields = [
  size: number,
  ino: number,
  mtimeMs: number,
  stream: string,
  start: number,
  seed: number,
  sum: number,
  end: number,
  seq: number,
  synced: number,
  sealed: 0 | 1,
  minAt: number,
  maxAt: number,
  writtenAt: number,
  attributes: Readonly<Record<string, string>>,
  types: ReadonlyArray<string> | null,
  ...epochs: ReadonlyArray<string | number>
]

const lineOf = ({ kept, look }: Entry): string => {
  const { end, epochs, head, seed, start, stream, sum, types } = kept
  const { attributes, cursor, maxAt, minAt, sealed, synced, writtenAt } = head
  const fields: Fields = [
    look.size,
    look.ino,
    look.mtimeMs,
    stream,
    start,
    seed,
    sum,
    end,
    cursor.seq,
    synced,
    sealed ? 1 : 0,
    minAt,
    maxAt,
    writtenAt,
    attributes,
    types,
    ...epochs.flatMap(({ epoch, first }) => [epoch, first])
  ]
  return JSON.stringify(fields)
}

/** What a line of an index says. */
export const entryOf = (line: string): Entry => {
  const fields = JSON.parse(line) as Fields
  const [size, ino, mtimeMs, stream, start, seed, sum, end, seq, synced, sealed, minAt, maxAt, writtenAt] =
    fields
  const epochs: Array<Epoch> = []
  for (let i = 16; i < fields.length; i += 2)
    epochs.push({ epoch: fields[i] as string, first: fields[i + 1] as number })
  // A head's epoch is the one that its log came to last.
  const cursor = { epoch: epochs.at(-1)!.epoch, seq }
  const head: Head = {
    stream,
    cursor,
    synced,
    sealed: sealed === 1,
    minAt,
    maxAt,
    writtenAt,
    attributes: fields[14]
  }
  return {
    look: { size, ino, mtimeMs },
    kept: { stream, start, seed, sum, end, head, epochs, types: fields[15] }
  }
}

/** The lines of an index by the file names of logs; undefined when there is none. Throws where it isn't what was written. */
export const readIndex = (disk: Disk, file: string): ReadonlyMap<string, string> | undefined => {
  const bytes = readFile(disk, file)
  if (bytes === undefined) return undefined
  const start = bytes.indexOf(10) + 1
  const first = `${firstLine} ${checksum(bytes.subarray(start))}\n`
  if (bytes.toString("utf8", 0, start) !== first) throw new Error("its checksum doesn't match")
  const lines = new Map<string, string>()
  const text = bytes.toString("utf8", start)
  for (let at = 0, end; (end = text.indexOf("\n", at)) >= 0; at = end + 1) {
    const blank = text.indexOf(" ", at)
    lines.set(text.slice(at, blank), text.slice(blank + 1, end))
  }
  return lines
}

const checksum = (bytes: Uint8Array): string => crc32(bytes).toString(16).padStart(8, "0")
