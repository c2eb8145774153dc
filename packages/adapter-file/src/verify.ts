/**
 * Looks a folder through for operators: every group of every log, and all that is derived from them. Changes nothing.
 * What is found that nobody needs, or that can be made anew, comes with the work that does it, which `repair` runs.
 */
import {
  Damaged,
  OpenFailed,
  type Problem,
  type Progress,
  snapshotCheck,
  type StorageError,
  type Verification
} from "@varve/core"
import { Effect } from "effect"
import { isDeepStrictEqual } from "node:util"
import { type Claims, livingOwner } from "./Claims.ts"
import type { PathFacts } from "./Disk.ts"
import { fileNameOf, isLongName, nameOfFile } from "./fileName.ts"
import { closeQuietly, codeOf, namesIn, openToRead, readFile, removeFile, unlessAbsent } from "./files.ts"
import { longestHeader, parseHeader } from "./Format.ts"
import { entryOf, readIndex } from "./HeadIndex.ts"
import { parseSnapshot, placeOf } from "./snapshots.ts"
import { run } from "./Steps.ts"
import { failed, type Ports } from "./Store.ts"
import { isLogOf, readLog, scan, Summary } from "./Summary.ts"
import { Turns } from "./Turns.ts"

/** How a folder is looked through. */
export interface VerifyOptions {
  /** Told after each log. */
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** A problem, and how it is mended where it can be. */
export interface Finding {
  readonly problem: Problem
  readonly mend?: ((claims: Claims) => void | Promise<void>) | undefined
}

export const verify = (
  directory: string,
  options: VerifyOptions,
  ports: Ports
): Effect.Effect<Verification, OpenFailed | StorageError> =>
  attempt("verify", async (signal) => {
    const { events, findings, streams } = await look(directory, options, ports, signal)
    return { streams, events, problems: findings.map(({ problem }) => problem) }
  })

/** Runs work on a folder as an effect. */
export const attempt = <A>(
  operation: string,
  work: (signal: AbortSignal) => Promise<A>
): Effect.Effect<A, OpenFailed | StorageError> =>
  Effect.tryPromise({
    try: work,
    catch: (cause) => (cause instanceof OpenFailed ? cause : failed(operation, cause))
  })

export const look = async (
  directory: string,
  { onProgress }: VerifyOptions,
  ports: Ports,
  signal: AbortSignal
): Promise<Inspection> => {
  const inspection = new Inspection(directory, ports)
  const facts = ports.disk.lstatSync(directory, { throwIfNoEntry: false })
  if (facts === undefined) {
    const problem = "is not there; name the folder of a store"
    throw new OpenFailed({ reason: "unreachable", file: directory, problem })
  }
  // Before the logs: what they hold later isn't in it.
  inspection.readIndex()
  const logs = namesIn(ports.disk, directory).filter((name) => name.endsWith(".jsonl"))
  const sizes = logs.map((name) => inspection.factsOf(`${directory}/${name}`)?.size ?? 0)
  const total = sizes.reduce((sum, size) => sum + size, 0)
  let done = 0
  for (const [i, name] of logs.entries()) {
    signal.throwIfAborted()
    await inspection.lookAtLog(name.slice(0, -".jsonl".length))
    done += sizes[i]!
    onProgress?.({ done, total, unit: "bytes" })
  }
  inspection.lookAtModes()
  await inspection.lookAtSnapshots(signal)
  await inspection.lookAtLeftovers()
  return inspection
}

class Inspection {
  streams = 0
  events = 0
  readonly findings: Array<Finding> = []
  private readonly directory: string
  private readonly ports: Ports
  private readonly turns = new Turns()
  private index: ReadonlyMap<string, string> = new Map()

  constructor(directory: string, ports: Ports) {
    this.directory = directory
    this.ports = ports
  }

  factsOf(path: string): PathFacts | undefined {
    return this.ports.disk.lstatSync(path, { throwIfNoEntry: false })
  }

  private find(kind: "damaged" | "torn", problem: string, rest: Partial<Problem>): void {
    this.findings.push({ problem: { kind, problem, ...rest } })
  }

  /** Something whose file can go. */
  private findNeedless(file: string, problem: string, stream?: string): void {
    const { disk } = this.ports
    this.findings.push({
      problem: {
        kind: "derived",
        ...(stream === undefined ? {} : { stream }),
        file,
        problem,
        mend: "removed"
      },
      mend: () => void removeFile(disk, file)
    })
  }

  // --- logs ----------------------------------------------------------------------------------------------------

  /** Looks at a log, by its file's name without extension. */
  async lookAtLog(name: string): Promise<void> {
    const { disk } = this.ports
    const file = `${this.directory}/${name}.jsonl`
    const facts = this.factsOf(file)
    if (facts === undefined) return
    const stream = isLongName(name) ? undefined : nameOfFile(name)
    if (!facts.isFile()) {
      if (stream !== undefined)
        this.find("damaged", "it is no file, or a link, which is not followed", { stream, file })
      return
    }
    let fd: number | undefined
    try {
      fd = openToRead(disk, file)
      if (fd === undefined) return
      const named = stream ?? this.headerOf(fd)
      if (named === undefined) {
        const isOurs = /^.{80}~[0-9a-f]{64}$/.test(name)
        if (isOurs) this.find("damaged", "its first line doesn't tell whose log it is", { file, offset: 0 })
      } else if (fileNameOf(named) !== name) {
        const problem = "its name stands for another stream, so nobody finds it"
        this.find("damaged", problem, { stream: named, file, offset: 0 })
      } else await this.read(name, named, file, fd)
    } catch (error) {
      const place = { ...(stream === undefined ? {} : { stream }), file }
      this.find("damaged", `it cannot be read (${codeOf(error) || "an error"})`, place)
    } finally {
      if (fd !== undefined) closeQuietly(disk, fd)
    }
  }

  /** The name that a file's first line tells. */
  private headerOf(fd: number): string | undefined {
    const bytes = Buffer.alloc(longestHeader)
    const read = this.ports.disk.readSync(fd, bytes, 0, bytes.length, 0)
    return parseHeader(bytes.toString("utf8", 0, Math.max(0, Math.min(read, bytes.indexOf(10)))))?.stream
  }

  private async read(name: string, stream: string, file: string, fd: number): Promise<void> {
    const { disk } = this.ports
    const place = { disk, turns: this.turns, stream, file }
    const { size } = disk.fstatSync(fd)
    const visit = {
      add: () => void this.events++,
      damaged: (offset: number) =>
        this.find("damaged", "a group that was secured is not what was written", { stream, file, offset })
    }
    let found: Summary | string
    try {
      found = await run(readLog(place, fd, visit))
    } catch (error) {
      if (!(error instanceof Damaged)) throw error
      this.streams++
      this.find("damaged", error.problem, { stream, file, offset: error.offset ?? 0 })
      return
    }
    if (found === "foreign")
      return this.find("damaged", "it does not begin as a log", { stream, file, offset: 0 })
    const log = typeof found === "object" ? found : undefined
    if (log?.head !== undefined || log?.damage !== undefined) this.streams++
    const end = log?.end ?? 0
    const isTorn = log === undefined || (log.damage === undefined && end < size)
    // Of somebody who writes it just now, it is not torn but not yet there.
    if (isTorn && (await this.owner(`${name}.claim`)) === undefined) {
      const problem = "its end is no whole group: events that were not synced may be lost"
      this.find("torn", problem, { stream, file, offset: end })
    }
    if (log !== undefined && log.damage === undefined) await this.compare(name, fd, log)
  }

  // --- what is derived -----------------------------------------------------------------------------------------

  private get derived(): string {
    return `${this.directory}/.varve`
  }

  readIndex(): void {
    const file = `${this.derived}/heads`
    try {
      this.index = readIndex(this.ports.disk, file) ?? this.index
    } catch {
      this.findNeedless(file, "the index of heads is not what was written")
    }
  }

  /** Holds what the index tells of a log against the log. */
  private async compare(name: string, fd: number, log: Summary): Promise<void> {
    const line = this.index.get(name)
    if (line === undefined) return
    const { disk } = this.ports
    const { kept, look } = entryOf(line)
    const { ino, mtimeMs, size } = disk.fstatSync(fd)
    const recalled = Summary.from(kept, log.file)
    const isUsed = look.ino === ino && look.mtimeMs === mtimeMs && look.size === size
    // An entry of an earlier log, or a longer one, is passed over.
    const isOfIt = kept.end <= log.end && isLogOf(disk, fd, recalled)
    if (isOfIt) await run(scan(recalled, disk, fd, this.turns))
    if (isOfIt ? isSame(recalled, log) : !isUsed) return
    this.findNeedless(`${this.derived}/heads`, "the index of heads tells other than the log", log.stream)
  }

  async lookAtSnapshots(signal: AbortSignal): Promise<void> {
    const { disk } = this.ports
    const root = `${this.derived}/snapshots`
    for (const folder of namesIn(disk, root)) {
      for (const name of namesIn(disk, `${root}/${folder}`)) {
        signal.throwIfAborted()
        await run(this.turns.give())
        const file = `${root}/${folder}/${name}`
        if (!name.endsWith(".json")) continue
        const bytes = readFile(disk, file)
        const snapshot = bytes === undefined ? undefined : parseSnapshot(bytes)
        const isRight =
          snapshot !== undefined &&
          placeOf(snapshot.stream, snapshot.projection) === `${folder}/${name}` &&
          snapshot.check === snapshotCheck(snapshot)
        if (!isRight) this.findNeedless(file, "a snapshot is not what was written")
        else if (folder !== "%" && this.factsOf(`${this.directory}/${folder}.jsonl`) === undefined)
          this.findNeedless(file, "a snapshot of a stream that is not there", snapshot.stream)
      }
    }
  }

  /** The folder itself may be anybody's; what lies in it may not (law S2). */
  lookAtModes(): void {
    if (process.platform === "win32") return
    const ours = namesIn(this.ports.disk, this.directory).filter((name) => /\.(jsonl|torn|tmp)$/.test(name))
    for (const name of ours) this.lookAtMode(`${this.directory}/${name}`)
    this.lookAtMode(this.derived)
  }

  private lookAtMode(path: string): void {
    const { disk } = this.ports
    const facts = this.factsOf(path)
    if (facts === undefined) return
    if (facts.isDirectory()) for (const name of namesIn(disk, path)) this.lookAtMode(`${path}/${name}`)
    if ((!facts.isFile() && !facts.isDirectory()) || (facts.mode & 0o077) === 0) return
    const mode = facts.isFile() ? 0o600 : 0o700
    this.findings.push({
      problem: {
        kind: "derived",
        file: path,
        problem: "others than its owner may use it",
        mend: `made 0${mode.toString(8)}`
      },
      mend: () => unlessAbsent(() => disk.chmodSync(path, mode))
    })
  }

  // --- leftovers -----------------------------------------------------------------------------------------------

  private get claims(): string {
    return `${this.derived}/claims`
  }

  private owner(name: string): Promise<string | undefined> {
    return livingOwner(this.ports, this.claims, name)
  }

  /** Somebody who has the folder open; undefined for nobody. */
  async user(): Promise<string | undefined> {
    for (const name of namesIn(this.ports.disk, this.claims)) {
      const owner = name.endsWith(".card") ? await this.owner(name) : undefined
      if (owner !== undefined) return owner
    }
    return undefined
  }

  async lookAtLeftovers(): Promise<void> {
    await this.lookAtClaims()
    // What somebody may be writing just now is none.
    if ((await this.user()) !== undefined) return
    const { disk } = this.ports
    for (const name of namesIn(disk, this.directory)) {
      const of = /^([a-z0-9_%~-]+)\.[0-9a-f]{16}\.tmp$/.exec(name)?.[1]
      if (of !== undefined) this.findLeft(`${this.directory}/${name}`, of)
    }
    const folders = namesIn(disk, `${this.derived}/snapshots`).map(
      (name) => `${this.derived}/snapshots/${name}`
    )
    for (const folder of [this.derived, ...folders]) {
      for (const name of namesIn(disk, folder)) {
        if (name.endsWith(".tmp")) this.findNeedless(`${folder}/${name}`, "half a file that a crash left")
      }
    }
  }

  private async lookAtClaims(): Promise<void> {
    for (const name of namesIn(this.ports.disk, this.claims)) {
      const of = /^([^.]+)\.(?:card|claim(?:\.after-[\w-]+)?)$/.exec(name)?.[1]
      if (of === undefined || (await this.owner(name)) !== undefined) continue
      const file = `${this.claims}/${name}`
      if (!name.endsWith(".card")) this.findLeft(file, of, "the claim of an owner that died")
      else {
        const problem = "the card of an owner that died"
        this.findings.push({
          problem: { kind: "derived", file, problem, mend: "removed" },
          mend: (claims) => claims.sweep()
        })
      }
    }
  }

  /** A file that goes under the claim of its stream: without it somebody else might be at it. */
  private findLeft(file: string, name: string, problem = "half a file that a crash left"): void {
    const { disk } = this.ports
    const stream = nameOfFile(name)
    this.findings.push({
      problem: {
        kind: "derived",
        ...(stream === undefined ? {} : { stream }),
        file,
        problem,
        mend: "removed"
      },
      mend: async (claims) => {
        if ((await run(claims.take(name))) !== undefined) return
        try {
          // The claim itself is the own one by now, and goes when it is dropped.
          if (!file.endsWith(".claim")) removeFile(disk, file)
        } finally {
          claims.drop(name)
        }
      }
    })
  }
}

export type { Inspection }

/** Whether two summaries of a log tell the same. How much is synced, either may know better. */
const isSame = (recalled: Summary, log: Summary): boolean => {
  const { epochs, head, types } = recalled
  const allTypes =
    types === undefined || (log.types !== undefined && [...log.types].every((type) => types.has(type)))
  return (
    allTypes &&
    recalled.damage === undefined &&
    isDeepStrictEqual(epochs, log.epochs) &&
    isDeepStrictEqual({ ...head, synced: 0 }, { ...log.head, synced: 0 })
  )
}
