/**
 * A log for laws of what is live. Its storage calls wait before they begin and before they are answered, until a
 * schedule lets them go on, so that answers are old when they come; its timers wait until they are told. Other processes
 * write to the same storage behind its back.
 */
import {
  type Cursor,
  EventSet,
  type FollowItem,
  type FollowOptions,
  LogStorage,
  type LogOptions,
  type PromiseLog,
  type StorageService,
  type StoredEvent,
  Varve
} from "@varve/core"
import { Cause, Effect, Exit, Fiber, Layer, Stream } from "effect"
import type * as fc from "fast-check"
import { must, mustEqual } from "./Broken.ts"
import { Session } from "./Session.ts"
import type { Store } from "./Store.ts"

/** Decides which of the calls that wait goes on next. */
export type Schedule = Pick<fc.Scheduler, "schedule" | "count" | "waitOne" | "waitIdle">

/** Lets the oldest call go on, or the youngest: it overtakes all others. */
export const inOrder = (order: "oldest" | "youngest"): Schedule => {
  const waiting: Array<() => void> = []
  const waitOne = async (): Promise<void> => {
    ;(order === "oldest" ? waiting.shift() : waiting.pop())?.()
    await turn()
  }
  return {
    schedule: (task) => new Promise((resolve) => void waiting.push(() => resolve(task))),
    count: () => waiting.length,
    waitOne,
    waitIdle: async () => {
      while (waiting.length > 0) await waitOne()
    }
  }
}

interface Gates {
  /** Whether calls go on by themselves. */
  open: boolean
  /** Storage calls that are under way. */
  calls: number
}

/** What a follower was told. */
export interface Followed {
  readonly stream: string
  /** The seq that it began behind. */
  readonly from: number
  /** The last seq that was stored when it began. */
  readonly stored: number
  readonly items: Array<FollowItem<typeof Session>>
  readonly state: () => "follows" | "ended" | { readonly failed: unknown }
  readonly stop: () => void
  /** While true, it takes nothing more. */
  asleep: boolean
}

export class Stage {
  readonly log: PromiseLog<typeof Session>
  private readonly store: Store
  private readonly schedule: Schedule | undefined
  private readonly timers: Map<() => void, number>
  private readonly gates: Gates

  private constructor(
    store: Store,
    log: PromiseLog<typeof Session>,
    schedule: Schedule | undefined,
    timers: Map<() => void, number>,
    gates: Gates
  ) {
    this.store = store
    this.log = log
    this.schedule = schedule
    this.timers = timers
    this.gates = gates
  }

  /** Uses a log over a store's service and closes it, whatever came of it. */
  static async use(
    store: Store,
    schedule: Schedule | undefined,
    use: (stage: Stage) => Promise<void>,
    {
      service = store.service,
      ...options
    }: Partial<LogOptions<typeof Session>> & {
      readonly service?: StorageService
    } = {}
  ): Promise<void> {
    const timers = new Map<() => void, number>()
    const gates: Gates = { open: schedule === undefined, calls: 0 }
    const gate = Effect.suspend(() =>
      gates.open ? Effect.void : Effect.promise(() => schedule!.schedule(Promise.resolve()))
    )
    const counted = <A, E>(work: Effect.Effect<A, E>): Effect.Effect<A, E> =>
      Effect.suspend(() => {
        gates.calls++
        return Effect.ensuring(
          work,
          Effect.sync(() => gates.calls--)
        )
      })
    const between = <A, E>(work: Effect.Effect<A, E>): Effect.Effect<A, E> =>
      counted(
        Effect.andThen(
          gate,
          Effect.flatMap(work, (answer) => Effect.as(gate, answer))
        )
      )
    const log = await Varve.open({
      onListenerError: () => undefined,
      ...options,
      events: Session,
      storage: Layer.succeed(LogStorage, {
        ...service,
        append: (groups) => between(service.append(groups)),
        heads: (selection) => between(service.heads(selection)),
        query: (query) =>
          Stream.unwrap(Effect.map(between(Stream.runCollect(service.query(query))), Stream.fromIterable)),
        snapshots: {
          ...service.snapshots,
          load: (projection, streams) => counted(service.snapshots.load(projection, streams)),
          save: (snapshots) => counted(service.snapshots.save(snapshots))
        },
        remove: (stream) => counted(service.remove(stream))
      }),
      setTimer: (run, ms) => {
        timers.set(run, ms)
        return () => void timers.delete(run)
      }
    })
    const stage = new Stage(store, log, schedule, timers, gates)
    try {
      await use(stage)
    } finally {
      gates.open = true
      await Promise.all([schedule?.waitIdle(), log.close().catch(() => undefined)])
    }
  }

  /** Lets one call go on, or the event loop turn. */
  async go(): Promise<void> {
    if (this.schedule !== undefined && this.schedule.count() > 0) await this.schedule.waitOne()
    else await turn()
  }

  /** Lets calls go on until nothing moves any more. */
  async settle(): Promise<void> {
    for (let idle = 0; idle < 8; idle++) {
      while (this.schedule !== undefined && this.schedule.count() > 0) {
        idle = 0
        await this.schedule.waitOne()
      }
      // A storage may take its time.
      if (this.gates.calls > 0) {
        idle = 0
        await new Promise((resolve) => void setTimeout(resolve, 0))
      }
      await turn()
    }
  }

  /** The time of every timer comes: ticks, polls. Or of those alone that wait no longer than so many ms. */
  tick(most = Infinity): void {
    for (const [run, ms] of Array.from(this.timers)) if (ms <= most && this.timers.delete(run)) run()
  }

  /** How many timers are set. */
  get waiting(): number {
    return this.timers.size
  }

  /** Long enough for every poll to have come and for what it found to be read. */
  async wait(): Promise<void> {
    for (let i = 0; i < 3; i++) {
      this.tick()
      await this.settle()
    }
  }

  /** Another process writes: nobody is told. */
  async elsewhere(
    stream: string,
    ids: ReadonlyArray<string>,
    kind: "Chunk" | "Asked" = "Chunk"
  ): Promise<void> {
    const events = ids.map((id) => EventSet.encode(Session, stream, Session[kind]({ text: id }, { id })))
    await this.store.append(stream, events)
  }

  /** Follows from behind a stored event, by its seq; 0 for all. Slow ones wait behind each item as calls do. */
  async follow(
    stream: string,
    from = 0,
    { slow = false, ...options }: FollowOptions & { readonly slow?: boolean } = {}
  ): Promise<Followed> {
    const all = await this.store.read(stream)
    const place = all[from - 1]
    return this.followAfter(stream, place && { epoch: place.epoch, seq: place.seq }, {
      ...options,
      slow,
      from: place?.seq ?? 0,
      stored: all.length
    })
  }

  followAfter(
    stream: string,
    after: Cursor | undefined,
    {
      from = 0,
      slow = false,
      stored = 0,
      ...options
    }: FollowOptions & { readonly slow?: boolean; readonly from?: number; readonly stored?: number } = {}
  ): Followed {
    const items: Array<FollowItem<typeof Session>> = []
    const asked = after === undefined ? options : { ...options, after }
    const sleep = { asleep: false }
    const pause: Effect.Effect<void> = Effect.suspend(() =>
      sleep.asleep
        ? Effect.andThen(Effect.promise(turn), pause)
        : slow && !this.gates.open
          ? Effect.promise(() => this.schedule!.schedule(Promise.resolve()))
          : Effect.void
    )
    const fiber = Effect.runFork(
      Stream.runForEach(this.log.effect.follow(stream, asked), (item) => {
        items.push(item)
        return pause
      })
    )
    return Object.assign(sleep, {
      stream,
      from,
      stored,
      items,
      stop: () => void Effect.runFork(Fiber.interrupt(fiber)),
      state: (): ReturnType<Followed["state"]> => {
        const exit = fiber.pollUnsafe()
        if (exit === undefined) return "follows"
        return Exit.isSuccess(exit) ? "ended" : { failed: Cause.squash(exit.cause) }
      }
    }) satisfies Followed
  }

  stored(stream: string): Promise<ReadonlyArray<StoredEvent>> {
    return this.store.read(stream)
  }

  /** It was told everything behind its beginning, each event once and in order, as it is stored, and that it caught up. */
  async mustHaveAll({ from, items, stored, stream }: Followed): Promise<void> {
    const all = await this.store.read(stream)
    const told = items.flatMap((item) => (item._tag === "Events" ? item.events : []))
    mustEqual(
      `The seqs that a follower of ${stream} was told, from behind ${from}`,
      told.map((event) => event.seq),
      all.filter(({ seq }) => seq > from).map((event) => event.seq)
    )
    for (const event of told) {
      const { at, data, epoch, id, type, version, writtenAt } = all[event.seq - 1]!
      mustEqual(
        `What a follower was told of seq ${event.seq}`,
        [event.id, event.type, event.version, event.epoch, event.at, event.writtenAt, event.data],
        [id, type, version, epoch, at, writtenAt, JSON.parse(data)]
      )
    }
    for (const item of items) {
      if (item._tag !== "Events" || item.events.length === 0) continue
      const { epoch, seq } = item.events.at(-1)!
      mustEqual("The cursor of an item and its last event", item.cursor, { epoch, seq })
    }
    const marks = items.filter(({ _tag }) => _tag === "CaughtUp" || _tag === "Lagged")
    must(marks.at(-1)?._tag === "CaughtUp", "A follower that has everything was told so")
    const lags = marks.filter(({ _tag }) => _tag === "Lagged").length
    must(marks.length - lags <= 1 + lags, "It is told once, and once more behind each lag")
    const first = items.findIndex(({ _tag }) => _tag === "CaughtUp")
    const before = items.slice(0, first).flatMap((item) => (item._tag === "Events" ? item.events : []))
    must(
      before.length >= stored - from,
      () =>
        `What was stored before the follow began (${stored - from}) comes before CaughtUp (${before.length})`
    )
  }
}

/** Lets the event loop turn. */
export const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))
