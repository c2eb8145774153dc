/**
 * The logs that are held open, each at the cost of a claim and a descriptor: so many at most. Whoever wants to open one
 * more waits until the one that was used longest ago is let go, which may take a sync.
 */
import { run, runNow, type Steps, wait } from "./Steps.ts"
import type { StreamLog } from "./StreamLog.ts"

const most = 256

export class OpenLogs implements Iterable<StreamLog> {
  private readonly held = new Set<StreamLog>()
  /** Those of them that are being let go. */
  private readonly leaving = new Set<StreamLog>()
  private readonly waiting: Array<{ readonly log: StreamLog; readonly enter: () => void }> = []

  get size(): number {
    return this.held.size
  }

  [Symbol.iterator](): Iterator<StreamLog> {
    return this.held.values()
  }

  /** Waits for a place, unless the log has one. */
  *enter(log: StreamLog): Steps<void> {
    if (this.held.has(log)) return
    if (this.held.size >= most) {
      yield* wait({
        now: () => this.makeRoomNow(),
        later: () =>
          new Promise<void>((enter) => {
            this.waiting.push({ log, enter })
            this.makeRoom()
          })
      })
      // There may be more that wait than there were logs to let go.
      this.makeRoom()
    }
    this.held.add(log)
  }

  /** Gives a place up; whoever waited longest has it at once. */
  leave(log: StreamLog): void {
    this.leaving.delete(log)
    if (!this.held.delete(log) || this.held.size >= most) return
    const next = this.waiting.shift()
    if (next === undefined) return
    this.held.add(next.log)
    next.enter()
  }

  private makeRoom(): void {
    while (this.leaving.size < this.waiting.length) {
      const oldest = this.oldest((log) => !this.leaving.has(log))
      if (oldest === undefined) return
      this.leaving.add(oldest)
      void run(oldest.release())
    }
  }

  /** An exit handler goes over the bound rather than lose events, where all that are held are in use. */
  private makeRoomNow(): void {
    const oldest = this.oldest((log) => !log.isInUse)
    if (oldest !== undefined) runNow(oldest.release())
  }

  private oldest(mayLeave: (log: StreamLog) => boolean): StreamLog | undefined {
    let oldest: StreamLog | undefined
    for (const log of this.held) {
      if (mayLeave(log) && (oldest === undefined || log.lastUsed < oldest.lastUsed)) oldest = log
    }
    return oldest
  }
}
