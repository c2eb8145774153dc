/**
 * Opens, evictions, appends, failing states, lost history and broken connections in any order that there is, against the
 * laws C8 to C11. Throws what is broken.
 */
import assert from "node:assert/strict"
import { type Cursor, LiveSet } from "@varve/core"
import { Clock, Effect, Exit, Scheduler, Scope } from "effect"
import * as fc from "fast-check"
import { Ids, World } from "./World.ts"

type Command =
  | { readonly do: "open" | "activate" | "release"; readonly stream: string }
  | { readonly do: "append" | "ask" | "lose"; readonly stream: string; readonly count: number }
  | { readonly do: "failStates"; readonly count: number }
  | { readonly do: "disconnect" }

const stream = fc.constantFrom("a", "b", "c", "d")
const count = fc.integer({ min: 1, max: 5 })
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("open" as const), stream }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("activate" as const), stream }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("release" as const), stream }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constantFrom("append" as const, "ask" as const), stream, count })
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("lose" as const), stream, count }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("failStates" as const), count: fc.constantFrom(1, 2) })
  },
  { weight: 1, arbitrary: fc.constant({ do: "disconnect" as const }) }
)

const faults = fc.array(fc.boolean(), { maxLength: 6 })
const plan = fc.record({
  commands: fc.array(command, { minLength: 3, maxLength: 14, size: "max" }),
  capacity: fc.integer({ min: 1, max: 2 }),
  keep: fc.integer({ min: 0, max: 2 }),
  faults: fc.record({
    states: faults,
    follows: faults,
    lags: faults,
    shifts: fc.array(fc.constantFrom(0, 0, -1, -2, 1), { maxLength: 8 })
  })
})
type Plan = typeof plan extends fc.Arbitrary<infer A> ? A : never

/** What law C9 says, told as it happens: who goes when somebody comes. */
class Model {
  readonly live = new Set<string>()
  private readonly used = new Map<string, number>()
  private readonly capacity: number
  private active: string | undefined
  private time = 0

  constructor(capacity: number) {
    this.capacity = capacity
  }

  open(stream: string): void {
    this.used.set(stream, this.time++)
    if (this.live.has(stream)) return
    if (this.live.size === this.capacity) {
      const others = [...this.live].filter((other) => other !== this.active)
      const oldest = others.toSorted((a, b) => this.used.get(a)! - this.used.get(b)!)[0]
      if (oldest === undefined) return
      this.live.delete(oldest)
    }
    this.live.add(stream)
  }

  activate(stream: string): void {
    if (this.active !== undefined) this.used.set(this.active, this.time++)
    this.active = stream
    this.open(stream)
  }

  release(stream: string): void {
    this.used.delete(stream)
    this.live.delete(stream)
    if (this.active === stream) this.active = undefined
    const waiting = [...this.used].filter(([other]) => !this.live.has(other))
    const next = waiting.toSorted(([, a], [, b]) => b - a)[0]
    if (next !== undefined && this.live.size < this.capacity) this.live.add(next[0])
  }
}

/** Sleeps are turns like any other. */
const clockOf = (world: World): Clock.Clock => ({
  currentTimeMillisUnsafe: () => 0,
  currentTimeMillis: Effect.succeed(0),
  currentTimeNanosUnsafe: () => 0n,
  currentTimeNanos: Effect.succeed(0n),
  monotonicTimeNanosUnsafe: () => 0n,
  monotonicTimeNanos: Effect.succeed(0n),
  sleep: () => world.turn("sleep")
})

const check = async (scheduler: fc.Scheduler, { capacity, commands, faults, keep }: Plan): Promise<void> => {
  const world = new World(scheduler, capacity, faults)
  const model = new Model(capacity)
  const told: Array<string> = []
  const lossy = new Set<string>()
  let broken: unknown
  const scope = Scope.makeUnsafe()
  const set = Effect.runSync(
    LiveSet.make(world.source, Ids, {
      capacity,
      keep,
      replayCap: 3,
      onAttention: ({ event, stream }) => {
        assert.equal(event.stream, stream)
        told.push(event.id)
      },
      onError: () => undefined
    }).pipe(
      Effect.provideService(Scope.Scope, scope),
      Effect.provideService(Clock.Clock, clockOf(world)),
      Effect.provideService(Scheduler.Scheduler, new Scheduler.MixedScheduler("async", microtask))
    )
  )
  const views = new Map<string, { readonly view: LiveSet.LiveView<ReadonlyArray<string>>; shown: unknown }>()
  const whole = (stream: string, cursor: Cursor | undefined) =>
    cursor === undefined ? [] : world.history(stream).seen.get(cursor.epoch)?.slice(0, cursor.seq)

  const show = (stream: string, view: LiveSet.LiveView<ReadonlyArray<string>>): void => {
    assert.equal(view.stream, stream)
    if (views.get(stream)?.view === view) return
    const entry = { view, shown: view.getSnapshot() }
    views.set(stream, entry)
    view.subscribe(() => {
      const { cursor, state, status } = view.getSnapshot()
      entry.shown = view.getSnapshot()
      try {
        assert.deepEqual(state, whole(stream, cursor), `C10 reopen: ${stream} shows what isn't stored`)
        const isEarly = status === "live" && world.lagging.has(stream)
        assert.ok(!isEarly, `C12 synced-marker: ${stream} lags and is called live`)
      } catch (error) {
        // What a listener throws is only reported.
        broken ??= error
      }
    })
  }
  const run = (command: Command): void => {
    switch (command.do) {
      case "open":
        model.open(command.stream)
        show(command.stream, set.open(command.stream))
        break
      case "activate":
        model.activate(command.stream)
        show(command.stream, set.activate(command.stream))
        break
      case "release":
        model.release(command.stream)
        set.release(command.stream)
        break
      case "append":
        world.append(command.stream, command.count, "Said")
        break
      case "ask":
        world.append(command.stream, 1, "Asked")
        break
      case "lose":
        lossy.add(command.stream)
        world.lose(command.stream, command.count)
        break
      case "failStates":
        world.failStates(command.count)
        break
      case "disconnect":
        world.disconnect()
    }
    assert.deepEqual(set.live().toSorted(), [...model.live].toSorted(), "C9 cap: which are live")
  }
  const guarded = (command: Command) => async () => {
    try {
      run(command)
    } catch (error) {
      broken ??= error
    }
  }
  void scheduler.scheduleSequence(
    commands.map((one) => ({ label: JSON.stringify(one), builder: guarded(one) }))
  )
  const atRest = (): void => {
    if (broken !== undefined) throw broken
    assert.deepEqual(world.wrong, [], world.wrong[0])
    for (const [stream, { shown, view }] of views) {
      const { cursor, state, status } = view.getSnapshot()
      assert.deepEqual(state, whole(stream, cursor), `C10 reopen: ${stream} shows what isn't stored`)
      assert.equal(view.getSnapshot(), shown, "the last change was told")
      if (!model.live.has(stream)) {
        assert.equal(status, "paused", `C9 cap: ${stream} has no room`)
        continue
      }
      const { events, head } = world.history(stream)
      assert.equal(status, "live", `C12 synced-marker: ${stream}`)
      assert.deepEqual(cursor, head)
      assert.deepEqual(
        state,
        events.map(({ id }) => id),
        `C10 reopen: ${stream} is not where the log is`
      )
    }
    assert.deepEqual(
      [...world.following.keys()].toSorted(),
      [...model.live].toSorted(),
      "C9 cap: which are followed"
    )
    assert.equal(new Set(told).size, told.length - repeats(told, lossy), "C11 attention: twice")
    for (const [stream, { events }] of world.histories) {
      const from = world.began?.get(stream)?.seq ?? 0
      for (const { id, seq, type } of events) {
        if (type !== "Asked" || (seq <= from && !lossy.has(stream))) continue
        if (lossy.has(stream) && world.began?.has(stream) === true) continue
        assert.ok(told.includes(id), `C11 attention: ${id} was never told`)
      }
    }
  }
  await scheduler.waitIdle()
  atRest()
  let isClosed = false
  void Effect.runPromise(Scope.close(scope, Exit.void)).then(() => (isClosed = true))
  await scheduler.waitIdle()
  await act(async () => undefined)
  assert.ok(isClosed && world.following.size === 0, "C9 cap: closing ends all follows")
}

/** What may be told again: a stream that lost events is told from what survived. */
const repeats = (told: ReadonlyArray<string>, lossy: ReadonlySet<string>): number => {
  const again = told.filter((id, i) => told.indexOf(id) < i)
  return again.filter((id) => lossy.has(id[0]!)).length
}

const microtask = (task: () => void): (() => void) => {
  let isOff = false
  queueMicrotask(() => {
    if (!isOff) task()
  })
  return () => {
    isOff = true
  }
}

/** Lets everything that a turn sets off come to rest. */
const act: fc.SchedulerAct = async (turn) => {
  await turn()
  await new Promise(setImmediate)
}

/** Tries so many schedules. Rejects with the smallest that breaks a law. */
export const trySchedules = (
  runs: number,
  options: Pick<fc.Parameters, "seed" | "endOnFailure"> = {}
): Promise<void> =>
  fc.assert(fc.asyncProperty(fc.scheduler({ act }), plan, check), {
    numRuns: runs,
    ...options
  }) as Promise<void>
