/**
 * A projection's state while it is folded: a draft, how far it has come, and what of it is in storage. Plain code; it
 * belongs to whoever folds, and readers get publications.
 */
import { type Cursor, sameCursor } from "./Cursor.ts"
import type * as EventSet from "./EventSet.ts"
import type { Batch, StoredEvent, StoredSnapshot } from "./LogStorage.ts"
import * as Projection from "./Projection.ts"
import { makeSnapshot, openSnapshot, pays } from "./Snapshot.ts"

/** A state as readers get it, and its place in the stream; `undefined` before the first event. */
export interface Folded<S> {
  readonly state: S
  readonly cursor: Cursor | undefined
}

export class Folding<E extends EventSet.Any, S> {
  readonly projection: Projection.Projection<E, S>
  readonly stream: string
  cursor: Cursor | undefined
  /** Whether the stream was sealed when it was last looked at. */
  sealed = false
  private readonly decode: (stored: StoredEvent) => EventSet.Stored<E>
  private state: S
  private published: Folded<S> | undefined
  /** Events and characters since the last snapshot. */
  private tail = { events: 0, size: 0 }
  private saved: { readonly cursor: Cursor; readonly events: number; readonly size: number } | undefined
  /** What is stored was found to be bad: it is replaced at the next occasion, whether that pays or not. */
  private bad = false
  /** One for each beginning: what was saved of another one says nothing. */
  private beginning: object = {}

  constructor(
    projection: Projection.Projection<E, S>,
    stream: string,
    decode: (stored: StoredEvent) => EventSet.Stored<E>
  ) {
    this.projection = projection
    this.stream = stream
    this.decode = decode
    this.state = projection.initial()
  }

  /** Whether storage was asked for a state to begin with. */
  isOpen = false

  /** Begins with a stored state, where there is a good one. */
  open(stored: StoredSnapshot | undefined): void {
    this.isOpen = true
    if (stored === undefined) return
    const opened = openSnapshot(this.projection, this.stream, stored)
    this.bad = opened === undefined
    if (opened === undefined) return
    this.state = opened.state
    this.cursor = stored.cursor
    this.saved = { cursor: stored.cursor, events: stored.cursor.seq, size: stored.state.length }
    this.begin()
  }

  /** Begins anew: the history that was folded is not the stored one (law N4). */
  reset(): void {
    this.state = this.projection.initial()
    this.bad = this.saved !== undefined
    this.cursor = undefined
    this.saved = undefined
    this.begin()
  }

  /** Goes on from what was answered elsewhere, with a state of its own. O(state). */
  goOnFrom({ cursor, state }: Folded<S>): void {
    this.isOpen = true
    this.state = Projection.draft(state)
    this.cursor = cursor
    this.saved = undefined
    this.begin()
  }

  private begin(): void {
    this.tail = { events: 0, size: 0 }
    this.published = undefined
    this.beginning = {}
  }

  /** Takes the next events of the stream. */
  take({ events, last }: Pick<Batch, "events" | "last">): void {
    if (events.length > 0) {
      const { projection, tail } = this
      this.published = undefined
      const decoded: Array<EventSet.Stored<E>> = []
      for (const event of events) {
        tail.size += event.data.length
        if (!Projection.passesBy(projection, event.type)) decoded.push(this.decode(event))
      }
      tail.events += events.length
      this.apply(decoded)
    }
    if (last !== undefined && !sameCursor(last, this.cursor)) {
      this.cursor = last
      this.published = undefined
    }
  }

  /** Takes the next events of the stream as they come live: decoded, and not counted towards a snapshot. */
  takeLive(events: ReadonlyArray<EventSet.Stored<E>>, cursor: Cursor): void {
    const { projection, published } = this
    const passedBy = events.every(({ type }) => Projection.passesBy(projection, type))
    if (!passedBy) this.apply(events)
    this.cursor = cursor
    this.published = passedBy && published !== undefined ? { ...published, cursor } : undefined
  }

  private apply(events: ReadonlyArray<EventSet.Stored<E>>): void {
    try {
      this.state = Projection.apply(this.projection, this.state, events)
    } catch (error) {
      // Nobody knows what a handler that threw has changed before.
      this.reset()
      throw error
    }
  }

  /** What readers get: the same object until there is something new. */
  answer(): Folded<S> {
    this.published ??= { state: Projection.publish(this.state), cursor: this.cursor }
    return this.published
  }

  /** Whether it is time for a snapshot: a bad one is mended, a sealed stream's kept for good, others must pay. */
  isDue(closing = false): boolean {
    if (this.cursor === undefined) return false
    if (this.bad) return true
    if (this.sealed) return !sameCursor(this.saved?.cursor, this.cursor)
    return pays({ saved: this.saved, tail: this.tail }, closing)
  }

  /** The snapshot to save, and what to do once it is saved. Nothing before the first event. */
  snapshot(): { readonly snapshot: StoredSnapshot; readonly done: () => void } | undefined {
    const { cursor, state } = this.answer()
    if (cursor === undefined) return undefined
    const { beginning } = this
    const held = { ...this.tail }
    const snapshot = makeSnapshot(this.projection, this.stream, cursor, state)
    const done = (): void => {
      if (this.beginning !== beginning) return
      this.bad = false
      this.saved = { cursor, events: cursor.seq, size: snapshot.state.length }
      this.tail = { events: this.tail.events - held.events, size: this.tail.size - held.size }
    }
    return { snapshot, done }
  }
}
