/**
 * An opened folder: the logs in it, and what they share. The logs lie in the folder itself, where people find them;
 * all else is in `.varve` and can be made anew, but for the claims of those who write.
 */
import { StorageError } from "@varve/core"
import { randomBytes } from "node:crypto"
import { Claims } from "./Claims.ts"
import type { Disk } from "./Disk.ts"
import { fileNameOf, isLongName, nameOfFile } from "./fileName.ts"
import { closeQuietly, makeFolder, namesIn, openToRead } from "./files.ts"
import { HeadIndex } from "./HeadIndex.ts"
import { GroupBuffer, longestHeader, parseHeader } from "./Format.ts"
import type { Presence } from "./Presence.ts"
import type { Notice } from "./Notice.ts"
import { OpenLogs } from "./OpenLogs.ts"
import { run, type Steps } from "./Steps.ts"
import { StreamLog, type Surroundings } from "./StreamLog.ts"
import type { Summary } from "./Summary.ts"
import { Turns } from "./Turns.ts"

export interface Ports {
  readonly disk: Disk
  readonly presence: Presence
}

export interface StoreOptions extends Ports {
  readonly directory: string
  readonly idleTimeout: number
  readonly notify: (notice: Notice) => void
}

/** ms between two looks at what is idle, at most: `Infinity` lets no stream go, but there is more to tidy. */
const mostBetween = 60_000

export class Store implements Surroundings {
  readonly directory: string
  readonly disk: Disk
  readonly claims: Claims
  readonly turns = new Turns()
  readonly buffer = new GroupBuffer()
  readonly notify: (notice: Notice) => void
  readonly salt = randomBytes(4).readUInt32LE()
  readonly counters = { appends: 0, syncs: 0, queries: 0, eventsRead: 0, bytesRead: 0 }
  readonly index: HeadIndex
  worthIndex = 1024 * 1024
  private readonly logs = new Map<string, StreamLog>()
  private readonly open = new OpenLogs()
  /** Streams that were let go with something that no sync had secured. */
  private readonly unsecured = new Set<string>()
  private readonly longNames = new Map<string, string>()
  private readonly idle: NodeJS.Timeout
  private isSwept = false

  private constructor({ directory, disk, idleTimeout, notify }: StoreOptions, claims: Claims) {
    this.directory = directory
    this.disk = disk
    this.claims = claims
    this.index = new HeadIndex(disk, this.turns, `${directory}/.varve`)
    this.notify = notify
    const often = Math.min(Math.max(idleTimeout / 4, 10), mostBetween)
    this.idle = setInterval(() => void this.tidy(idleTimeout), often).unref()
  }

  /** Opens a folder, and makes it where there is none. */
  static async open(options: StoreOptions): Promise<Store> {
    const { directory, disk } = options
    makeFolder(disk, directory)
    return new Store(options, await Claims.open(options, `${directory}/.varve/claims`))
  }

  /** The folder of what belongs to no log. */
  get derived(): string {
    return `${this.directory}/.varve`
  }

  /** A stream's log, whether there is anything in it or not. */
  log(stream: string): StreamLog {
    let log = this.logs.get(stream)
    if (log === undefined) {
      log = new StreamLog(this, stream, fileNameOf(stream))
      this.logs.set(stream, log)
    }
    return log
  }

  /** What is known of a stream by now; undefined when there is none. */
  *look(stream: string): Steps<Summary | undefined> {
    const known = this.logs.get(stream)
    const log = known ?? new StreamLog(this, stream, fileNameOf(stream))
    const summary = yield* log.look()
    // Streams that aren't there leave nothing behind, however many are asked for.
    if (summary !== undefined && !this.logs.has(stream)) this.logs.set(stream, log)
    return summary
  }

  /** The names of the streams that have a file, in no order. */
  streams(): ReadonlyArray<string> {
    // Whoever lists all is going to ask for all.
    this.worthIndex = 0
    return this.files().flatMap((file) => (isLongName(file) ? this.longName(file) : nameOfFile(file)) ?? [])
  }

  /** The files of logs, without extension. */
  private files(): ReadonlyArray<string> {
    const files = namesIn(this.disk, this.directory).filter((file) => file.endsWith(".jsonl"))
    return files.map((file) => file.slice(0, -".jsonl".length))
  }

  /** Secures everything that was written. */
  async sync(): Promise<void> {
    const unsecured = Array.from(this.unsecured, (stream) => this.log(stream))
    await Promise.all([...this.open, ...unsecured].map(async (log) => run(log.sync())))
  }

  /** Settles what is under way, secures it, and lets others write. */
  async close(): Promise<void> {
    clearInterval(this.idle)
    // Whoever waits for a place gets one of those that are given up.
    while (this.open.size > 0) await Promise.all(Array.from(this.open, async (log) => run(log.release())))
    await this.saveIndex()
    this.claims.close()
  }

  /** Off the way of everybody: at the end, and when a minute was quiet. */
  private async saveIndex(): Promise<void> {
    try {
      if (!this.index.isWorthSaving) return
      const logs = new Map(Array.from(this.logs.values(), (log) => [log.name, log]))
      await run(this.index.save(this.files(), (name) => logs.get(name)?.entry()))
    } catch {
      // It is derived: whoever comes next reads the logs.
    }
  }

  /** What can wait for a quiet moment. */
  private async tidy(idleTimeout: number): Promise<void> {
    const since = performance.now() - idleTimeout
    for (const log of this.open) if (log.lastUsed < since) await run(log.release())
    if (this.open.size === 0) await this.saveIndex()
    if (!this.isSwept) {
      this.isSwept = true
      await this.claims.sweep().catch(() => undefined)
    }
  }

  /** Lets others write a stream. */
  async release(stream: string): Promise<void> {
    const log = this.logs.get(stream)
    if (log !== undefined) await run(log.release())
  }

  enter(log: StreamLog): Steps<void> {
    return this.open.enter(log)
  }

  opened(log: StreamLog): void {
    this.unsecured.delete(log.stream)
  }

  closed(log: StreamLog, isUnsecured: boolean): void {
    this.open.leave(log)
    if (isUnsecured) this.unsecured.add(log.stream)
    else this.unsecured.delete(log.stream)
  }

  /** Forgets a log of which nothing is left to do: of a stream there is never a second one with a claim (law M1). */
  forget(stream: string): void {
    if (this.logs.get(stream)?.isIdle === true && !this.unsecured.has(stream)) this.logs.delete(stream)
  }

  /** A name that is too long for a file's stands in the file. */
  private longName(file: string): string | undefined {
    const known = this.longNames.get(file)
    if (known !== undefined) return known
    const fd = openToRead(this.disk, `${this.directory}/${file}.jsonl`)
    if (fd === undefined) return undefined
    try {
      const bytes = Buffer.alloc(longestHeader)
      const read = this.disk.readSync(fd, bytes, 0, bytes.length, 0)
      const header = parseHeader(bytes.toString("utf8", 0, Math.min(read, bytes.indexOf(10))))
      if (header === undefined || fileNameOf(header.stream) !== file) return undefined
      this.longNames.set(file, header.stream)
      return header.stream
    } finally {
      closeQuietly(this.disk, fd)
    }
  }
}

/** What cannot be answered, as the seam tells it. */
export const failed = (operation: string, cause: unknown, stream?: string): StorageError =>
  new StorageError({ operation, cause, ...(stream === undefined ? {} : { stream }) })
