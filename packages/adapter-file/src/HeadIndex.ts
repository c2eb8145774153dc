/**
 * The summaries of all logs in one file, so that a folder of ten thousand needs not be read to be listed. Disposable:
 * whatever is wrong with it, the logs are read instead. An entry counts while the log has the size and time it had; of a
 * log that has grown it is where reading goes on.
 */
import { randomBytes } from "node:crypto"
import { crc32 } from "node:zlib"
import type { Disk } from "./Disk.ts"
import { readFile, removeFile, writeFile } from "./files.ts"
import type { Kept } from "./Summary.ts"

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

const version = 0

export class HeadIndex {
  /** Streams of which more is known by now than the file holds. */
  readonly outdated = new Set<string>()
  private readonly disk: Disk
  private readonly file: string
  private entries: Map<string, Entry> | undefined

  constructor(disk: Disk, folder: string) {
    this.disk = disk
    this.file = `${folder}/heads.json`
  }

  /** Reads the file, at the first use of it. */
  get(stream: string): Entry | undefined {
    this.entries ??= this.load()
    return this.entries.get(stream)
  }

  /** Whether it is worth writing: a few outdated entries cost less to make up for than the file to write. */
  get isWorthSaving(): boolean {
    if (this.outdated.size === 0) return false
    this.entries ??= this.load()
    return 8 * this.outdated.size > this.entries.size
  }

  /** Stores what is known by now of the streams that exist; what nobody asked for since stays as it was. */
  save(streams: ReadonlyArray<string>, known: (stream: string) => Entry | undefined): void {
    const entries = streams.flatMap((stream) => known(stream) ?? this.get(stream) ?? [])
    const body = JSON.stringify({ version, entries })
    const temporary = `${this.file}.${randomBytes(8).toString("hex")}.tmp`
    writeFile(this.disk, temporary, Buffer.from(`${checksum(body)}\n${body}`))
    try {
      this.disk.renameSync(temporary, this.file)
    } catch (error) {
      removeFile(this.disk, temporary)
      throw error
    }
    this.entries = new Map(entries.map((entry) => [entry.kept.stream, entry]))
    this.outdated.clear()
  }

  private load(): Map<string, Entry> {
    try {
      const bytes = readFile(this.disk, this.file)
      const [sum, body] = bytes === undefined ? [] : bytes.toString("utf8").split("\n", 2)
      if (body === undefined || sum !== checksum(body)) return new Map()
      const found = JSON.parse(body) as { version: number; entries: ReadonlyArray<Entry> }
      return new Map(
        found.version === version ? found.entries.map((entry) => [entry.kept.stream, entry]) : []
      )
    } catch {
      return new Map()
    }
  }
}

const checksum = (body: string): string => crc32(body).toString(16).padStart(8, "0")
