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
import { Effect, Exit, type Context } from "effect"
import type { Cursor } from "./Cursor.ts"
import {
  type AppendError,
  AppendRejected,
  AppendUnknown,
  Busy,
  Conflict,
  IdConflict,
  InvalidEvent,
  LogClosed,
  QueueFull,
  RecordFailed,
  Sealed
} from "./Errors.ts"
import * as EventSet from "./EventSet.ts"
import type { LogEvent, NewEvent } from "./LogEvent.ts"
import type {
  Appended,
  Durability,
  EncodedEvent,
  Group,
  Head,
  Outcome,
  StorageService
} from "./LogStorage.ts"
import { byteLength, checkName } from "./Name.ts"

/** What an append may ask for. */
export interface AppendOptions {
  /** Where the stream must be: 0 = must not exist yet, a seq or a cursor = exactly there. Anywhere by default. */
  readonly expected?: number | Cursor
  /** At least this; the events' own policy may ask for more. */
  readonly durability?: Durability
  /** Set with the events. See `label`. */
  readonly attributes?: Readonly<Record<string, string>>
  /** What an id taken by other content does: refuse all (default), or keep the stored event and tell. */
  readonly onIdConflict?: "reject" | "keep"
}

/** What came of an append. */
export interface Receipt {
  readonly events: ReadonlyArray<{
    readonly id: string
    readonly seq: number
    /** Stored before, with the same content. */
    readonly duplicate: boolean
    /** Not stored: another event has this id (`onIdConflict: "keep"`). */
    readonly conflict: boolean
  }>
  /** The stream after it; `undefined` only when nothing was appended to a stream that doesn't exist. */
  readonly head: Head | undefined
  /** What was reached. `none`: this storage keeps nothing beyond the process. */
  readonly durability: "none" | Durability
}

/** One group, as told to listeners: one notification, however many events. */
export interface Notification<Event = LogEvent> {
  readonly stream: string
  /** What was stored, in order, without duplicates. */
  readonly events: ReadonlyArray<Event>
  /** Volatile events that were recorded among them. Stored nowhere. */
  readonly volatile: ReadonlyArray<NewEvent>
  /** The stream after it; `undefined` when only volatile events are told. */
  readonly head: Head | undefined
}

/** What is told when recorded events could not be stored. `events` holds them all, to be saved elsewhere. */
export interface Failure {
  readonly error: RecordFailed
  readonly events: ReadonlyArray<NewEvent>
}

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
      readonly options: Omit<Group, "stream" | "events" | "durability"> & {
        readonly durability?: Durability | undefined
      }
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
  readonly group: Group
  /** In the order of `group.events`. */
  readonly sources: ReadonlyArray<NewEvent>
  readonly volatile: ReadonlyArray<NewEvent>
  /** Absent for recorded events. */
  readonly resume?: Resume<Receipt>
}

const isRequest = (item: NewEvent | Request): item is Request => "kind" in item

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
  private readonly listeners = new Set<(notification: Notification) => void>()

  private readonly set: EventSet.Any
  private readonly storage: StorageService
  private readonly run: <A, E>(effect: Effect.Effect<A, E>, onExit: (exit: Exit.Exit<A, E>) => void) => void
  private readonly sameContent: NonNullable<Group["sameContent"]>
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
    this.sameContent = EventSet.sameContent(set)
    this.tick = options.tick ?? 16
    this.high = { events: 10_000, bytes: 2 ** 24, ...options.highWater }
    this.hard = { events: 100_000, bytes: 2 ** 28, ...options.hardLimit }
    this.onFailure = options.onFailure
    this.setTimer = options.setTimer ?? ((run, ms) => void setTimeout(run, ms))
  }

  /** Takes an event without waiting. O(1). False above the high-water mark; throws what refuses it, taking nothing. */
  record(stream: string, event: NewEvent): boolean {
    const definition = this.set[EventSet.Definitions][event.type]
    if (definition === undefined) throw unknownType(stream, event)
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
  append(
    stream: string,
    events: ReadonlyArray<NewEvent>,
    options: Omit<AppendOptions, "expected"> & Pick<Group, "expected">,
    resume: Resume<Receipt>
  ): void {
    for (const [key, value] of Object.entries(options.attributes ?? {})) {
      checkName("attribute", key)
      checkName("attribute value", value)
    }
    this.enqueue(stream, { kind: "append", events, options, resume })
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

  /** Tells of every group that was stored from here on, once each. Answers how to stop it. */
  listen(listener: (notification: Notification) => void): () => void {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
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
    const sent: Array<Queue> = []
    const writings: Array<Writing> = []
    for (const queue of queues) {
      if (queue.busy) continue
      const writing = this.next(queue)
      if (writing === undefined) {
        if (!queue.busy) this.rest(queue)
        continue
      }
      queue.busy = true
      sent.push(queue)
      writings.push(writing)
    }
    if (sent.length === 0) return
    this.run(this.storage.append(writings.map((writing) => writing.group)), (exit) => {
      for (let i = 0; i < sent.length; i++) {
        const outcome: Outcome = Exit.isSuccess(exit)
          ? (exit.value[i] ?? {
              _tag: "Failed",
              reached: "unknown",
              cause: new Error("the storage gave no outcome")
            })
          : { _tag: "Failed", reached: "unknown", cause: exit.cause }
        this.settle(sent[i]!, writings[i]!, outcome)
        this.release(sent[i]!)
      }
      this.dispatch(nothing)
    })
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
          return this.encodeAppend(queue.stream, item)
        } catch (error) {
          item.resume(error instanceof InvalidEvent ? Exit.fail(error) : Exit.die(error))
        }
      }
    }
    return undefined
  }

  /** The run of plain events at the front, or the one barrier there, as a group. */
  private takeRun(queue: Queue): Writing | undefined {
    const { items, stream } = queue
    const { groupBytes, groupEvents } = this.storage.limits
    const definitions = this.set[EventSet.Definitions]
    const events: Array<EncodedEvent> = []
    const sources: Array<NewEvent> = []
    const volatile: Array<NewEvent> = []
    let durability: Durability = "written"
    let bytes = 0
    let taken = 0
    for (; taken < items.length && events.length < groupEvents; taken++) {
      const item = items[taken]!
      if (isRequest(item)) break
      const definition = definitions[item.type]!
      if (definition.barrier && taken > 0) break
      if (definition.durability === "volatile") {
        volatile.push(item)
        this.forget(item)
        continue
      }
      try {
        const event = EventSet.encode(this.set, stream, item)
        const size = encodedSize(event)
        if (bytes + size > groupBytes) {
          if (taken > 0) break
          throw tooLarge(stream, item, groupBytes)
        }
        bytes += size
        events.push(event)
        sources.push(item)
      } catch (error) {
        this.fail(queue, [item], error)
      }
      if (definition.barrier) {
        if (definition.durability === "synced") durability = "synced"
        taken++
        break
      }
    }
    items.splice(0, taken)
    queue.due = Math.max(0, queue.due - taken)
    if (events.length === 0) {
      if (volatile.length > 0) this.publish({ stream, events: nothing, volatile, head: undefined })
      return undefined
    }
    // An id conflict is told of the one event that has it; its neighbours are written (`kept`).
    return {
      group: { stream, events, durability, onIdConflict: "keep", sameContent: this.sameContent },
      sources,
      volatile
    }
  }

  private encodeAppend(
    stream: string,
    { events: sources, options, resume }: Request & { readonly kind: "append" }
  ): Writing {
    const definitions = this.set[EventSet.Definitions]
    const { groupBytes, groupEvents } = this.storage.limits
    let durability = options.durability ?? "written"
    let bytes = 0
    const events = sources.map((source) => {
      const event = EventSet.encode(this.set, stream, source)
      const policy = definitions[event.type]!.durability
      if (policy === "volatile") throw refuse(stream, source, "is volatile and gets no receipt; record it")
      if (policy === "synced") durability = "synced"
      bytes += encodedSize(event)
      if (bytes > groupBytes) throw tooLarge(stream, source, groupBytes)
      return event
    })
    if (events.length > groupEvents)
      throw refuse(
        stream,
        sources[groupEvents]!,
        `is one more than the ${groupEvents} that this storage takes at once`
      )
    return {
      group: { stream, events, ...options, durability, sameContent: this.sameContent },
      sources,
      volatile: nothing,
      resume
    }
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

  private settle(queue: Queue, writing: Writing, outcome: Outcome): void {
    const { group, resume, sources, volatile } = writing
    if (outcome._tag === "Appended") {
      this.published(writing, outcome)
      if (resume !== undefined) return resume(Exit.succeed(receipt(group, outcome)))
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
    if (volatile.length > 0)
      this.publish({ stream: group.stream, events: nothing, volatile, head: undefined })
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
      this.publish({ stream: group.stream, events, volatile, head })
  }

  /** A listener that throws hurts nobody (law C6). */
  private publish(notification: Notification): void {
    for (const listener of this.listeners) guard(() => listener(notification))
  }
}

/** Runs a caller's function; what it throws is its own affair and surfaces as an uncaught error of its own. */
const guard = (run: () => void): void => {
  try {
    run()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

const receipt = (group: Group, { seqs, head, durability, ...outcome }: Appended): Receipt => {
  const duplicates = new Set(outcome.duplicates)
  const kept = new Set(outcome.kept)
  return {
    events: group.events.map((event, i) => ({
      id: event.id,
      seq: seqs[i]!,
      duplicate: duplicates.has(i),
      conflict: kept.has(i)
    })),
    head,
    durability
  }
}

const errorOf = (stream: string, outcome: Exclude<Outcome, Appended>): AppendError => {
  switch (outcome._tag) {
    case "Conflict": {
      const { expected, actual } = outcome
      return new Conflict({ stream, expected: expected === "exists" ? undefined : expected, actual })
    }
    case "Sealed":
      return new Sealed({ stream, seq: outcome.seq })
    case "IdConflict":
      return new IdConflict({ stream, id: outcome.id, seq: outcome.seq })
    case "Claimed":
      return new Busy({ stream, owner: outcome.owner })
    case "Failed":
      return outcome.reached === "rejected"
        ? new AppendRejected({ stream, cause: outcome.cause })
        : new AppendUnknown({ stream, cause: outcome.cause })
  }
}

const refuse = (stream: string, { type, id }: NewEvent, problem: string) =>
  new InvalidEvent({ stream, type, id, path: "", problem })
const unknownType = (stream: string, event: NewEvent) =>
  refuse(stream, event, "is of a type that this event set does not define")
const tooLarge = (stream: string, event: NewEvent, groupBytes: number) =>
  refuse(stream, event, `makes its group larger than the ${groupBytes} bytes that this storage takes at once`)

/** The UTF-8 bytes that an encoded event takes; for small ones an upper bound, which is cheaper. */
const encodedSize = ({ id, type, data, meta = "" }: EncodedEvent): number => {
  const length = id.length + type.length + data.length + meta.length
  return length < 65_536
    ? 3 * length
    : byteLength(id) + byteLength(type) + byteLength(data) + byteLength(meta)
}

/** Roughly what an event holds of memory, in bytes. Counts texts, looks at no more than 64 values. */
const sizeOf = (event: NewEvent): number => 200 + textSize(event.data, { left: 64 })

const textSize = (value: unknown, budget: { left: number }): number => {
  if (typeof value === "string") return 2 * value.length
  if (typeof value !== "object" || value === null) return 8
  let size = 16
  for (const key in value) {
    if (budget.left-- <= 0) break
    size += 8 + textSize((value as Record<string, unknown>)[key], budget)
  }
  return size
}
