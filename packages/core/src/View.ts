/**
 * A view: a projection of one stream, kept up while it is looked at. Made for `useSyncExternalStore`:
 *
 * ```tsx
 * const view = log.view("s-1", Transcript)
 * const { state, status } = useSyncExternalStore(view.subscribe, view.getSnapshot)
 * ```
 *
 * A group is folded and told as soon as it is stored: one notification each, at a cost of what changed, whatever the
 * length of the stream. Events are folded when they come; a state is published when it is asked for.
 */
import { Cause, Effect, Exit } from "effect"
import type { Cursor } from "./Cursor.ts"
import { LogClosed, type ReadError } from "./Errors.ts"
import type * as EventSet from "./EventSet.ts"
import { type Folded, Folding } from "./Folding.ts"
import { Follower, type Following } from "./Follower.ts"
import type { Start } from "./Fork.ts"
import type { Report } from "./Listeners.ts"
import type { FollowItem } from "./LiveSource.ts"
import type { Projection } from "./Projection.ts"
import type { Selected } from "./Select.ts"
import type { SetTimer } from "./Timer.ts"
import { Watched } from "./Watched.ts"

/**
 * How current a view is.
 *
 * - `loading`: catching up; the state is the initial one, or the last one known.
 * - `live`: everything stored is in it.
 * - `failed`: see `error`. What storage refused is tried again each second; a handler that threw is not.
 * - `closed`: the log was closed.
 */
export type ViewStatus = "loading" | "live" | "failed" | "closed"

/** What a view shows. The same object until something changed. */
export interface ViewSnapshot<S> {
  readonly status: ViewStatus
  readonly state: S
  /** The last event that is in the state. */
  readonly cursor: Cursor | undefined
  /** The last seq of the stream that is proven to survive power loss, as far as it is known here; 0 for none. */
  readonly synced: number
  /** Why it failed: a `ReadError`, or what a handler threw. */
  readonly error: unknown
}

/** A live projection of one stream. Its methods are bound. Callers of the same stream and projection share it. */
export interface View<S> extends Disposable {
  readonly getSnapshot: () => ViewSnapshot<S>
  /** Calls `listener` after each change. Answers how to stop. */
  readonly subscribe: (listener: () => void) => () => void
  /** A slice of it, which is silent when the slice did not change. Hold on to it: each is a new one. */
  readonly select: <T>(
    selector: (snapshot: ViewSnapshot<S>) => T,
    equals?: (a: T, b: T) => boolean
  ) => Selected<T>
}

/** What a view needs of its log. */
export interface Viewing<E extends EventSet.Any> {
  readonly following: Following<E>
  readonly state: <S>(stream: string, projection: Projection<E, S>) => Effect.Effect<Folded<S>, ReadError>
  readonly start: Start
  readonly setTimer: SetTimer
  /** Told what a listener threw. */
  readonly report: Report
}

/** Milliseconds until storage that failed is asked again. */
export const retryAfter = 1000

export class StreamView<E extends EventSet.Any, S> extends Watched<ViewSnapshot<S>> implements View<S> {
  private readonly around: Viewing<E>
  private readonly folding: Folding<E, S>
  private follower: Follower<E> | undefined
  private status: ViewStatus = "loading"
  private error: unknown
  private snapshot: ViewSnapshot<S> | undefined
  /** What was shown last: it stays, when a handler fails. */
  private shown: Folded<S> | undefined
  /** What takes time now, and how to stop it. */
  private working: { stop?: () => void } | undefined
  private retry: (() => void) | undefined
  private running = false
  private readonly onRun: (runs: boolean) => void

  /** `onRun` is told when it begins and when it stops to keep itself up. */
  constructor(
    around: Viewing<E>,
    stream: string,
    projection: Projection<E, S>,
    onRun: (runs: boolean) => void
  ) {
    super(around.setTimer, around.report)
    this.around = around
    this.onRun = onRun
    this.folding = new Folding(projection, stream, around.following.decode)
  }

  readonly getSnapshot = (): ViewSnapshot<S> => {
    this.use()
    if (this.snapshot === undefined) {
      if (this.shown === undefined || this.status !== "failed") this.shown = this.folding.answer()
      const { cursor, state } = this.shown
      const synced = this.follower?.synced ?? 0
      this.snapshot = { status: this.status, state, cursor, synced, error: this.error }
    }
    return this.snapshot
  }

  protected keepUp(): boolean {
    if (this.status === "closed") return false
    if (!this.running) this.run()
    return true
  }

  protected stop(): void {
    this.rest()
    if (this.running) this.set("loading")
    this.running = false
    this.onRun(false)
  }

  /** The log is closed. */
  close(): void {
    this.rest()
    this.set("closed")
  }

  /** Lets go of everything that runs. */
  protected override rest(): void {
    super.rest()
    this.retry?.()
    this.retry = undefined
    const { working } = this
    this.working = undefined
    working?.stop?.()
    this.follower?.close()
    this.follower = undefined
  }

  private run(): void {
    if (!this.running) this.onRun(true)
    this.running = true
    if (this.folding.isOpen) return this.follow()
    const { stream, projection } = this.folding
    this.work(this.around.state(stream, projection), (folded) => {
      this.folding.goOnFrom(folded)
      this.follow()
    })
  }

  private follow(): void {
    const { cursor: after, stream } = this.folding
    const follower = new Follower(this.around.following, stream, { after }, () => {
      if (this.follower !== undefined) this.pump(this.follower)
    })
    this.follower = follower
    this.pump(follower)
  }

  /** What is held is of no use: the next run asks for a state. */
  private begin(): void {
    this.follower?.close()
    this.follower = undefined
    this.folding.isOpen = false
  }

  /** Takes what is there, tells it once, and reads on where it must. */
  private pump(follower: Follower<E>): void {
    if (follower !== this.follower) return
    let changed = false
    for (let item = follower.take(); item !== undefined; item = follower.take()) {
      if (item._tag === "Resync") {
        this.begin()
        this.set("loading")
        return this.run()
      }
      try {
        changed = this.handle(item) || changed
      } catch (error) {
        this.begin()
        this.error = error
        return this.set("failed")
      }
    }
    if (follower.ended) return this.close()
    if (changed) this.set(this.status)
    if (follower.mustRead) this.work(follower.read, () => this.pump(follower))
  }

  /** Answers whether there is anything to tell: while it catches up nobody is told of each piece. */
  private handle(item: FollowItem<E>): boolean {
    switch (item._tag) {
      case "Events":
        if (item.events.length > 0) this.folding.takeLive(item.events, item.cursor)
        this.snapshot = undefined
        return this.status === "live"
      case "CaughtUp":
        if (this.status === "live") return false
        this.status = "live"
        this.error = undefined
        return true
      case "Lagged":
        this.status = "loading"
        this.snapshot = undefined
        return false
      case "Volatile":
      case "Resync":
        return false
    }
  }

  /** Does what takes time, one at a time, and lets others in before. What fails is tried again later. */
  private work<A>(effect: Effect.Effect<A, ReadError>, then: (value: A) => void): void {
    if (this.working !== undefined || this.retry !== undefined) return
    const working: { stop?: () => void } = {}
    this.working = working
    working.stop = this.around.start(Effect.andThen(Effect.yieldNow, effect), (exit) => {
      if (this.working !== working) return
      this.working = undefined
      if (Exit.isSuccess(exit)) return then(exit.value)
      const error = Cause.squash(exit.cause)
      if (error instanceof LogClosed) return this.close()
      this.error = error
      this.set("failed")
      this.retry = this.around.setTimer(() => {
        this.retry = undefined
        if (this.follower === undefined) this.run()
        else this.pump(this.follower)
      }, retryAfter)
    })
  }

  private set(status: ViewStatus): void {
    this.status = status
    this.snapshot = undefined
    this.tell()
  }
}
