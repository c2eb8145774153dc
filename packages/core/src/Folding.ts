/**
 * A projection's state of one stream while it is folded: a draft, and how far it has come. Plain code; it belongs to
 * whoever folds, and readers get publications.
 */
import { type Cursor, sameCursor } from "./Cursor.ts"
import type * as EventSet from "./EventSet.ts"
import type { Batch, StoredEvent, StoredSnapshot } from "./LogStorage.ts"
import * as Projection from "./Projection.ts"
import { makeSnapshot, openSnapshot } from "./Snapshot.ts"
import { Upkeep } from "./Upkeep.ts"

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
  /** Whether storage was asked for a state to begin with. */
  isOpen = false
  private readonly decode: (stored: StoredEvent) => EventSet.Stored<E>
  private readonly upkeep = new Upkeep()
  private state: S
  private published: Folded<S> | undefined

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

  /** Begins with a stored state, where there is a good one. */
  open(stored: StoredSnapshot | undefined): void {
    this.isOpen = true
    if (stored === undefined) return
    const opened = openSnapshot(this.projection, this.stream, stored)
    if (opened === undefined) return this.upkeep.found(undefined)
    this.upkeep.found({ events: stored.cursor.seq, size: stored.state.length })
    this.state = opened.state
    this.cursor = stored.cursor
    this.published = undefined
  }

  /** Begins anew: the history that was folded is not the stored one (law N4). */
  reset(): void {
    this.upkeep.begin()
    this.state = this.projection.initial()
    this.cursor = undefined
    this.published = undefined
  }

  /** Takes the next events of the stream. */
  take({ events, last }: Pick<Batch, "events" | "last">): void {
    if (last === undefined || sameCursor(last, this.cursor)) return
    const decoded: Array<EventSet.Stored<E>> = []
    let size = 0
    for (const event of events) {
      size += event.data.length
      if (!Projection.passesBy(this.projection, event.type)) decoded.push(this.decode(event))
    }
    try {
      this.state = Projection.apply(this.projection, this.state, decoded)
    } catch (error) {
      // Nobody knows what a handler that threw has changed before.
      this.reset()
      throw error
    }
    this.upkeep.grew(events.length, size)
    this.cursor = last
    this.published = undefined
  }

  /** What readers get: the same object until there is something new. */
  answer(): Folded<S> {
    this.published ??= { state: Projection.publish(this.state), cursor: this.cursor }
    return this.published
  }

  /** Whether it is time for a snapshot. */
  isDue(last = false): boolean {
    return this.upkeep.isDue(this.cursor?.seq ?? 0, { final: this.sealed, last })
  }

  /** The snapshot to save, and what to do once it is saved. Nothing before the first event. */
  snapshot(): { readonly snapshot: StoredSnapshot; readonly done: () => void } | undefined {
    const { cursor, state } = this.answer()
    if (cursor === undefined) return undefined
    const snapshot = makeSnapshot(this.projection, this.stream, cursor, state)
    return { snapshot, done: this.upkeep.saving({ events: cursor.seq, size: snapshot.state.length }) }
  }
}
