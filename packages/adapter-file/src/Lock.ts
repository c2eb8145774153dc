/** One at a time, in the order of asking. Costs no promise where nobody else is at it. */
import { type Steps, wait } from "./Steps.ts"

export class Lock {
  private taken = false
  private waiting: Array<() => void> | undefined

  get isTaken(): boolean {
    return this.taken
  }

  /** Lets go; whoever waited longest has it at once. */
  free(): void {
    const next = this.waiting?.shift()
    if (next === undefined) this.taken = false
    else next()
  }

  /** Waits for the lock. Whoever has it must {@link free} it. */
  *take(): Steps<void> {
    if (this.taken) {
      yield* wait({
        now: () => {
          throw new Error("another call is at this stream, which an exit handler cannot wait for")
        },
        later: () => new Promise<void>((resolve) => (this.waiting ??= []).push(resolve))
      })
    }
    this.taken = true
  }
}
