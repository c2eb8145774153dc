/**
 * Keeps reads from blocking the event loop: SQLite answers synchronously, so pages are small, and after `budget` ms of
 * them the rest waits for the next turn of the loop. All queries of a connection share one budget.
 */
import { Effect } from "effect"

export class Turns {
  /** Waits until this turn of the event loop has time left. Goes on at once where it has. */
  readonly free: Effect.Effect<void>
  private spent = 0

  /** @param budget ms of work in one turn of the event loop */
  constructor(budget: number) {
    this.free = Effect.suspend(() =>
      this.spent < budget ? Effect.void : Effect.andThen(nextTurn, this.free)
    )
  }

  /** Works now, and counts the time. */
  spend<A>(work: () => A): A {
    if (this.spent === 0) setImmediate(() => (this.spent = 0))
    const start = performance.now()
    try {
      return work()
    } finally {
      this.spent += Math.max(performance.now() - start, Number.EPSILON)
    }
  }
}

const nextTurn = Effect.callback<void>((resume) => {
  const immediate = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(immediate))
})
