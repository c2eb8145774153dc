/**
 * The way from `record` and `append` to the storage: one queue a stream, one timer for all.
 *
 * Four ideas:
 *
 * - **One queue.** What was recorded, what is appended and what must wait its turn (a flush, a removal) stand in one
 *   line per stream, so nothing overtakes anything (law O1).
 * - **Due.** A queue says how many of its items must go now. A tick makes all of them due; a barrier, an append or a
 *   flush makes everything up to itself due, in its stream alone (law O3). What is due goes at the end of the current
 *   job, so that asks made side by side share one storage call.
 * - **A run is a group.** Plain events at the front of a queue become one group, one write, one notification,
 *   however many flushes asked for them (laws O2, O6). A barrier and an append are groups of their own.
 * - **One call under way a stream.** Streams wait for each other only where they share a call.
 *
 * Plain code throughout: no promise, fiber or closure per recorded event. Nothing that a storage or a listener throws
 * ends a queue's turn: it becomes an outcome.
 */
import { Effect, Exit } from "effect"
import { type AppendError, IdConflict, LogClosed, QueueFull, RecordFailed, Unsupported } from "./Errors.ts"
import * as EventSet from "./EventSet.ts"
import type { Fork } from "./Fork.ts"
import { type Asked, Groups, sizeOf } from "./Groups.ts"
import { type Failure, Listeners, type Notification, type Report } from "./Listeners.ts"
import { Line } from "./Line.ts"
import type { LogEvent, NewEvent } from "./LogEvent.ts"
import type { Appended, Group, Outcome, StorageService } from "./LogStorage.ts"
import { checkAppend } from "./Options.ts"
import { errorOf, type Receipt, receiptOf } from "./Receipt.ts"
import { checkName, invalidEvent } from "./Refusal.ts"
import { type SetTimer, startTimeout } from "./Timer.ts"
import { Turns } from "./Turns.ts"

/** How a log writes. */
export interface WriterOptions {
  /** Milliseconds that plain events may wait to be written together; `Infinity`: until they are flushed. 16 by default. */
  readonly tick?: number
  /** From here on `record` answers false: time to wait for `flush`. 10,000 events or 16 MiB by default. */
  readonly highWater?: { readonly events?: number; readonly bytes?: number }
  /** From here on `record` and `append` refuse with `QueueFull`; not below `highWater`. 100,000 events or 256 MiB by default. */
  readonly hardLimit?: { readonly events?: number; readonly bytes?: number }
  /** Told of every recorded event that could not be stored. Logged by default, without the events. */
  readonly onFailure?: (failure: Failure) => void
  /** Told what a listener threw. Logged by default. */
  readonly onListenerError?: (error: unknown) => void
  /** The timer, for tests: runs `run` after `ms`, and answers how to take that back. */
  readonly setTimer?: SetTimer
}

/** What a writer needs of its surroundings. */
export interface Surroundings {
  readonly fork: Fork
  /** Told what a listener threw. */
  readonly report: Report
  /** Told of every recorded event that could not be stored. May not throw. */
  readonly failed: (failure: Failure) => void
  /** Told of every stream that was sealed here. */
  readonly sealed: (stream: string) => void
}

type Resume<A> = (exit: Exit.Exit<A, AppendError>) => void

/** What waits in a queue. */
type Item =
  | { readonly kind: "record"; readonly event: NewEvent; readonly size: number }
  | {
      readonly kind: "append"
      readonly events: ReadonlyArray<NewEvent>
      readonly size: number
      readonly asked: Asked
      readonly resume: Resume<Receipt>
    }
  /** Everything before it is settled. */
  | { readonly kind: "settled"; readonly resume: () => void }
  /** Runs in its place, alone. */
  | {
      readonly kind: "call"
      readonly effect: Effect.Effect<unknown, unknown>
      readonly resume: (exit: Exit.Exit<any, any>) => void
    }

interface Queue {
  readonly stream: string
  readonly items: Line<Item>
  /** So many items at the front must go now. */
  due: number
  /** Whether a call for this stream is under way. */
  busy: boolean
  /** Groups that come before `items`: a refused one, event by event. */
  again: Array<Writing>
}

/** A group on its way. */
interface Writing {
  readonly queue: Queue
  readonly group: Group
  /** In the order of `group.events`. */
  readonly sources: ReadonlyArray<NewEvent>
  readonly volatile: ReadonlyArray<NewEvent>
  readonly size: number
  /** Absent for recorded events. */
  readonly resume?: Resume<Receipt>
}

const nothing: ReadonlyArray<never> = []

export class Writer {
  readonly listeners: Listeners<Notification>
  private readonly queues = new Map<string, Queue>()
  /** Queues with something due and no call under way. */
  private ready = new Set<Queue>()
  /** Recorded events that failed and were not reported yet, by stream. */
  private readonly failed = new Map<string, { ids: Array<string>; count: number; readonly cause: unknown }>()
  /** Streams of which something is not stored, while `flushSync` finds them. */
  private lost: Set<string> | undefined
  /** Streams of which it is unknown what was stored last: their next group is told, even if it brings nothing new. */
  private readonly doubtful = new Set<string>()
  private waiting = { events: 0, bytes: 0 }
  /** Takes the timer back, while one is set. */
  private timer: (() => void) | undefined
  private closed = false

  private readonly set: EventSet.Any
  private readonly storage: StorageService
  private readonly fork: Fork
  private readonly tellFailure: Surroundings["failed"]
  private readonly sealed: Surroundings["sealed"]
  private readonly groups: Groups
  private readonly turns: Turns
  private readonly tick: number
  private readonly high: { readonly events: number; readonly bytes: number }
  private readonly hard: { readonly events: number; readonly bytes: number }
  private readonly setTimer: SetTimer

  constructor(
    set: EventSet.Any,
    storage: StorageService,
    { failed, fork, report, sealed }: Surroundings,
    options: WriterOptions
  ) {
    this.set = set
    this.storage = storage
    this.fork = fork
    this.tellFailure = failed
    this.sealed = sealed
    this.listeners = new Listeners(report)
    this.groups = new Groups(set, storage.limits)
    this.turns = new Turns(() => this.sendDue())
    this.tick = options.tick ?? 16
    this.high = { events: 10_000, bytes: 2 ** 24, ...options.highWater }
    this.hard = { events: 100_000, bytes: 2 ** 28, ...options.hardLimit }
    this.setTimer = options.setTimer ?? startTimeout
  }

  /** Takes an event without waiting. O(1). False above the high-water mark; throws what refuses it, taking nothing. */
  record(stream: string, event: NewEvent): boolean {
    const definition = EventSet.definitionOf(this.set, event.type)
    const problem = EventSet.glance(definition, event)
    if (definition === undefined || problem !== undefined) throw invalidEvent(stream, event, "", problem!)
    const size = sizeOf(event)
    const queue = this.queue(stream)
    this.admit(stream, 1, size)
    queue.items.push({ kind: "record", event, size })
    if (definition.barrier) this.hurry(queue)
    else if (this.timer === undefined) this.startTimer()
    return this.waiting.events <= this.high.events && this.waiting.bytes <= this.high.bytes
  }

  /** Takes events as one group of their own, behind what was recorded. Throws what refuses them up front. */
  append(stream: string, events: ReadonlyArray<NewEvent>, asked: Asked, resume: Resume<Receipt>): void {
    checkAppend(asked)
    const queue = this.queue(stream)
    const size = events.reduce((sum, event) => sum + sizeOf(event), 0)
    this.admit(stream, events.length, size)
    queue.items.push({ kind: "append", events, size, asked, resume })
    this.hurry(queue)
  }

  /** Settles what was recorded before, of one stream or all, and fails with what could not be stored. */
  flush(stream: string | undefined, resume: Resume<void>): void {
    this.settled(stream === undefined ? undefined : [stream], () => {
      const streams = stream === undefined ? [...this.failed.keys()] : [stream]
      const failure = this.takeFailures(streams)
      resume(failure === undefined ? Exit.void : Exit.fail(failure))
    })
  }

  /** Resumes when what was recorded before is settled, whatever came of it: a read behind it sees all (law O5). */
  settled(streams: ReadonlyArray<string> | undefined, resume: () => void): void {
    if (this.closed) throw new LogClosed({})
    const queues =
      streams === undefined ? [...this.queues.values()] : streams.flatMap((s) => this.queues.get(s) ?? [])
    let left = queues.length
    if (left === 0) return resume()
    for (const queue of queues) {
      queue.items.push({ kind: "settled", resume: () => --left === 0 && resume() })
      this.hurry(queue)
    }
  }

  /** Runs an effect in its place in a stream's line, alone. */
  call<A, E>(stream: string, effect: Effect.Effect<A, E>, resume: (exit: Exit.Exit<A, E>) => void): void {
    const queue = this.queue(stream)
    queue.items.push({ kind: "call", effect, resume })
    this.hurry(queue)
  }

  /**
   * Settles what was recorded before, now: for exit and signal handlers. Answers the streams of which something is not
   * known to be stored: it failed, or an asynchronous call is under way whose outcome nobody learns who exits now.
   */
  flushSync(): ReadonlyArray<string> {
    const { appendSync } = this.storage
    if (appendSync === undefined) throw new Unsupported({ capability: "appendSync" })
    const queues = [...this.queues.values()]
    const lost = (this.lost = new Set(this.failed.keys()))
    for (const queue of queues) queue.due = queue.items.length
    for (;;) {
      const writings = this.take(queues)
      if (writings.length === 0) break
      let outcomes: ReadonlyArray<Outcome> | Unanswered
      try {
        outcomes = appendSync(writings.map((writing) => writing.group))
      } catch (cause) {
        outcomes = { cause }
      }
      this.settleAll(writings, outcomes)
    }
    this.lost = undefined
    for (const { busy, items, stream } of queues) if (busy || items.length > 0) lost.add(stream)
    return [...lost]
  }

  /** Takes nothing more, settles what was taken, and fails with what could not be stored (law A9). */
  close(resume: Resume<void>): void {
    this.flush(undefined, resume)
    this.closed = true
    this.timer?.()
  }

  // --- the line ------------------------------------------------------------------------------------------------

  private queue(stream: string): Queue {
    if (this.closed) throw new LogClosed({})
    let queue = this.queues.get(stream)
    if (queue === undefined) {
      checkName("stream", stream)
      queue = { stream, items: new Line(), due: 0, busy: false, again: [] }
      this.queues.set(stream, queue)
    }
    return queue
  }

  /** Counts what is taken, or refuses it: nothing grows without end (law O7). */
  private admit(stream: string, events: number, bytes: number): void {
    const { waiting, hard } = this
    if (waiting.events >= hard.events || waiting.bytes >= hard.bytes) {
      this.rest(this.queues.get(stream)!)
      throw new QueueFull({ stream, ...waiting })
    }
    waiting.events += events
    waiting.bytes += bytes
  }

  private release(events: number, bytes: number): void {
    this.waiting.events -= events
    this.waiting.bytes -= bytes
  }

  /** Makes all that is queued due, at the end of the current job. */
  private hurry(queue: Queue): void {
    queue.due = queue.items.length
    if (queue.busy) return
    this.ready.add(queue)
    this.turns.soon()
  }

  private startTimer(): void {
    this.timer = this.setTimer(() => {
      this.timer = undefined
      for (const queue of this.queues.values()) {
        queue.due = queue.items.length
        if (queue.due > 0 && !queue.busy) this.ready.add(queue)
      }
      this.turns.now()
    }, this.tick)
  }

  // --- the call ------------------------------------------------------------------------------------------------

  /** Sends the next group of each queue that is ready, in one storage call. Answers whether others are ready since. */
  private sendDue(): boolean {
    const queues = this.ready
    this.ready = new Set()
    const writings = this.take(queues)
    if (writings.length > 0) {
      const append = Effect.suspend(() => this.storage.append(writings.map((writing) => writing.group)))
      this.fork(append, (exit) => {
        this.settleAll(writings, Exit.isSuccess(exit) ? exit.value : { cause: exit.cause })
        if (this.ready.size > 0) this.turns.now()
      })
    }
    return this.ready.size > 0
  }

  /** The next group of each queue that has one due; their turn begins. */
  private take(queues: Iterable<Queue>): Array<Writing> {
    const writings: Array<Writing> = []
    for (const queue of queues) {
      if (queue.busy) continue
      const writing = this.next(queue)
      if (writing !== undefined) {
        queue.busy = true
        writings.push(writing)
      } else if (!queue.busy) {
        this.rest(queue)
      }
    }
    return writings
  }

  /** Takes the next group off a queue; answers what stands before it on the way. */
  private next(queue: Queue): Writing | undefined {
    const again = queue.again.shift()
    if (again !== undefined) return again
    while (queue.due > 0) {
      const item = queue.items.at(0)!
      if (item.kind === "record") {
        const writing = this.takeRun(queue)
        if (writing !== undefined) return writing
        continue
      }
      queue.items.drop(1)
      queue.due--
      switch (item.kind) {
        case "settled":
          item.resume()
          continue
        case "call":
          this.callNow(queue, item)
          return undefined
        case "append": {
          const writing = this.writingOf(queue, item)
          if (writing !== undefined) return writing
        }
      }
    }
    return undefined
  }

  /** Takes the run of recorded events at the front of a queue. */
  private takeRun(queue: Queue): Writing | undefined {
    const { items, stream } = queue
    const { group, sources, volatile, refused, taken } = this.groups.run(stream, (i) => {
      const item = items.at(i)
      return item?.kind === "record" ? item.event : undefined
    })
    let size = 0
    for (let i = 0; i < taken; i++) size += (items.at(i) as Item & { readonly kind: "record" }).size
    items.drop(taken)
    queue.due = Math.max(0, queue.due - taken)
    this.release(taken - sources.length, 0)
    for (const { event, error } of refused) this.fail(stream, [event], error)
    if (group !== undefined) return { queue, group, sources, volatile, size }
    this.release(0, size)
    if (volatile.length > 0) this.listeners.tell({ stream, events: nothing, volatile, head: undefined })
    return undefined
  }

  private writingOf(queue: Queue, item: Item & { readonly kind: "append" }): Writing | undefined {
    const { asked, events: sources, resume, size } = item
    const refuse = (error: AppendError): undefined => {
      this.release(sources.length, size)
      this.refuse(queue.stream, resume, error)
    }
    const failure = this.takeFailures([queue.stream])
    if (failure !== undefined) return refuse(failure)
    const group = this.groups.append(queue.stream, sources, asked)
    return "_tag" in group ? refuse(group) : { queue, group, sources, volatile: nothing, size, resume }
  }

  private callNow(queue: Queue, item: Item & { readonly kind: "call" }): void {
    queue.busy = true
    this.fork(item.effect, (exit) => {
      this.endTurn(queue)
      item.resume(exit)
      if (this.ready.size > 0) this.turns.now()
    })
  }

  /** Ends a queue's turn: what is due goes next. */
  private endTurn(queue: Queue): void {
    queue.busy = false
    if (queue.due > 0 || queue.again.length > 0) this.ready.add(queue)
    else this.rest(queue)
  }

  /** Lets go of a queue with nothing left to do. */
  private rest(queue: Queue): void {
    if (queue.items.length > 0 || queue.again.length > 0 || this.queues.get(queue.stream) !== queue) return
    this.queues.delete(queue.stream)
    this.ready.delete(queue)
  }

  // --- the outcome ---------------------------------------------------------------------------------------------

  /** `outcomes` is the storage's answer. Where it gave none, what it did is unknown (law A4). */
  private settleAll(writings: ReadonlyArray<Writing>, outcomes: ReadonlyArray<Outcome> | Unanswered): void {
    for (let i = 0; i < writings.length; i++) {
      const writing = writings[i]!
      const outcome = Array.isArray(outcomes) ? (outcomes as ReadonlyArray<Outcome>)[i] : undefined
      this.release(writing.sources.length, writing.size)
      this.settle(writing, outcome ?? { _tag: "Failed", reached: "unknown", cause: causeOf(outcomes) })
      this.endTurn(writing.queue)
    }
  }

  private settle(writing: Writing, outcome: Outcome): void {
    const { queue, group, resume, sources, volatile } = writing
    const { stream } = group
    if (outcome._tag === "Appended") {
      this.tell(writing, outcome)
      if (group.events.at(-1)?.seals === true) this.sealed(stream)
      if (resume !== undefined) return resume(Exit.succeed(receiptOf(group, outcome)))
      for (const i of outcome.kept) {
        this.fail(
          stream,
          [sources[i]!],
          new IdConflict({ stream, id: sources[i]!.id, seq: outcome.seqs[i]! })
        )
      }
      return
    }
    if (outcome._tag === "Failed" && outcome.reached === "unknown") this.doubtful.add(stream)
    if (resume !== undefined) return this.refuse(stream, resume, errorOf(stream, outcome))
    if (outcome._tag === "Sealed" && group.events.length > 1) {
      // Recorded events stand for themselves: duplicates in a sealed stream are fine, each other one is told.
      queue.again = group.events.map((event, i) => {
        const source = sources[i]!
        const size = i === 0 ? 0 : sizeOf(source)
        this.waiting.events++
        this.waiting.bytes += size
        return { queue, group: { ...group, events: [event] }, sources: [source], volatile: nothing, size }
      })
    } else {
      this.fail(stream, sources, errorOf(stream, outcome))
    }
    if (volatile.length > 0) this.listeners.tell({ stream, events: nothing, volatile, head: undefined })
  }

  private refuse(stream: string, resume: Resume<Receipt>, error: AppendError): void {
    this.lost?.add(stream)
    resume(Exit.fail(error))
  }

  private fail(stream: string, events: ReadonlyArray<NewEvent>, cause: unknown): void {
    this.lost?.add(stream)
    let failed = this.failed.get(stream)
    if (failed === undefined) this.failed.set(stream, (failed = { ids: [], count: 0, cause }))
    failed.count += events.length
    for (const event of events) if (failed.ids.length < 100) failed.ids.push(event.id)
    this.tellFailure({ stream, events, cause })
  }

  /** The failures of these streams that were not reported yet; reported herewith. */
  private takeFailures(streams: ReadonlyArray<string>): RecordFailed | undefined {
    const failures = streams.flatMap((stream) => {
      const failed = this.failed.get(stream)
      this.failed.delete(stream)
      return failed === undefined ? [] : [{ stream, ...failed }]
    })
    return failures.length === 0 ? undefined : new RecordFailed({ failures })
  }

  private tell({ group, sources, volatile }: Writing, { seqs, head, duplicates, kept }: Appended): void {
    const { stream } = group
    const doubtful = this.doubtful.delete(stream)
    if (this.listeners.size === 0 || head === undefined) return
    const old = duplicates.length + kept.length === 0 ? undefined : new Set([...duplicates, ...kept])
    const events: Array<LogEvent> = []
    for (let i = 0; i < sources.length; i++) {
      if (old?.has(i) === true) continue
      const source = sources[i]!
      const encoded = group.events[i]!
      const { type, version, id, at } = encoded
      const data = EventSet.storedData(this.set, source, encoded)
      const meta = EventSet.storedMeta(source.meta)
      const { epoch } = head.cursor
      const { writtenAt } = head
      events.push({ stream, seq: seqs[i]!, epoch, id, type, version, at, data, meta, writtenAt })
    }
    const label = group.events.length === 0
    if (events.length > 0 || volatile.length > 0 || label || doubtful) {
      this.listeners.tell({ stream, events, volatile, head })
    }
  }
}

/** What a storage threw in place of an answer. */
interface Unanswered {
  readonly cause: unknown
}

const causeOf = (outcomes: ReadonlyArray<Outcome> | Unanswered): unknown =>
  typeof outcomes === "object" && outcomes !== null && "cause" in outcomes
    ? outcomes.cause
    : new Error("The storage gave no outcome")
