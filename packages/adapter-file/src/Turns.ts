/**
 * Keeps long work from blocking the event loop: files are read synchronously, in pieces, and after `budget` ms of them
 * the rest waits for the next turn of the loop. All work of a store shares one budget.
 */
import { Effect } from "effect"
import { type Steps, wait } from "./Steps.ts"

/** ms of work in one turn of the event loop: a piece may come on top, and 20 ms is the most that may pass. */
const budget = 8

export class Turns {
  private since: number | undefined;

  /** Lets others run where this turn's time is used up. Between pieces of work. */
  *give(): Steps<void> {
    if (this.isSpent()) yield* wait({ now: () => undefined, later: nextTurn })
  }

  /** The same as an effect. */
  readonly free: Effect.Effect<void> = Effect.suspend(() =>
    this.isSpent() ? Effect.promise(nextTurn) : Effect.void
  )

  private isSpent(): boolean {
    if (this.since === undefined) {
      this.since = performance.now()
      setImmediate(() => (this.since = undefined))
    }
    return performance.now() - this.since > budget
  }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))
