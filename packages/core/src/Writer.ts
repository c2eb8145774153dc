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
 * - **One call under way a stream.** Streams don't wait for each other.
 *
 * Plain code throughout: no promise, fiber or closure per recorded event.
 */
import { Cause, type Context, Effect, Exit } from "effect"
import {
  type AppendError,
  IdConflict,
  InvalidEvent,
  LogClosed,
  QueueFull,
  RecordFailed,
  Unsupported
} from "./Errors.ts"
import * as EventSet from "./EventSet.ts"
import { type Asked, Groups, refuse, sizeOf } from "./Groups.ts"
import { type Failure, guard, Listeners } from "./Listeners.ts"
import type { LogEvent, NewEvent } from "./LogEvent.ts"
import type { Appended, Group, Outcome, StorageService } from "./LogStorage.ts"
import { checkName } from "./Name.ts"
import { errorOf, type Receipt, receiptOf } from "./Receipt.ts"

/** How a log writes. */
export interface WriterOptions {
  /** Milliseconds that plain events may wait to be written together. 16 by default. */
  readonly tick?: number
  /** From here on `record` answers false: time to wait for `flush`. 10,000 events or 16 MiB by default. */
  readonly highWater?: { readonly events?: number; readonly bytes?: number }
  /** From here on `record` throws `QueueFull`. 100,000 events or 256 MiB by default. */
  readonly hardLimit?: { readonly events?: number; readonly bytes?: number }
  /** Told of every recorded event that could not be stored. */
  readonly onFailure?: (failure: Failure) => void
  /** The timer, for tests: runs `run` after `ms`. */
  readonly setTimer?: (run: () => void, ms: number) => void
}

type Resume<A> = (exit: Exit.Exit<A, AppendError>) => void

/** An item that isn't a recorded event. */
type Request =
  | {
      readonly kind: "append"
      readonly events: ReadonlyArray<NewEvent>
      readonly asked: Asked
      readonly resume: Resume<Receipt>
    }
  /** Everything before it is settled; reports what failed. */
  | { readonly kind: "flush"; readonly resume: Resume<void> }
  /** Runs in its place, alone. */
  | {
      readonly kind: "call"
      readonly effect: Effect.Effect<unknown, unknown>
      readonly resume: (exit: Exit.Exit<any, any>) => void
    }

interface Queue {
  readonly stream: string
  items: Array<NewEvent | Request>
  /** So many items at the front must go now. */
  due: number
  /** Whether a call for this stream is under way. */
  busy: boolean
  /** Groups that come before `items`: the rest of a refused one. */
  retry: Array<Writing>
  /** Recorded events that failed since they were last reported. */
  failed: { ids: Array<string>; count: number; cause: unknown } | undefined
}

/** A group on its way. */
interface Writing {
  readonly queue: Queue
  readonly group: Group
  /** In the order of `group.events`. */
  readonly sources: ReadonlyArray<NewEvent>
  readonly volatile: ReadonlyArray<NewEvent>
  /** Absent for recorded events. */
  readonly resume?: Resume<Receipt>
}

const isRequest = (item: NewEvent | Request): item is Request => !("type" in item)

const nothing: ReadonlyArray<never> = []

export class Writer {
  private readonly queues = new Map<string, Queue>()
  /** Queues with something due and no call under way. */
  private readonly ready = new Set<Queue>()
  private dispatching = false
  private microtask = false
  private timer = false
  private closed = false
  private waiting = { events: 0, bytes: 0 }
  readonly listeners = new Listeners()

  private readonly set: EventSet.Any
  private readonly storage: StorageService
  private readonly run: <A, E>(effect: Effect.Effect<A, E>, onExit: (exit: Exit.Exit<A, E>) => void) => void
  private readonly groups: Groups
  private readonly tick: number
  private readonly high: { readonly events: number; readonly bytes: number }
  private readonly hard: { readonly events: number; readonly bytes: number }
  private readonly onFailure: ((failure: Failure) => void) | undefined
  private readonly setTimer: (run: () => void, ms: number) => void

  constructor(
    set: EventSet.Any,
    storage: StorageService,
    context: Context.Context<never>,
    options: WriterOptions
  ) {
    this.set = set
    this.storage = storage
    const fork = Effect.runForkWith(context)
    this.run = (effect, onExit) => void fork(effect).addObserver(onExit)
    this.groups = new Groups(set, storage.limits)
    this.tick = options.tick ?? 16
    this.high = { events: 10_000, bytes: 2 ** 24, ...options.highWater }
    this.hard = { events: 100_000, bytes: 2 ** 28, ...options.hardLimit }
    this.onFailure = options.onFailure
    this.setTimer = options.setTimer ?? ((run, ms) => void setTimeout(run, ms))
  }

  /** Takes an event without waiting. O(1). False above the high-water mark; throws what refuses it, taking nothing. */
  record(stream: string, event: NewEvent): boolean {
    const definition = this.set[EventSet.Definitions][event.type]
    if (definition === undefined)
      throw refuse(stream, event, "is of a type that this event set does not define")
    const { waiting } = this
    if (waiting.events >= this.hard.events || waiting.bytes >= this.hard.bytes)
      throw new QueueFull({ stream, ...waiting })
    const queue = this.queue(stream)
    queue.items.push(event)
    waiting.events++
    waiting.bytes += sizeOf(event)
    if (definition.barrier) this.hurry(queue)
    else if (!this.timer) this.startTimer()
    return waiting.events <= this.high.events && waiting.bytes <= this.high.bytes
  }

  /** Takes events as one group of their own, behind what was recorded. Throws what refuses them up front. */
  append(stream: string, events: ReadonlyArray<NewEvent>, asked: Asked, resume: Resume<Receipt>): void {
    for (const [key, value] of Object.entries(asked.attributes ?? {})) {
      checkName("attribute", key)
      checkName("attribute value", value)
    }
    this.enqueue(stream, { kind: "append", events, asked, resume })
  }

  /** Settles what was recorded before, of one stream or all, and fails with what could not be stored. */
  flush(stream: string | undefined, resume: Resume<void>): void {
    this.each<AppendError>(
      stream === undefined ? undefined : [stream],
      (queue, done) => this.enqueue(queue.stream, { kind: "flush", resume: done }),
      resume
    )
  }

  /** Settles what was recorded before, whatever came of it: a read behind it sees all of it (law O5). */
  drain(
    streams: ReadonlyArray<string> | undefined,
    resume: (exit: Exit.Exit<void, LogClosed>) => void
  ): void {
    this.each<LogClosed>(
      streams,
      (queue, done) => this.enqueue(queue.stream, { kind: "call", effect: Effect.void, resume: done }),
      resume
    )
  }

  /** Runs an effect in its place in a stream's line, alone. */
  call<A, E>(stream: string, effect: Effect.Effect<A, E>, resume: (exit: Exit.Exit<A, E>) => void): void {
    this.enqueue(stream, { kind: "call", effect, resume })
  }

  /**
   * Settles what was recorded before, now: for exit and signal handlers. Answers the streams that could not be settled
   * because an asynchronous call of theirs is under way; its outcome is unknown to whoever exits now.
   */
  flushSync(): ReadonlyArray<string> {
    const { appendSync } = this.storage
    if (appendSync === undefined) throw new Unsupported({ capability: "appendSync" })
    const queues = [...this.queues.values()]
    for (const queue of queues) queue.due = queue.items.length
    for (;;) {
      const writings = this.take(queues)
      if (writings.length === 0) break
      for (const { queue } of writings) queue.busy = true
      this.settleAll(writings, appendSync(writings.map((writing) => writing.group)))
    }
    return queues.filter((queue) => queue.busy || queue.items.length > 0).map((queue) => queue.stream)
  }

  /** Takes nothing more, settles what was taken, and fails with what could not be stored (law A9). */
  close(resume: Resume<void>): void {
    this.flush(undefined, resume)
    this.closed = true
  }

  /** What is taken and not settled yet. */
  get pending(): { readonly events: number; readonly bytes: number } {
    return { ...this.waiting }
  }

  // --- the line ------------------------------------------------------------------------------------------------

  private queue(stream: string): Queue {
    if (this.closed) throw new LogClosed({})
    let queue = this.queues.get(stream)
    if (queue === undefined) {
      checkName("stream", stream)
      queue = { stream, items: [], due: 0, busy: false, retry: [], failed: undefined }
      this.queues.set(stream, queue)
    }
    return queue
  }

  private enqueue(stream: string, request: Request): void {
    const queue = this.queue(stream)
    queue.items.push(request)
    this.hurry(queue)
  }

  /** Makes all that is queued due, at the end of the current job. */
  private hurry(queue: Queue): void {
    queue.due = queue.items.length
    if (queue.busy) return
    this.ready.add(queue)
    if (this.microtask) return
    this.microtask = true
    queueMicrotask(() => {
      this.microtask = false
      this.dispatch(nothing)
    })
  }

  private startTimer(): void {
    this.timer = true
    this.setTimer(() => {
      this.timer = false
      const queues: Array<Queue> = []
      for (const queue of this.queues.values()) {
        queue.due = queue.items.length
        if (!queue.busy) queues.push(queue)
      }
      this.dispatch(queues)
    }, this.tick)
  }

  /** Asks the same of several queues and resumes when all have answered, with the first failure. */
  private each<Err>(
    streams: ReadonlyArray<string> | undefined,
    ask: (queue: Queue, done: (exit: Exit.Exit<void, Err>) => void) => void,
    resume: (exit: Exit.Exit<void, NoInfer<Err> | LogClosed>) => void
  ): void {
    if (this.closed) return resume(Exit.fail(new LogClosed({})))
    const queues =
      streams === undefined
        ? [...this.queues.values()]
        : streams.flatMap((stream) => this.queues.get(stream) ?? [])
    let left = queues.length
    let result: Exit.Exit<void, Err> = Exit.void
    if (left === 0) return resume(result)
    for (const queue of queues) {
      ask(queue, (exit) => {
        if (Exit.isFailure(exit) && Exit.isSuccess(result)) result = exit
        if (--left === 0) resume(result)
      })
    }
  }

  // --- the call ------------------------------------------------------------------------------------------------

  /** Sends what is due of these queues, and of those that become free on the way: a loop, since storages may be synchronous. */
  private dispatch(queues: Iterable<Queue>): void {
    for (const queue of queues) this.ready.add(queue)
    if (this.dispatching) return
    this.dispatching = true
    try {
      while (this.ready.size > 0) {
        const round = [...this.ready]
        this.ready.clear()
        this.send(round)
      }
    } finally {
      this.dispatching = false
    }
  }

  /** Sends the next group of each queue in one storage call. */
  private send(queues: ReadonlyArray<Queue>): void {
    const writings = this.take(queues)
    if (writings.length === 0) return
    for (const { queue } of writings) queue.busy = true
    this.run(this.storage.append(writings.map((writing) => writing.group)), (exit) => {
      this.settleAll(writings, Exit.isSuccess(exit) ? exit.value : exit.cause)
      this.dispatch(nothing)
    })
  }

  /** The next group of each queue that has one due. */
  private take(queues: Iterable<Queue>): Array<Writing> {
    const writings: Array<Writing> = []
    for (const queue of queues) {
      if (queue.busy) continue
      const writing = this.next(queue)
      if (writing !== undefined) writings.push(writing)
      else if (!queue.busy) this.rest(queue)
    }
    return writings
  }

  /** `outcomes` is the storage's answer, or the cause for which it gave none: then what it did is unknown (law A4). */
  private settleAll(
    writings: ReadonlyArray<Writing>,
    outcomes: ReadonlyArray<Outcome> | Cause.Cause<never>
  ): void {
    const cause = Cause.isCause(outcomes) ? Cause.squash(outcomes) : new Error("The storage gave no outcome")
    for (let i = 0; i < writings.length; i++) {
      const outcome = Cause.isCause(outcomes) ? undefined : outcomes[i]
      this.settle(writings[i]!, outcome ?? { _tag: "Failed", reached: "unknown", cause })
      this.release(writings[i]!.queue)
    }
  }

  /** Ends a queue's turn: what is due goes next. */
  private release(queue: Queue): void {
    queue.busy = false
    if (queue.due > 0 || queue.retry.length > 0) this.ready.add(queue)
    else this.rest(queue)
  }

  /** Takes the next group off a queue; answers what stands before it on the way. */
  private next(queue: Queue): Writing | undefined {
    const retry = queue.retry.shift()
    if (retry !== undefined) return retry
    while (queue.due > 0) {
      const item = queue.items[0]!
      if (!isRequest(item)) {
        const writing = this.takeRun(queue)
        if (writing !== undefined) return writing
        continue
      }
      queue.items.shift()
      queue.due--
      if (item.kind === "call") {
        this.callNow(queue, item)
        return undefined
      }
      if (queue.failed !== undefined) {
        item.resume(Exit.fail(this.takeFailure(queue, queue.failed)))
      } else if (item.kind === "flush") {
        item.resume(Exit.void)
      } else {
        try {
          const { asked, events: sources, resume } = item
          const group = this.groups.append(queue.stream, sources, asked)
          return { queue, group, sources, volatile: nothing, resume }
        } catch (error) {
          item.resume(error instanceof InvalidEvent ? Exit.fail(error) : Exit.die(error))
        }
      }
    }
    return undefined
  }

  /** Takes the run of events at the front of a queue. */
  private takeRun(queue: Queue): Writing | undefined {
    const { group, sources, volatile, refused, taken } = this.groups.run(queue.stream, queue.items)
    queue.items.splice(0, taken)
    queue.due = Math.max(0, queue.due - taken)
    for (const event of volatile) this.forget(event)
    for (const { event, error } of refused) this.fail(queue, [event], error)
    if (group !== undefined) return { queue, group, sources, volatile }
    this.listeners.publishVolatile(queue.stream, volatile)
    return undefined
  }

  private callNow(queue: Queue, item: Request & { readonly kind: "call" }): void {
    queue.busy = true
    this.run(item.effect, (exit) => {
      item.resume(exit)
      this.release(queue)
      this.dispatch(nothing)
    })
  }

  /** Lets go of a queue with nothing left to do or to tell. */
  private rest(queue: Queue): void {
    if (queue.items.length === 0 && !queue.busy && queue.failed === undefined)
      this.queues.delete(queue.stream)
  }

  // --- the outcome ---------------------------------------------------------------------------------------------

  private settle(writing: Writing, outcome: Outcome): void {
    const { queue, group, resume, sources, volatile } = writing
    if (outcome._tag === "Appended") {
      this.published(writing, outcome)
      if (resume !== undefined) return resume(Exit.succeed(receiptOf(group, outcome)))
      const kept = new Set(outcome.kept)
      for (let i = 0; i < sources.length; i++) {
        if (kept.has(i))
          this.fail(
            queue,
            [sources[i]!],
            new IdConflict({ stream: group.stream, id: sources[i]!.id, seq: outcome.seqs[i]! })
          )
        else this.forget(sources[i]!)
      }
      return
    }
    if (resume !== undefined) return resume(Exit.fail(errorOf(group.stream, outcome)))

    // Recorded events stand for themselves: duplicates of a sealed stream are fine, each other one is told.
    if (outcome._tag === "Sealed" && group.events.length > 1) {
      queue.retry = group.events.map((event, i) => ({
        ...writing,
        group: { ...group, events: [event] },
        sources: [sources[i]!],
        volatile: nothing
      }))
    } else {
      this.fail(queue, sources, errorOf(group.stream, outcome))
    }
    this.listeners.publishVolatile(group.stream, volatile)
  }

  private fail(queue: Queue, events: ReadonlyArray<NewEvent>, cause: unknown): void {
    for (const event of events) this.forget(event)
    const failed = (queue.failed ??= { ids: [], count: 0, cause })
    failed.count += events.length
    for (const event of events) if (failed.ids.length < 100) failed.ids.push(event.id)
    const error = new RecordFailed({
      stream: queue.stream,
      ids: events.slice(0, 100).map((e) => e.id),
      count: events.length,
      cause
    })
    guard(() => this.onFailure?.({ error, events }))
  }

  private takeFailure(queue: Queue, { ids, count, cause }: NonNullable<Queue["failed"]>): RecordFailed {
    queue.failed = undefined
    return new RecordFailed({ stream: queue.stream, ids, count, cause })
  }

  private forget(event: NewEvent): void {
    this.waiting.events--
    this.waiting.bytes = this.waiting.events === 0 ? 0 : this.waiting.bytes - sizeOf(event)
  }

  private published({ group, sources, volatile }: Writing, { seqs, head, ...outcome }: Appended): void {
    if (this.listeners.size === 0 || head === undefined) return
    const old = new Set([...outcome.duplicates, ...outcome.kept])
    const events: Array<LogEvent> = []
    for (let i = 0; i < sources.length; i++) {
      if (old.has(i)) continue
      const { type, data, id, at, meta } = sources[i]!
      const { version } = group.events[i]!
      events.push({
        stream: group.stream,
        seq: seqs[i]!,
        epoch: head.cursor.epoch,
        id,
        type,
        version,
        at,
        data,
        meta,
        writtenAt: head.writtenAt
      })
    }
    if (events.length > 0 || volatile.length > 0 || group.attributes !== undefined)
      this.listeners.publish({ stream: group.stream, events, volatile, head })
  }
}
