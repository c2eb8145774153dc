/**
 * Crashes a store at every step of a run, in every way: kills it and cuts the power, opens what is left, holds it
 * against the ledger, lets it recover, and crashes the recovery at every step in turn. All of it over the production
 * code, on simulated disks.
 */
import type { Group, Outcome, StorageService } from "@varve/core"
import { type Choose, chooseBy, SimulatedDisk } from "@varve/testkit"
import { Effect, Stream } from "effect"
import { crc32 } from "node:zlib"
import { fileNameOf } from "../../src/fileName.ts"
import { eventOf, type Found, type FoundStreams, Ledger } from "./Ledger.ts"
import { type Call, Plan } from "./Plan.ts"

/** What a storage told of bytes that it cut. */
export interface Told {
  readonly file: string
  readonly from: number
  readonly bytes: number
  readonly keptIn: string
}

export interface Opened {
  readonly service: StorageService
  /** What was told since the store was opened. */
  readonly told: ReadonlyArray<Told>
  readonly close: () => Promise<void>
}

/** Opens the store on a disk, as the only process there is. */
export type Open = (disk: SimulatedDisk) => Promise<Opened>

export interface ExploreOptions {
  readonly open: Open
  readonly seed: number
  /** Calls in the run. */
  readonly calls: number
  /** Power cuts at each step of the run, and at each step of a recovery. */
  readonly cuts: number
  readonly deepCuts: number
  /** Of so many crash states one is let recover, and crashed again on the way. */
  readonly deepEvery: number
  /** Of logs that differ in a torn end alone, one of so many is read; 1 by default. */
  readonly readOneOf?: number
  /** Whether the store goes by its index of heads. */
  readonly indexed?: boolean
  /** Ends early at this time, by `performance.now`, or with so many findings. */
  readonly until?: number
  readonly mostFindings?: number
  /** Into one of so many calls a mistake of the disk falls; 12 by default. */
  readonly faultEvery?: number
}

export interface Exploration {
  /** Crashes made. */
  states: number
  /** Those of them that left something of their own, and were opened. */
  opened: number
  /** Recoveries that were watched, and crashes in their midst. */
  recoveries: number
  deepStates: number
  calls: number
  readonly findings: Array<string>
}

interface State {
  readonly disk: SimulatedDisk
  readonly kind: "kill" | "power"
}

/** What is known, and which logs were found right by it. */
interface Right {
  readonly ledger: Ledger
  readonly seen: Map<string, Set<number>>
}

const logs = ".jsonl"
/** Where the store is. */
export const directory = "/store"

export const explore = async (options: ExploreOptions): Promise<Exploration> => {
  const explorer = new Explorer(options)
  await explorer.run()
  return explorer.report
}

class Explorer {
  readonly report: Exploration = {
    states: 0,
    opened: 0,
    recoveries: 0,
    deepStates: 0,
    calls: 0,
    findings: []
  }
  private readonly options: ExploreOptions
  private readonly choose: Choose

  constructor(options: ExploreOptions) {
    this.options = options
    this.choose = chooseBy(options.seed)
  }

  private get isOver(): boolean {
    const { mostFindings = 10, until = Infinity } = this.options
    return this.report.findings.length >= mostFindings || performance.now() > until
  }

  async run(): Promise<void> {
    const { calls, cuts, open } = this.options
    const disk = new SimulatedDisk()
    const ledger = new Ledger()
    const right: Right = { ledger, seen: new Map() }
    const plan = new Plan(this.choose, ledger, 0, this.options.faultEvery)
    const watch = new Watch(disk, this.choose, cuts)
    let opened = await open(disk)
    ledger.opened()
    for (let i = 0; i < calls && !this.isOver; i++) {
      const { call, fault } = plan.next()
      this.report.calls++
      const where = `call ${i + 1}, ${tell(call)}`
      if (fault !== undefined) disk.plant(fault)
      const answer = await this.make(call, opened, ledger, plan, where)
      if (call.kind === "reopen") opened = await open(disk)
      await this.examine(watch.take(), right, where, 0)
      this.found(answer(), where)
    }
    watch.stop()
    await opened.close()
  }

  /** Asks, and answers what takes the answer into the ledger: after all crashes on the way to it were examined. */
  private async make(
    call: Call,
    { close, service }: Opened,
    ledger: Ledger,
    plan: Plan,
    where: string
  ): Promise<() => ReadonlyArray<string>> {
    switch (call.kind) {
      case "append": {
        for (const group of call.groups) ledger.ask(group)
        const outcomes = await Effect.runPromise(service.append(call.groups))
        return () =>
          call.groups.flatMap((group, i) => {
            if (outcomes[i]!._tag === "Failed") plan.failed(group)
            return ledger.answer(group, outcomes[i]!)
          })
      }
      case "remove": {
        ledger.askRemoval(call.stream)
        const result = await Effect.runPromise(Effect.result(service.remove(call.stream)))
        if (result._tag === "Failure") return () => [`V1: ${String(result.failure)}`]
        return () => {
          ledger.removed(call.stream)
          return []
        }
      }
      case "release":
      case "sync": {
        const work = call.kind === "sync" ? service.sync : service.release(call.stream)
        const ended = Effect.runPromise(Effect.result(work))
        for (const group of call.beside) ledger.ask(group)
        const outcomes = service.appendSync!(call.beside)
        const result = await ended
        return () => {
          // It covers what was written before it was asked for.
          if (call.kind === "sync" && result._tag === "Success") ledger.syncedAll()
          return call.beside.flatMap((group, i) => {
            if (outcomes[i]!._tag === "Failed") plan.failed(group)
            return ledger.answer(group, outcomes[i]!)
          })
        }
      }
      case "reopen":
        await close()
        return () => {
          ledger.opened()
          return []
        }
    }
    throw new Error(where)
  }

  private found(wrong: ReadonlyArray<string>, where: string): void {
    for (const each of wrong) if (!this.isOver) this.report.findings.push(`${each} (${where})`)
  }

  /** Opens what crashes left, as far as it differs from what was found right before. */
  private async examine(
    states: ReadonlyArray<State>,
    right: Right,
    where: string,
    depth: number
  ): Promise<void> {
    const { ledger } = right
    const isAlikeEnough = (): boolean => this.choose(this.options.readOneOf ?? 1) > 0
    for (const state of states) {
      if (this.isOver) return
      this.report.states++
      if (depth > 0) this.report.deepStates++
      const recovers = depth === 0 && this.choose(this.options.deepEvery) === 0
      const { news, strangers } = lookAt(state, right, isAlikeEnough, this.options.indexed ?? false)
      const place = `${where}, ${state.kind}${depth > 0 ? " again" : ""}`
      this.found(
        strangers.map((path) => `V1 ${path}: nobody wrote it`),
        place
      )
      if (news.length === 0 && !recovers) continue
      this.report.opened++
      try {
        await this.open(state, ledger, recovers ? ledger.names() : news, recovers, place)
      } catch (error) {
        this.found([`R3: ${String(error)}`], place)
      }
    }
  }

  /** Opens what a crash left, and reads it. */
  private async open(
    state: State,
    ledger: Ledger,
    streams: ReadonlyArray<string>,
    recovers: boolean,
    where: string
  ): Promise<void> {
    const { disk, kind } = state
    const opened = await this.options.open(disk)
    const found = await read(opened.service, streams)
    await opened.close()
    this.found(ledger.check(found, kind, streams), where)
    if (disk.trace.some(({ path }) => path.endsWith(logs))) this.found(["M3: a reader wrote to a log"], where)
    if (!recovers) return
    // The index remembers proofs that the log itself has lost: what it says is synced may then pass for torn.
    if (this.options.indexed !== true) await this.spoil(disk, found, where)
    await this.recover(state, ledger.after(found, kind), ledger, where)
  }

  /** Law R2: one byte changed in what a log says is synced refuses the stream, and nothing is cut. */
  private async spoil(crashed: SimulatedDisk, found: FoundStreams, where: string): Promise<void> {
    for (const [stream, { events, head }] of found) {
      const synced = head?.synced ?? 0
      if (synced === 0) continue
      const disk = crashed.crash({ kind: "kill" })
      const file = pathOf(stream)
      const bytes = Buffer.from(disk.readFileSync(file))
      const { id, seq } = events[this.choose(synced)]!
      const line = bytes.indexOf(`{"seq":${seq},"id":"${id}"`)
      const at = line + this.choose(bytes.indexOf(10, line) - line)
      bytes[at]! ^= 1 << this.choose(7)
      disk.writeFileSync(file, bytes)
      const { close, service, told } = await this.options.open(disk)
      const place = `${where}, byte ${at} of ${file} changed`
      const group: Group = { stream, events: [eventOf("1000000/10")], durability: "synced" }
      const [outcome] = await Effect.runPromise(service.append([group]))
      if (outcome!._tag !== "Failed" || outcome!.reached !== "rejected")
        this.found([`R2 ${stream}: an append behind damage is ${outcome!._tag}`], place)
      const answer = await Effect.runPromise(
        Effect.result(Stream.runDrain(service.query({ streams: [stream] })))
      )
      if (answer._tag !== "Failure" || answer.failure._tag !== "Damaged" || answer.failure.file !== file)
        this.found([`R2 ${stream}: damage is answered`], place)
      if (told.length > 0 || Buffer.compare(bytesAt(disk, file), bytes) !== 0)
        this.found([`R2 ${stream}: what is damaged was cut`], place)
      await close()
    }
  }

  /** Writes to what a crash left, and crashes that. */
  private async recover(
    { disk, kind }: State,
    ledger: Ledger,
    crashed: Ledger,
    where: string
  ): Promise<void> {
    this.report.recoveries++
    const before = filesOf(disk, logs)
    const right: Right = { ledger, seen: new Map() }
    const watch = new Watch(disk, this.choose, this.options.deepCuts)
    const plan = new Plan(this.choose, ledger, 1_000_000)
    const opened = await this.options.open(disk)
    ledger.opened()
    for (const stream of ledger.names()) {
      if (ledger.isLeaving(stream)) {
        await Effect.runPromise(opened.service.remove(stream))
        await this.examine(watch.take(), right, `${where}, removal of ${stream}`, 1)
        ledger.removed(stream)
      }
      const taken = ledger.takenFrom(stream)
      const groups = [this.groupFor(stream, ledger, crashed, plan)]
      for (const group of groups) ledger.ask(group)
      const outcomes: ReadonlyArray<Outcome> = await Effect.runPromise(opened.service.append(groups))
      const states = watch.take()
      await this.examine(states, right, `${where}, recovery of ${stream}`, 1)
      if (kind === "power")
        this.found(
          states.flatMap((state) => unkept(before, state.disk)),
          where
        )
      this.found(
        groups.flatMap((group, i) => ledger.answer(group, outcomes[i]!)),
        `${where}, recovered`
      )
      if (taken !== undefined) this.found(await followed(opened.service, stream, taken), where)
    }
    this.found(untold(before, disk, opened.told), where)
    const found = await read(opened.service, ledger.names())
    this.found(ledger.check(found, "kill", ledger.names()), `${where}, recovered`)
    const torn = ledger.names().find((stream) => opened.told.some(({ file }) => file === pathOf(stream)))
    if (torn !== undefined) await this.remove(torn, opened, watch, right, where)
    watch.stop()
    await opened.close()
  }

  /** Law V1: removing a stream of which a torn end is kept takes that along, also after a crash on the way. */
  private async remove(
    stream: string,
    { service, told }: Opened,
    watch: Watch,
    right: Right,
    where: string
  ): Promise<void> {
    const { ledger } = right
    const others = told.filter(({ file }) => file !== pathOf(stream))
    const place = `${where}, removal of ${stream}`
    watch.take()
    ledger.askRemoval(stream)
    await Effect.runPromise(service.remove(stream))
    const states = watch.take()
    await this.examine(states, right, place, 1)
    ledger.removed(stream)
    for (const { disk, kind } of watch.take()) {
      this.found(leftOf(disk, stream), place)
      for (const { keptIn } of others)
        if (bytesAt(disk, keptIn).length === 0)
          this.found([`V1 ${keptIn}: is another stream's, and gone`], `${place}, ${kind}`)
    }
    for (const { disk, kind } of states) {
      // The log is gone and the rest isn't: whoever removes it once more finishes that.
      if (bytesAt(disk, pathOf(stream)).length > 0 || leftOf(disk, stream).length === 0) continue
      const again = await this.options.open(disk)
      await Effect.runPromise(again.service.remove(stream))
      await again.close()
      this.found(leftOf(disk, stream), `${place}, ${kind}, and once more`)
    }
  }

  /** Something stored, what was under way, and something new. */
  private groupFor(stream: string, ledger: Ledger, crashed: Ledger, plan: Plan): Group {
    const stored = ledger.stored(stream)
    const events = [
      ...stored.slice(-1).map(eventOf),
      ...crashed
        .unsettled(stream)
        .filter((id) => id !== stored.at(-1))
        .map(eventOf),
      plan.event()
    ]
    return { stream, events, durability: this.choose(2) === 0 ? "synced" : "written" }
  }
}

/** Crashes a disk at each of its steps. */
class Watch {
  private states: Array<State> = []
  private readonly disk: SimulatedDisk
  private readonly choose: Choose
  private readonly cuts: number

  constructor(disk: SimulatedDisk, choose: Choose, cuts: number) {
    this.disk = disk
    this.choose = choose
    this.cuts = cuts
    disk.onStep = () => this.crash()
  }

  private crash(): void {
    const { choose, disk } = this
    this.states.push({ kind: "kill", disk: disk.crash({ kind: "kill", choose }) })
    for (let i = 0; i < this.cuts; i++)
      this.states.push({ kind: "power", disk: disk.crash({ kind: "power", choose }) })
  }

  /** The crashes since it was asked last, and one here and now. */
  take(): ReadonlyArray<State> {
    this.crash()
    const { states } = this
    this.states = []
    return states
  }

  stop(): void {
    this.disk.onStep = undefined
  }
}

/**
 * Which streams' logs were not found right before, and which files are nobody's. Logs don't know of each other: one
 * that was read beside others is not read again beside yet others, with the same index of heads.
 */
const lookAt = (
  { disk, kind }: State,
  { ledger, seen }: Right,
  isAlikeEnough: () => boolean,
  indexed: boolean
) => {
  const files = filesOf(disk, logs)
  const index = indexed ? (disk.files(`${directory}/.varve`).get("heads") ?? empty) : empty
  const news: Array<string> = []
  for (const stream of ledger.names()) {
    const path = pathOf(stream)
    const bytes = files.get(path)
    files.delete(path)
    const known = crc32(index, ledger.version(stream) * 2 + (kind === "kill" ? 1 : 0))
    let right = seen.get(stream)
    if (right === undefined) seen.set(stream, (right = new Set()))
    const key = keyOf(bytes, known)
    if (right.has(key)) continue
    right.add(key)
    // Logs that differ within a last line without an end are alike.
    const alike = -keyOf(bytes?.subarray(0, bytes.lastIndexOf(10) + 1), known)
    if (!right.has(alike) || !isAlikeEnough()) news.push(stream)
    right.add(alike)
  }
  return { news, strangers: [...files.keys()] }
}

const keyOf = (bytes: Uint8Array | undefined, known: number): number =>
  bytes === undefined ? known + 1 : (bytes.length + 1) * 2 ** 32 + crc32(bytes, known)

const empty = new Uint8Array(0)

const pathOf = (stream: string): string => `${directory}/${fileNameOf(stream)}${logs}`

const read = async (service: StorageService, streams: ReadonlyArray<string>): Promise<FoundStreams> => {
  const heads = await Effect.runPromise(service.heads({ streams }))
  const found = new Map(heads.map((head): [string, Found] => [head.stream, { head, events: [] }]))
  await Effect.runPromise(
    Stream.runForEach(service.query({ streams }), ({ events, stream }) =>
      Effect.sync(() => {
        const { events: before = [], head } = found.get(stream) ?? {}
        if (events.length > 0) found.set(stream, { head, events: [...before, ...events] })
      })
    )
  )
  return found
}

/** Law C3: a cursor of what was lost is not followed by what came in its place. */
const followed = async (
  service: StorageService,
  stream: string,
  cursor: { readonly epoch: string; readonly seq: number }
): Promise<ReadonlyArray<string>> => {
  const batches = await Effect.runPromise(
    Stream.runCollect(service.query({ streams: [stream], after: new Map([[stream, cursor]]) }))
  )
  return batches.some(({ resync }) => resync !== undefined)
    ? []
    : [`C3 ${stream}: the cursor of seq ${cursor.seq}, which was lost, goes on`]
}

/** Law V1: files of a stream that was removed. */
const leftOf = (disk: SimulatedDisk, stream: string): ReadonlyArray<string> =>
  [...disk.files(directory).keys()]
    .filter((name) => name.startsWith(`${fileNameOf(stream)}.`))
    .map((name) => `V1 ${stream}: was removed, and ${name} is there`)

/** Law R2: what was cut from a log was told, and is kept. */
const untold = (
  before: ReadonlyMap<string, Uint8Array>,
  disk: SimulatedDisk,
  told: ReadonlyArray<Told>
): ReadonlyArray<string> => {
  const wrong: Array<string> = []
  for (const [file, bytes] of before) {
    const notices = told.filter((notice) => notice.file === file)
    // What was written since may begin like what was cut.
    const isCut =
      !startsWith(bytesAt(disk, file), bytes) ||
      disk.trace.some(
        ({ call, length, path }) => call === "ftruncate" && path === file && length! < bytes.length
      )
    if (notices.length !== (isCut ? 1 : 0))
      wrong.push(`R2 ${file}: ${isCut ? "was cut" : "is whole"}, and ${notices.length} losses were told`)
    for (const { bytes: count, from, keptIn } of notices) {
      const kept = bytesAt(disk, keptIn)
      if (from + count !== bytes.length || Buffer.compare(kept, bytes.subarray(from)) !== 0)
        wrong.push(`R2 ${file}: ${count} bytes from ${from} on were told, and ${keptIn} doesn't hold them`)
    }
  }
  return wrong
}

/** Law R2: a crash while a log is cut leaves what is cut in the log, or kept aside. */
const unkept = (before: ReadonlyMap<string, Uint8Array>, disk: SimulatedDisk): ReadonlyArray<string> => {
  const kept = filesOf(disk, ".torn")
  return [...before].flatMap(([file, bytes]) => {
    const now = bytesAt(disk, file)
    if (startsWith(now, bytes)) return []
    const isKept = [...kept.values()].some((torn) => {
      const from = bytes.length - torn.length
      return from >= 0 && startsWith(now, bytes.subarray(0, from)) && startsWith(torn, bytes.subarray(from))
    })
    return isKept ? [] : [`R2 ${file}: was cut, and what was cut is kept nowhere`]
  })
}

/** The store's files whose names end so, by path. */
const filesOf = (disk: SimulatedDisk, end: string): Map<string, Uint8Array> => {
  const files = new Map<string, Uint8Array>()
  for (const [name, bytes] of disk.files(directory))
    if (name.endsWith(end)) files.set(`${directory}/${name}`, bytes)
  return files
}

const bytesAt = (disk: SimulatedDisk, path: string): Uint8Array =>
  disk.files(directory).get(path.slice(directory.length + 1)) ?? empty

const startsWith = (bytes: Uint8Array, start: Uint8Array): boolean =>
  bytes.length >= start.length && Buffer.compare(bytes.subarray(0, start.length), start) === 0

const tell = (call: Call): string =>
  call.kind === "append"
    ? call.groups
        .map(({ durability, events, stream }) => `${durability} ${events.length} to ${stream}`)
        .join(" + ")
    : "stream" in call
      ? `${call.kind} ${call.stream}`
      : call.kind
