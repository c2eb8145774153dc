/**
 * Work at the end of the current job, in bounded slices. Asks that are made side by side share a turn; a storage or a
 * listener that always has more to do must not keep timers and input from their turn for ever.
 */
import { monotonicNow, nextMacrotask } from "./Macrotask.ts"

const slice = 64
/** Milliseconds of work after which a slice ends, too: synchronous storages work within a round. */
const budget = 8

export class Turns {
  private readonly work: () => boolean
  private scheduled = false
  private running = false
  /** What the current slice has used. */
  private rounds = 0
  private spent = 0

  /** `work` does one round and answers whether there may be more. */
  constructor(work: () => boolean) {
    this.work = work
  }

  /** Has a round done soon. */
  soon(): void {
    if (this.scheduled || this.running) return
    this.scheduled = true
    if (this.left()) queueMicrotask(this.start)
    else nextMacrotask(this.restart)
  }

  /** Does rounds now, unless one is under way or others come first. */
  now(): void {
    if (!this.running && this.left()) this.start()
    else this.soon()
  }

  private left(): boolean {
    return this.rounds < slice && this.spent < budget
  }

  private readonly restart = (): void => {
    this.rounds = 0
    this.spent = 0
    this.start()
  }

  private readonly start = (): void => {
    this.scheduled = false
    if (this.running) return
    this.running = true
    let more = true
    let begun = monotonicNow()
    try {
      while (more && this.left()) {
        this.rounds++
        more = this.work()
        const now = monotonicNow()
        this.spent += now - begun
        begun = now
      }
    } finally {
      this.running = false
    }
    if (more) this.soon()
  }
}
