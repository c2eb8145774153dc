/**
 * What is known of one stream of a live set. Its state and its cursor are one thing: they change together, and an ended
 * follow leaves them as they are. The need to begin anew is part of it too, and only a state that was taken whole ends it
 * (law C10).
 */
import type { Cursor } from "./Cursor.ts"
import type * as EventSet from "./EventSet.ts"
import type { Folded } from "./Folding.ts"
import { Listeners, type Report } from "./Listeners.ts"
import type { Events } from "./LiveSource.ts"
import * as Projection from "./Projection.ts"
import { type Selected, select } from "./Select.ts"

/**
 * How a stream stands.
 *
 * - `loading`: wanted, and on its way.
 * - `live`: all that is stored was applied, and what comes is.
 * - `retrying`: the last try failed with `error`; the next one is due.
 * - `paused`: not among the live ones; open or activate it to go on.
 * - `failed`: the projection threw `error`: no state comes of this stream until it is opened again.
 */
export type LiveStatus = "loading" | "live" | "retrying" | "paused" | "failed"

/** A stream as it is shown. The same object until something changed. */
export interface LiveSnapshot<S> {
  readonly status: LiveStatus
  /** Never changes; the initial state before anything was read. */
  readonly state: S
  /** The last event in `state`. */
  readonly cursor: Cursor | undefined
  /** The last seq that is proven to survive power loss, as far as it is known here. */
  readonly synced: number
  readonly error: unknown
}

/** One stream of a live set. Its methods are bound: `useSyncExternalStore(view.subscribe, view.getSnapshot)`. */
export interface LiveView<S> {
  readonly stream: string
  readonly getSnapshot: () => LiveSnapshot<S>
  /** Calls `listener` when the snapshot is another one. Answers how to stop. */
  readonly subscribe: (listener: () => void) => () => void
  /** A slice of it, which is silent when the slice did not change. Hold on to it: each is a new one. */
  readonly select: <T>(
    selector: (snapshot: LiveSnapshot<S>) => T,
    equals?: (a: T, b: T) => boolean
  ) => Selected<T>
}

/** Where a stream stands. */
export class LivePlace<E extends EventSet.Any, S> implements LiveView<S> {
  readonly stream: string
  readonly listeners: Listeners<void>
  /** The state must be taken anew: there is none, or its history cannot go on. Ends when one was taken, not before. */
  lost = true
  isOpen = false
  private readonly projection: Projection.Projection<E, S>
  private state: S
  private cursor: Cursor | undefined
  private synced = 0
  private status: LiveStatus = "paused"
  private error: unknown
  private shown: LiveSnapshot<S> | undefined

  constructor(stream: string, projection: Projection.Projection<E, S>, report: Report) {
    this.stream = stream
    this.projection = projection
    this.listeners = new Listeners(report)
    this.state = projection.initial()
  }

  readonly getSnapshot = (): LiveSnapshot<S> => {
    if (this.shown === undefined) {
      const { cursor, error, state, status, synced } = this
      this.shown = { status, state: Projection.publish(state), cursor, synced, error }
    }
    return this.shown
  }

  readonly subscribe = (listener: () => void): (() => void) => this.listeners.add(listener)

  readonly select = <T>(
    selector: (snapshot: LiveSnapshot<S>) => T,
    equals?: (a: T, b: T) => boolean
  ): Selected<T> => select(this, selector, equals)

  get after(): Cursor | undefined {
    return this.cursor
  }

  get hasFailed(): boolean {
    return this.status === "failed"
  }

  /** On its way. A failure is shown until it is over. */
  load(): void {
    if (this.status !== "retrying") this.turn("loading")
  }

  turn(status: LiveStatus, error?: unknown): void {
    if (this.status === status && this.error === error) return
    this.status = status
    this.error = error
    this.changed()
  }

  /** Begins with a state that was taken whole. */
  begin({ cursor, state }: Folded<S>): void {
    this.state = Projection.draft(state)
    this.cursor = cursor
    this.synced = 0
    this.lost = false
    this.changed()
  }

  /** Lets go of the state, for room. */
  forget(): void {
    this.state = this.projection.initial()
    this.cursor = undefined
    this.synced = 0
    this.lost = true
    this.changed()
  }

  /** Applies what is new. Seen events are dropped; false when some are missing: they must be fetched (law C8). */
  take({ cursor, events, synced }: Events<E>): boolean {
    const next = (this.cursor?.seq ?? 0) + 1
    const fresh =
      events.length > 0 && events[0]!.seq < next ? events.filter(({ seq }) => seq >= next) : events
    if (fresh.length > 0) {
      if (fresh[0]!.seq !== next) return false
      this.state = Projection.apply(this.projection, this.state, fresh)
      this.cursor = cursor
    }
    if (fresh.length > 0 || synced > this.synced) {
      this.synced = Math.max(this.synced, synced)
      this.changed()
    }
    return true
  }

  private changed(): void {
    this.shown = undefined
    this.listeners.tell()
  }
}
