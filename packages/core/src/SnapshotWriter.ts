/**
 * Saves snapshots behind the answers that they are of: nobody waits for one. A failure is told and never fatal, since
 * a snapshot is disposable (law N2); the next occasion tries again (law N5).
 */
import { Cause, Deferred, Effect, Exit } from "effect"
import type { Fork } from "./Fork.ts"
import type { StorageService, StoredSnapshot } from "./LogStorage.ts"

/** A snapshot that could not be saved, or loaded. It is tried again at the next occasion; meanwhile states are folded. */
export interface SnapshotFailure {
  /** Empty for a projection over all streams. */
  readonly stream: string
  readonly projection: string
  /** `StorageError`, or `InvalidState`. */
  readonly cause: unknown
}

/** A snapshot to be made, when its turn comes, and what to do once it is saved. */
export interface Saving {
  readonly stream: string
  readonly projection: { readonly name: string }
  readonly snapshot: () => { readonly snapshot: StoredSnapshot; readonly done: () => void } | undefined
}

export class SnapshotWriter {
  private readonly storage: StorageService
  private readonly fork: Fork
  private readonly report: (failure: SnapshotFailure) => void
  /** What is being saved; each once at a time. */
  private readonly under = new Set<Saving>()
  /** The calls under way, each done when it has ended, and what they save. */
  private readonly calls = new Map<Deferred.Deferred<void>, ReadonlyArray<Saving>>()
  private closed = false

  constructor(storage: StorageService, fork: Fork, report: (failure: SnapshotFailure) => void) {
    this.storage = storage
    this.fork = fork
    this.report = report
  }

  /** Saves these soon, in one call. Nothing once closed: the storage may be gone. */
  behind(savings: ReadonlyArray<Saving>): void {
    if (this.closed) return
    const all = savings.filter((saving) => !this.under.has(saving))
    if (all.length === 0) return
    for (const saving of all) this.under.add(saving)
    // First the answer goes out, then a large state is encoded.
    const save = Effect.andThen(
      Effect.yieldNow,
      Effect.suspend(() => this.save(all))
    )
    const call = Deferred.makeUnsafe<void>()
    this.calls.set(call, all)
    this.fork(save, () => {
      for (const saving of all) this.under.delete(saving)
      this.calls.delete(call)
      Deferred.doneUnsafe(call, Effect.void)
    })
  }

  /** What is being saved of these is saved, or told as failed: whoever loads behind it finds it. */
  settled(all: ReadonlyArray<Pick<Saving, "stream" | "projection">>): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.calls.size === 0) return Effect.void
      const keys = new Set(all.map(keyOf))
      return this.ended((saving) => keys.has(keyOf(saving)))
    })
  }

  /** Takes nothing more, and waits for what is being saved. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.closed = true
    return this.ended(() => true)
  })

  private ended(concerns: (saving: Saving) => boolean): Effect.Effect<void> {
    const calls = [...this.calls].flatMap(([call, savings]) => (savings.some(concerns) ? [call] : []))
    return Effect.forEach(calls, (call) => Deferred.await(call), { discard: true })
  }

  private save(savings: ReadonlyArray<Saving>): Effect.Effect<void> {
    const made: Array<{
      readonly saving: Saving
      readonly snapshot: StoredSnapshot
      readonly done: () => void
    }> = []
    for (const saving of savings) {
      try {
        const one = saving.snapshot()
        if (one !== undefined) made.push({ saving, ...one })
      } catch (cause) {
        this.fail(saving, cause)
      }
    }
    if (made.length === 0) return Effect.void
    const save = Effect.suspend(() => this.storage.snapshots.save(made.map(({ snapshot }) => snapshot)))
    return Effect.map(Effect.exit(save), (exit) => {
      for (const { done, saving } of made) {
        if (Exit.isSuccess(exit)) done()
        else this.fail(saving, Cause.squash(exit.cause))
      }
    })
  }

  private fail({ projection, stream }: Saving, cause: unknown): void {
    this.report({ stream, projection: projection.name, cause })
  }
}

const keyOf = ({ projection, stream }: Pick<Saving, "stream" | "projection">): string =>
  `${projection.name}\n${stream}`
