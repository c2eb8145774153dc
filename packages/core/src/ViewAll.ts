/**
 * A view of all streams: a projection's state of each, kept up while it is looked at. For lists of sessions, and for
 * what is pending anywhere, also after a restart (law C11): it begins from snapshots and the tails behind them.
 *
 * Holds the states of all streams in memory. Changes are told once a tick, at a cost of what changed; a poll of all
 * heads finds what other processes wrote.
 */
import { Cause, Effect, Exit, Schema } from "effect"
import { type Cursor, sameCursor } from "./Cursor.ts"
import { LogClosed, type ReadError } from "./Errors.ts"
import type * as EventSet from "./EventSet.ts"
import type { Folding } from "./Folding.ts"
import type { Start } from "./Fork.ts"
import type { Notification, Report } from "./Listeners.ts"
import type { Head } from "./LogStorage.ts"
import type { Moves } from "./Moves.ts"
import type { Projection } from "./Projection.ts"
import * as Rows from "./Rows.ts"
import type { Selected } from "./Select.ts"
import type { StatesSelection } from "./States.ts"
import { retryAfter, type ViewStatus } from "./View.ts"
import type { SetTimer } from "./Timer.ts"
import { Watched } from "./Watched.ts"

/** A stream in a view of all. */
export interface ShownStream<S> {
  readonly stream: string
  readonly state: S
  readonly cursor: Cursor | undefined
}

/** What a view of all streams shows. The same object until something changed. */
export interface AllSnapshot<S> {
  readonly status: ViewStatus
  /** By name of stream: `streams.get("s-1")?.state`. Streams that didn't change stay the same objects. */
  readonly streams: Rows.Rows<ShownStream<S>>
  /** Why it failed: a `ReadError`, or what a handler threw. */
  readonly error: unknown
}

/** A live projection of every stream. Its methods are bound. Callers of the same projection share it. */
export interface ViewAll<S> extends Disposable {
  readonly getSnapshot: () => AllSnapshot<S>
  /** Calls `listener` after changes, at most once a tick. Answers how to stop. */
  readonly subscribe: (listener: () => void) => () => void
  readonly select: <T>(
    selector: (snapshot: AllSnapshot<S>) => T,
    equals?: (a: T, b: T) => boolean
  ) => Selected<T>
}

/** What it needs of its log. */
export interface ViewingAll<E extends EventSet.Any> {
  readonly moves: Moves
  /** Brings the states of these streams up; answers those that exist. */
  readonly follow: <S>(
    selection: StatesSelection,
    projection: Projection<E, S>,
    foldings: Map<string, Folding<E, S>>
  ) => Effect.Effect<ReadonlySet<string>, ReadError>
  readonly start: Start
  readonly setTimer: SetTimer
  /** Milliseconds between two notifications. */
  readonly tick: number
  /** Told what a listener threw. */
  readonly report: Report
}

const noRows = <S>(): Rows.Draft<ShownStream<S>> =>
  Rows.of(Schema.Any as Schema.Codec<ShownStream<S>>, ({ stream }) => stream).empty()

export class AllView<E extends EventSet.Any, S> extends Watched<AllSnapshot<S>> implements ViewAll<S> {
  private readonly around: ViewingAll<E>
  private readonly projection: Projection<E, S>
  private foldings = new Map<string, Folding<E, S>>()
  private rows = noRows<S>()
  /** Streams to be shown anew at the next tick. */
  private readonly dirty = new Set<string>()
  /** Streams to be brought up from storage. */
  private moved = new Set<string>()
  private isOpen = false
  private status: ViewStatus = "loading"
  private error: unknown
  private snapshot: AllSnapshot<S> | undefined
  private stopWatching: (() => void) | undefined
  private working: { stop?: () => void } | undefined
  private ticking: (() => void) | undefined
  private retry: (() => void) | undefined

  constructor(around: ViewingAll<E>, projection: Projection<E, S>) {
    super(around.setTimer, around.report)
    this.around = around
    this.projection = projection
  }

  readonly getSnapshot = (): AllSnapshot<S> => {
    this.use()
    const streams = (this.rows as Rows.State<ShownStream<S>>).publish()
    this.snapshot ??= { status: this.status, streams, error: this.error }
    return this.snapshot
  }

  protected keepUp(): boolean {
    if (this.status === "closed") return false
    if (this.stopWatching === undefined && this.status !== "failed") this.run()
    return true
  }

  close(): void {
    this.rest()
    this.set("closed")
  }

  protected stop(): void {
    this.rest()
    if (this.status !== "closed") this.set("loading")
  }

  protected override rest(): void {
    super.rest()
    for (const stop of [this.ticking, this.retry, this.stopWatching]) stop?.()
    this.ticking = this.retry = this.stopWatching = undefined
    const { working } = this
    this.working = undefined
    working?.stop?.()
  }

  /** Watched before it is read, so that nothing falls between. */
  private run(): void {
    this.isOpen = false
    this.stopWatching = () => undefined
    this.stopWatching = this.around.moves.watchAll({
      told: (notification) => this.told(notification),
      found: (heads, among) => this.found(heads, among ?? this.foldings.keys()),
      ended: () => this.close()
    })
    this.bringUp()
  }

  private told({ events, head, stream }: Notification): void {
    if (head === undefined) return
    const folding = this.foldings.get(stream)
    const cursor = folding?.cursor
    const first = events[0]
    const isNext =
      this.isOpen &&
      folding !== undefined &&
      cursor !== undefined &&
      first?.seq === cursor.seq + 1 &&
      first.epoch === cursor.epoch &&
      first.seq + events.length - 1 === head.cursor.seq
    // What is being brought up belongs to whoever reads it.
    if (!isNext || this.working !== undefined) {
      if (!sameCursor(cursor, head.cursor)) this.moved.add(stream)
    } else {
      try {
        folding.takeLive(events as ReadonlyArray<EventSet.Stored<E>>, head.cursor)
      } catch (error) {
        return this.fail(error)
      }
      this.dirty.add(stream)
    }
    this.soon()
  }

  private found(heads: ReadonlyArray<Head>, among: Iterable<string>): void {
    const there = new Set<string>()
    for (const { cursor, stream } of heads) {
      there.add(stream)
      if (!sameCursor(this.foldings.get(stream)?.cursor, cursor)) this.moved.add(stream)
    }
    for (const stream of among) if (!there.has(stream) && this.foldings.has(stream)) this.moved.add(stream)
    if (this.moved.size > 0) this.soon()
  }

  private soon(): void {
    if (this.dirty.size === 0 && this.moved.size === 0) return
    this.ticking ??= this.around.setTimer(() => {
      this.ticking = undefined
      if (this.moved.size > 0) this.bringUp()
      if (this.dirty.size > 0 && this.working === undefined) this.show()
    }, this.around.tick)
  }

  /** Reads what moved, or everything at first, and shows it. */
  private bringUp(): void {
    if (this.working !== undefined || this.retry !== undefined) return
    const { isOpen, moved } = this
    this.moved = new Set()
    const selection: StatesSelection = isOpen ? { streams: [...moved] } : {}
    const working: { stop?: () => void } = {}
    this.working = working
    const { follow, setTimer, start } = this.around
    const work = Effect.andThen(Effect.yieldNow, follow(selection, this.projection, this.foldings))
    working.stop = start(work, (exit) => {
      if (this.working !== working) return
      this.working = undefined
      if (Exit.isFailure(exit)) {
        const error = Cause.squash(exit.cause)
        if (error instanceof LogClosed) return this.close()
        for (const stream of moved) this.moved.add(stream)
        // Defects are of handlers: they would throw again.
        if (Cause.hasDies(exit.cause)) return this.fail(error)
        this.error = error
        this.retry = setTimer(() => {
          this.retry = undefined
          this.bringUp()
        }, retryAfter)
        return this.set("failed")
      }
      this.isOpen = true
      for (const stream of isOpen ? moved : [...this.foldings.keys()]) {
        if (!exit.value.has(stream)) this.foldings.delete(stream)
        this.dirty.add(stream)
      }
      this.error = undefined
      this.show("live")
      this.soon()
    })
  }

  /** Tells what changed, if anything did. */
  private show(status = this.status): void {
    let changed = status !== this.status
    for (const stream of this.dirty) {
      const folding = this.foldings.get(stream)
      const shown = this.rows.get(stream)
      if (folding === undefined) {
        changed = this.rows.delete(stream) || changed
        continue
      }
      const { cursor, state } = folding.answer()
      if (shown?.state === state && sameCursor(shown.cursor, cursor)) continue
      this.rows.set({ stream, state, cursor })
      changed = true
    }
    this.dirty.clear()
    if (changed) this.set(status)
  }

  /** For good: a handler threw. */
  private fail(error: unknown): void {
    this.rest()
    this.foldings = new Map()
    this.error = error
    this.set("failed")
  }

  private set(status: ViewStatus): void {
    this.status = status
    this.snapshot = undefined
    this.tell()
  }
}
