/** How long to wait between tries: each time twice as long, up to a bound, and never all at the same moment. */
import { Effect, Random } from "effect"

/** Between tries, in milliseconds. */
export interface BackoffOptions {
  /** Before the first repetition; 100 by default. */
  readonly firstMs?: number
  /** At most; 10,000 by default. */
  readonly mostMs?: number
}

export class Backoff {
  private readonly first: number
  private readonly most: number
  private tries = 0

  constructor({ firstMs = 100, mostMs = 10_000 }: BackoffOptions = {}) {
    this.first = firstMs
    this.most = mostMs
  }

  /** It went well: the next wait is short again. */
  reset(): void {
    this.tries = 0
  }

  /** Half of the wait is by chance: clients that lost one server do not come back together. */
  readonly wait: Effect.Effect<void> = Effect.suspend(() => {
    const ms = Math.min(this.most, this.first * 2 ** this.tries++)
    return Effect.flatMap(Random.next, (chance) => Effect.sleep(ms * (0.5 + chance / 2)))
  })
}
