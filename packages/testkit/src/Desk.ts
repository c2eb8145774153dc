/**
 * A log on a store, with what a law needs to see: a clock that moves only when told, the storage calls that were made,
 * the notifications that were sent, the failures that were told, and a storage that can be made slow or failing.
 */
import {
  type Failure,
  type Group,
  type Log,
  LogStorage,
  type Notification,
  type Outcome,
  Varve,
  type WriterOptions
} from "@varve/core"
import { Effect, Layer } from "effect"
import { Session } from "./Session.ts"
import type { Store } from "./Store.ts"
import { tellGroup, tellOutcome } from "./tell.ts"

/** What a storage call does besides its work. */
export interface Trouble {
  /** Answers only when the event loop has turned so often; 0 answers at once. */
  readonly turns?: number | undefined
  /**
   * `rejected`: writes nothing. `unwritten`, `written`: answers unknown, having written nothing or all. `throws`, `mute`:
   * breaks the seam's contract by throwing, or by answering nothing, having written nothing.
   */
  readonly fails?: "rejected" | "unwritten" | "written" | "throws" | "mute" | undefined
}

export interface Desk {
  readonly log: Log<typeof Session>
  /** Every call of `append` at the seam, in order. */
  readonly calls: ReadonlyArray<ReadonlyArray<Group>>
  readonly notifications: ReadonlyArray<Notification>
  readonly failures: ReadonlyArray<Failure>
  /** How many timers are set. */
  readonly timers: () => number
  /** Lets the time of every timer come, and what hangs on it be settled as far as the storage answers at once. */
  readonly tick: () => Promise<void>
  /** Waits until the storage has answered what was asked of it so far, however slow it is. */
  readonly answered: () => Promise<void>
  /** What the next storage calls do besides their work, in order. */
  readonly trouble: Array<Trouble>
  readonly canFlushSync: boolean
  readonly close: () => Promise<void>
  /** Whether `close` was called. */
  readonly closing: () => boolean
}

/** Opens a log over a store's service. The store stays open behind it. */
export const openDesk = async (store: Store, options: WriterOptions = {}): Promise<Desk> => {
  const calls: Array<ReadonlyArray<Group>> = []
  const notifications: Array<Notification> = []
  const failures: Array<Failure> = []
  const trouble: Array<Trouble> = []
  const timers: Array<() => void> = []
  const { service } = store

  let underWay = 0

  const noted = (groups: ReadonlyArray<Group>, outcomes: ReadonlyArray<Outcome>): void =>
    store.note(() =>
      groups
        .map((group, i) => `the log: ${tellGroup(group)}\n     -> ${tellOutcome(outcomes[i]!)}`)
        .join("\n   + ")
    )

  const append = (groups: ReadonlyArray<Group>): Effect.Effect<ReadonlyArray<Outcome>> => {
    calls.push(groups)
    const { turns = 0, fails } = trouble.shift() ?? {}
    const failed = (reached: "rejected" | "unknown") =>
      groups.map((): Outcome => ({ _tag: "Failed", reached, cause: new Error("the disk is full") }))
    const work = Effect.suspend(() => {
      switch (fails) {
        case undefined:
          return Effect.tap(service.append(groups), (outcomes) => Effect.sync(() => noted(groups, outcomes)))
        case "rejected":
          return Effect.succeed(failed("rejected"))
        case "unwritten":
          return Effect.succeed(failed("unknown"))
        case "written":
          return Effect.as(service.append(groups), failed("unknown"))
        case "mute":
          return Effect.succeed(undefined as never)
        case "throws":
          throw new Error("the storage threw")
      }
    })
    if (fails === "throws" && turns === 0) throw new Error("the storage threw")
    underWay++
    return Effect.ensuring(
      turns === 0
        ? work
        : Effect.andThen(
            Effect.promise(() => turn(turns)),
            work
          ),
      Effect.sync(() => underWay--)
    )
  }

  const appendSync = (groups: ReadonlyArray<Group>): ReadonlyArray<Outcome> => {
    calls.push(groups)
    return service.appendSync!(groups)
  }

  let closing = false
  const log = await Varve.open({
    ...options,
    events: Session,
    storage: Layer.succeed(LogStorage, { ...service, append, appendSync: service.appendSync && appendSync }),
    onListenerError: () => undefined,
    onFailure: (failure) => void failures.push(failure),
    setTimer: (run) => {
      timers.push(run)
      return () => void timers.splice(timers.indexOf(run), 1)
    }
  })
  log.listen((notification) => void notifications.push(notification))
  return {
    log: log.effect,
    calls,
    notifications,
    failures,
    trouble,
    timers: () => timers.length,
    tick: async () => {
      for (const run of timers.splice(0)) run()
      await turn(1)
    },
    answered: async () => {
      // A call that ends may let another one begin within a turn.
      for (let idle = 0; idle < 3; idle = underWay > 0 ? 0 : idle + 1) await turn(1)
    },
    canFlushSync: service.appendSync !== undefined,
    close: () => {
      closing = true
      return log.close()
    },
    closing: () => closing
  }
}

/** Lets the event loop turn so often. */
export const turn = async (times: number): Promise<void> => {
  for (let i = 0; i < times; i++)
    await new Promise<void>((resolve) => void setTimeout(() => setImmediate(resolve), 0))
}
