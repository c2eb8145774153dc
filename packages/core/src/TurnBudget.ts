/** Turns of the event loop, for storages that answer synchronously. */
import { Effect } from "effect"
import { monotonicNow, nextMacrotask } from "./Macrotask.ts"

/**
 * Keeps synchronous work from blocking the event loop: once a turn of the loop has used up its milliseconds, the rest
 * waits for the next. Work is done in bounded pieces, and all of a store shares one budget, so that a hundred queries
 * block no longer than one.
 *
 * ```ts
 * const turns = new TurnBudget()
 * const page = Effect.andThen(turns.free, Effect.sync(readPage)) // a page of 5 ms ends a turn after 13 ms at the latest
 * ```
 */
export class TurnBudget {
  private readonly budget: number
  private since: number | undefined

  /** @param budget ms of a turn in which work may begin; 20 ms is the most that people don't notice */
  constructor(budget = 8) {
    this.budget = budget
  }

  /** Whether this turn's time is used up. It counts from the first ask of a turn. */
  get isSpent(): boolean {
    if (this.since === undefined) {
      this.since = monotonicNow()
      nextMacrotask(() => (this.since = undefined))
    }
    return monotonicNow() - this.since > this.budget
  }

  /** Waits for a turn that has time left; goes on at once where this one has. */
  readonly free: Effect.Effect<void> = Effect.suspend(() =>
    this.isSpent ? Effect.andThen(Effect.promise(nextTurn), this.free) : Effect.void
  )
}

/** Waits for the next turn of the event loop. */
export const nextTurn = (): Promise<void> => new Promise(nextMacrotask)
