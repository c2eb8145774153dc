/**
 * A projection over all streams: usage by day and tool, a list of sessions. One state, folded from every event of the
 * log, with a checkpoint of its own: how far each stream has been folded.
 *
 * Only streams that moved are read, by their heads. Events of one stream come in order; of different streams in any, so
 * **handlers must not depend on the order between streams**: count, add up, keep the latest by `at`, keep rows by stream.
 * Then what is folded piece by piece equals a rebuild. What an operator sets from outside belongs into an event or a
 * label, and so survives a rebuild. Where a stream was removed or lost events, all is folded anew.
 */
import { Cause, Effect, Schema, Stream } from "effect"
import { type Cursor, sameCursor } from "./Cursor.ts"
import type { Damaged, StorageError } from "./Errors.ts"
import type * as EventSet from "./EventSet.ts"
import type { Batch, Progress, Query, StorageService, StoredSnapshot } from "./LogStorage.ts"
import * as Projection from "./Projection.ts"
import { SingleFlight } from "./SingleFlight.ts"
import { allStreams, makeSnapshot, openSnapshot } from "./Snapshot.ts"
import type { SnapshotWriter } from "./SnapshotWriter.ts"
import type { Projecting } from "./States.ts"
import { Upkeep } from "./Upkeep.ts"

/** How a state over all streams is asked for. */
export interface AllStreamsQuery {
  /** Folds everything anew, whatever is stored. False by default. */
  readonly rebuild?: boolean
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** A state and how far each stream is in it. */
interface Checkpoint<S> {
  readonly state: S
  readonly cursors: ReadonlyArray<readonly [stream: string, epoch: string, seq: number]>
}

const Cursors = Schema.Array(Schema.Tuple([Schema.String, Schema.String, Schema.Number]))

class AllStreams<E extends EventSet.Any, S> {
  readonly stream = allStreams
  readonly projection: Projection.Projection<E, S>
  private readonly flight: SingleFlight<S, StorageError | Damaged>
  private readonly storage: StorageService
  private readonly around: Projecting<E>
  private readonly writer: SnapshotWriter
  /** Reads and writes the state together with its cursors. */
  private readonly checkpoint: Projection.Projection<E, Checkpoint<S>>
  private readonly cursors = new Map<string, Cursor>()
  private draft: S
  private published: { readonly state: S } | undefined
  private isOpen = false
  private rebuild = false
  private events = 0
  private readonly upkeep = new Upkeep()
  private readonly watchers = new Set<(progress: Progress) => void>()

  constructor(
    projection: Projection.Projection<E, S>,
    storage: StorageService,
    around: Projecting<E>,
    writer: SnapshotWriter
  ) {
    this.projection = projection
    this.storage = storage
    this.around = around
    this.writer = writer
    this.draft = projection.initial()
    this.checkpoint = Projection.make<E, Checkpoint<S>>(projection.events, {
      name: projection.name,
      version: projection.version,
      state: Schema.Struct({ state: projection.state, cursors: Cursors }),
      initial: () => ({ state: projection.initial(), cursors: [] }),
      on: {}
    })
    this.flight = new SingleFlight(this.refresh(), around.fork)
  }

  /** The state over all streams, now. */
  state({ onProgress, rebuild = false }: AllStreamsQuery): Effect.Effect<S, StorageError | Damaged> {
    return Effect.suspend(() => {
      if (rebuild) this.rebuild = true
      if (onProgress === undefined) return this.flight.ask
      this.watchers.add(onProgress)
      return Effect.ensuring(
        this.flight.ask,
        Effect.sync(() => this.watchers.delete(onProgress))
      )
    })
  }

  isDue(last = false): boolean {
    return this.upkeep.isDue(this.events, { final: false, last })
  }

  /** The snapshot to save, and what to do once it is saved. */
  snapshot(): { readonly snapshot: StoredSnapshot; readonly done: () => void } {
    const { draft: state, events } = this
    const cursors = Array.from(this.cursors, ([stream, { epoch, seq }]) => [stream, epoch, seq] as const)
    const cursor = { epoch: "", seq: events }
    const snapshot = makeSnapshot(this.checkpoint, allStreams, cursor, { state, cursors })
    return { snapshot, done: this.upkeep.saving({ events, size: snapshot.state.length }) }
  }

  private refresh(): Effect.Effect<S, StorageError | Damaged> {
    return Effect.gen({ self: this }, function* () {
      if (this.rebuild) {
        this.rebuild = false
        this.begin()
        // What is stored is replaced, whether that pays or not.
        this.upkeep.found(undefined)
        this.isOpen = true
      }
      if (!this.isOpen) yield* this.open()
      const lost = yield* this.catchUp()
      if (lost) {
        this.begin()
        yield* this.catchUp()
      }
      if (this.isDue()) this.writer.behind([this])
      this.published ??= { state: Projection.publish(this.draft) }
      return this.published.state
    })
  }

  private open(): Effect.Effect<void> {
    const { name } = this.projection
    return Effect.suspend(() => this.storage.snapshots.load(name, [allStreams])).pipe(
      Effect.catchCause((cause) => {
        this.around.report({ stream: allStreams, projection: name, cause: Cause.squash(cause) })
        return Effect.succeed([])
      }),
      Effect.map(([stored]) => {
        this.isOpen = true
        if (stored === undefined) return
        const opened = openSnapshot(this.checkpoint, allStreams, stored)
        if (opened === undefined) return this.upkeep.found(undefined)
        this.upkeep.found({ events: stored.cursor.seq, size: stored.state.length })
        this.draft = opened.state.state
        this.events = stored.cursor.seq
        for (const [stream, epoch, seq] of opened.state.cursors) this.cursors.set(stream, { epoch, seq })
      })
    )
  }

  /** Begins anew: what was folded is not what is stored. */
  private begin(): void {
    this.upkeep.begin()
    this.draft = this.projection.initial()
    this.published = undefined
    this.cursors.clear()
    this.events = 0
  }

  /** Reads what is new, of the streams that moved. True when some of what was folded is gone. */
  private catchUp(): Effect.Effect<boolean, StorageError | Damaged> {
    return Effect.gen({ self: this }, function* () {
      const heads = yield* this.storage.heads({})
      const there = new Set(heads.map(({ stream }) => stream))
      for (const stream of this.cursors.keys()) if (!there.has(stream)) return true
      const moved = heads.filter(({ cursor, stream }) => !sameCursor(this.cursors.get(stream), cursor))
      const onProgress = (progress: Progress): void => {
        for (const watch of this.watchers) watch(progress)
      }
      if (moved.length === 0) {
        onProgress({ done: 0, total: 0, unit: "events" })
        return false
      }
      const after = new Map<string, Cursor>()
      for (const { stream } of moved) {
        const cursor = this.cursors.get(stream)
        if (cursor !== undefined) after.set(stream, cursor)
      }
      const query: Query = {
        streams: moved.map(({ stream }) => stream),
        ...(after.size === 0 ? {} : { after }),
        onProgress
      }
      let lost = false
      yield* Stream.runForEach(this.storage.query(query), (batch) =>
        Effect.sync(() => {
          if (batch.resync !== undefined) lost = true
          else this.take(batch)
        })
      )
      return lost
    })
  }

  private take({ events, last, stream }: Batch): void {
    if (last === undefined || sameCursor(last, this.cursors.get(stream))) return
    const decoded: Array<EventSet.Stored<E>> = []
    let size = 0
    for (const event of events) {
      size += event.data.length
      if (!Projection.passesBy(this.projection, event.type)) decoded.push(this.around.decode(event))
    }
    try {
      this.draft = Projection.apply(this.projection, this.draft, decoded)
    } catch (error) {
      this.begin()
      throw error
    }
    this.upkeep.grew(events.length, size)
    this.events += events.length
    this.cursors.set(stream, last)
    this.published = undefined
  }
}

/** The states of a log's projections over all streams. */
export class OverAll<E extends EventSet.Any> {
  private readonly storage: StorageService
  private readonly around: Projecting<E>
  private readonly writer: SnapshotWriter
  private readonly all = new Map<Projection.Projection<E, any>, AllStreams<E, any>>()

  constructor(storage: StorageService, around: Projecting<E>, writer: SnapshotWriter) {
    this.storage = storage
    this.around = around
    this.writer = writer
  }

  state<S>(
    projection: Projection.Projection<E, S>,
    query: AllStreamsQuery
  ): Effect.Effect<S, StorageError | Damaged> {
    let one = this.all.get(projection) as AllStreams<E, S> | undefined
    if (one === undefined) {
      one = new AllStreams(projection, this.storage, this.around, this.writer)
      this.all.set(projection, one)
    }
    return one.state(query)
  }

  /** Saves what pays to be saved: the last occasion. */
  close(): void {
    this.writer.behind([...this.all.values()].filter((one) => one.isDue(true)))
  }
}
