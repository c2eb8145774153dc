/**
 * The summaries of all logs in one file, so that a folder of ten thousand needs not be read to be listed. Disposable:
 * whatever is wrong with it, the logs are read instead. An entry counts while the log has the size and time it had; of a
 * log that has grown it is where reading goes on.
 *
 * The file is a checksum on the first line, then a line for each log: its file name, a blank, and the entry, which is
 * parsed only when it is asked for.
 */
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

const firstLine = "varve heads 0"

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
    return line === undefined ? undefined : (JSON.parse(line) as Entry)
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
      const line = entry === undefined ? this.lines?.get(name) : JSON.stringify(entry)
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
