/**
 * Work that concurrent asks share (law N6). An ask joins work that has not begun; one that comes later must see what
 * was recorded before it (law O5), so it waits for the next round, which all who come meanwhile share too.
 */
import { Deferred, Effect } from "effect"
import type { Fork } from "./Fork.ts"

export class SingleFlight<A, E> {
  private readonly work: Effect.Effect<A, E>
  private readonly fork: Fork
  private running = false
  /** The round that has not begun, if anybody waits for it. */
  private next: Deferred.Deferred<A, E> | undefined

  constructor(work: Effect.Effect<A, E>, fork: Fork) {
    this.work = work
    this.fork = fork
  }

  get isIdle(): boolean {
    return !this.running && this.next === undefined
  }

  /** What the work answers, begun after this ask. Whoever stops waiting doesn't stop it. */
  readonly ask: Effect.Effect<A, E> = Effect.suspend(() => {
    if (this.next === undefined) {
      this.next = Deferred.makeUnsafe<A, E>()
      if (!this.running) this.round()
    }
    return Deferred.await(this.next)
  })

  private round(): void {
    this.running = true
    let round: Deferred.Deferred<A, E> | undefined
    // Asks that are made side by side share a round.
    const work = Effect.andThen(
      Effect.yieldNow,
      Effect.suspend(() => {
        round = this.next
        this.next = undefined
        return this.work
      })
    )
    this.fork(work, (exit) => {
      this.running = false
      if (this.next !== undefined) this.round()
      if (round !== undefined) Deferred.doneUnsafe(round, exit)
    })
  }
}
