/**
 * States of projections, kept near: the newest good snapshot plus the tail behind it, folded once however many ask.
 *
 * - **Heads first.** A head costs no event. Where a state stands at the head nothing is scanned, in this process and,
 *   by its snapshot, in the next (law N5). Anywhere else the tail is read, so nothing is answered that a new event could
 *   change.
 * - **The storage judges cursors.** A tail is asked for `after` the state's cursor; a resync says that the history it was
 *   folded from is gone, and the fold begins anew (law N4).
 * - **Snapshots are written behind** the answers, when they pay (law N7).
 */
import { Cause, Deferred, Effect, Stream } from "effect"
import { type Cursor, sameCursor } from "./Cursor.ts"
import type { Damaged, InvalidState, StorageError } from "./Errors.ts"
import type * as EventSet from "./EventSet.ts"
import { type Folded, Folding } from "./Folding.ts"
import type { Fork } from "./Fork.ts"
import type { Batch, Head, Progress, Query, Selection, StorageService, StoredEvent } from "./LogStorage.ts"
import type { Projection } from "./Projection.ts"
import { hasAttributes } from "./Scan.ts"
import { allStreams } from "./Snapshot.ts"
import { SingleFlight } from "./SingleFlight.ts"
import type { SnapshotWriter, SnapshotFailure } from "./SnapshotWriter.ts"

/** How a log keeps the states of projections. */
export interface StatesOptions {
  /** How many states of streams are kept in memory, the most recently used. 64 by default. */
  readonly statesInMemory?: number
  /** Told of every snapshot that could not be saved or loaded. Logged by default. */
  readonly onSnapshotFailure?: (failure: SnapshotFailure) => void
}

/** Streams whose states are asked for: these, by prefix, by attributes, or all. */
export type StatesSelection = Selection & Pick<Query, "attributes">

/** How the states of many streams are asked for. */
export interface StatesQuery {
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/** What states need of their log. */
export interface Projecting<E extends EventSet.Any> {
  readonly fork: Fork
  readonly decode: (stored: StoredEvent) => EventSet.Stored<E>
  /** Told what could not be saved. */
  readonly report: (failure: SnapshotFailure) => void
}

type Failure = StorageError | Damaged

/** A state in memory. */
interface Entry<E extends EventSet.Any, S> {
  readonly folding: Folding<E, S>
  readonly flight: SingleFlight<Folded<S>, Failure>
}

/** Snapshots saved in one call, at most. */
const savesAtOnce = 64

export class States<E extends EventSet.Any> {
  private readonly writer: SnapshotWriter
  private readonly storage: StorageService
  private readonly around: Projecting<E>
  private readonly most: number
  /** By projection and stream, the least recently used first. */
  private readonly entries = new Map<string, Entry<E, any>>()
  /** Projections are told apart as the objects they are: two may have one name by mistake. */
  private readonly numbers = new WeakMap<object, number>()
  private projections = 0
  /** States being folded to the seal of their stream, each done when it is there. */
  private readonly sealing = new Set<Deferred.Deferred<void>>()

  constructor(
    storage: StorageService,
    around: Projecting<E>,
    writer: SnapshotWriter,
    { statesInMemory = 64 }: StatesOptions
  ) {
    this.storage = storage
    this.around = around
    this.writer = writer
    this.most = statesInMemory
  }

  /** A projection's state of one stream, and its place. */
  state<S>(stream: string, projection: Projection<E, S>): Effect.Effect<Folded<S>, Failure> {
    return Effect.suspend(() => this.entry(stream, projection).flight.ask)
  }

  /** The states of the selected streams, by name: one query for snapshots, one pass over the tails. */
  states<S>(
    selection: StatesSelection,
    projection: Projection<E, S>,
    { onProgress }: StatesQuery
  ): Effect.Effect<ReadonlyMap<string, S>, Failure> {
    return Effect.gen({ self: this }, function* () {
      const heads = (yield* this.storage.heads(selection)).filter((head) => hasAttributes(selection, head))
      const answers = new Map<string, S>()
      const foldings = new Map<string, Folding<E, S>>()
      for (const { cursor, stream } of heads) {
        const near = this.entries.get(this.key(stream, projection))
        // A state that is being folded belongs to whoever folds it.
        if (near?.flight.isIdle === true && sameCursor(near.folding.cursor, cursor)) {
          answers.set(stream, near.folding.answer().state)
        } else {
          foldings.set(stream, new Folding(projection, stream, this.around.decode))
        }
      }
      // Of so many nothing stays in memory: this is the last occasion to save them.
      yield* this.bringUp(heads, foldings, true, onProgress)
      for (const [stream, folding] of foldings) answers.set(stream, folding.answer().state)
      return new Map(heads.map(({ stream }) => [stream, answers.get(stream)!]))
    })
  }

  /**
   * Brings the states of these streams to their heads, whoever holds them; streams that are new get one. Answers the
   * names that exist.
   */
  follow<S>(
    selection: StatesSelection,
    projection: Projection<E, S>,
    foldings: Map<string, Folding<E, S>>
  ): Effect.Effect<ReadonlySet<string>, Failure> {
    return Effect.gen({ self: this }, function* () {
      const heads = yield* this.storage.heads(selection)
      const chosen = new Map<string, Folding<E, S>>()
      for (const { stream } of heads) {
        let folding = foldings.get(stream)
        if (folding === undefined)
          foldings.set(stream, (folding = new Folding(projection, stream, this.around.decode)))
        chosen.set(stream, folding)
      }
      yield* this.bringUp(heads, chosen, false)
      return new Set(chosen.keys())
    })
  }

  /** Brings states to the heads of their streams: one query for snapshots, one pass over the tails. */
  private bringUp(
    heads: ReadonlyArray<Head>,
    foldings: ReadonlyMap<string, Folding<E, any>>,
    last: boolean,
    onProgress?: (progress: Progress) => void
  ): Effect.Effect<void, Failure> {
    return Effect.gen({ self: this }, function* () {
      const all = [...foldings.values()]
      yield* this.open(all.filter((folding) => !folding.isOpen))
      const behind = heads.flatMap(({ cursor, stream }) => {
        const folding = foldings.get(stream)
        return folding === undefined || sameCursor(folding.cursor, cursor) ? [] : [folding]
      })
      if (behind.length === 0) onProgress?.({ done: 0, total: 0, unit: "events" })
      const lost = yield* this.catchUp(behind, onProgress)
      yield* this.catchUp(lost, onProgress)
      for (const { sealed, stream } of heads) {
        const folding = foldings.get(stream)
        if (folding !== undefined) folding.sealed = sealed
      }
      this.save(all, last)
    })
  }

  /** Saves a state now: on demand. */
  snapshot<S>(stream: string, projection: Projection<E, S>): Effect.Effect<void, Failure | InvalidState> {
    return Effect.gen({ self: this }, function* () {
      const { folding, flight } = this.entry(stream, projection)
      yield* flight.ask
      const made = yield* Effect.try({
        try: () => folding.snapshot(),
        catch: (error) => error as InvalidState
      })
      if (made === undefined) return
      yield* this.storage.snapshots.save([made.snapshot])
      made.done()
    })
  }

  /** Folds the states in memory of a stream to its seal, and stores them: no other process will have to. */
  sealed(stream: string): void {
    for (const { flight, folding } of this.entries.values()) {
      if (folding.stream !== stream) continue
      const done = Deferred.makeUnsafe<void>()
      this.sealing.add(done)
      this.around.fork(flight.ask, () => {
        this.sealing.delete(done)
        Deferred.doneUnsafe(done, Effect.void)
      })
    }
  }

  /** Saves what pays to be saved: the last occasion. */
  readonly close: Effect.Effect<void> = Effect.suspend(() =>
    Effect.map(
      Effect.forEach([...this.sealing], (done) => Deferred.await(done), { discard: true }),
      () =>
        this.save(
          Array.from(this.entries.values(), ({ folding }) => folding),
          true
        )
    )
  )

  private entry<S>(stream: string, projection: Projection<E, S>): Entry<E, S> {
    const key = this.key(stream, projection)
    let entry = this.entries.get(key)
    if (entry === undefined) {
      const folding = new Folding(projection, stream, this.around.decode)
      entry = { folding, flight: new SingleFlight(this.refresh(folding), this.around.fork) }
    }
    this.entries.delete(key)
    this.entries.set(key, entry)
    if (this.entries.size > this.most) this.evict(key)
    return entry
  }

  /** Lets go of the least recently used state that nobody waits for. */
  private evict(but: string): void {
    for (const [key, { flight, folding }] of this.entries) {
      if (key === but || !flight.isIdle) continue
      this.entries.delete(key)
      this.save([folding], true)
      return
    }
  }

  private key(stream: string, projection: Projection<E, any>): string {
    let number = this.numbers.get(projection)
    if (number === undefined) this.numbers.set(projection, (number = this.projections++))
    return `${number} ${stream}`
  }

  /** Brings a state to the stream's head. */
  private refresh<S>(folding: Folding<E, S>): Effect.Effect<Folded<S>, Failure> {
    return Effect.gen({ self: this }, function* () {
      const [head] = yield* this.storage.heads({ streams: [folding.stream] })
      if (head === undefined) {
        if (folding.cursor !== undefined) folding.reset()
        return folding.answer()
      }
      if (!folding.isOpen) yield* this.open([folding])
      if (!sameCursor(folding.cursor, head.cursor)) {
        const lost = yield* this.catchUp([folding])
        yield* this.catchUp(lost)
      }
      folding.sealed = head.sealed
      this.save([folding])
      return folding.answer()
    })
  }

  /** Looks for stored states to begin with. What cannot be loaded is folded. */
  private open(foldings: ReadonlyArray<Folding<E, any>>): Effect.Effect<void> {
    const [first] = foldings
    if (first === undefined) return Effect.void
    const { name } = first.projection
    const names = foldings.map(({ stream }) => stream)
    const load = Effect.suspend(() => this.storage.snapshots.load(name, names))
    return Effect.andThen(this.writer.settled(foldings), load).pipe(
      Effect.catchCause((cause) => {
        const stream = foldings.length === 1 ? first.stream : allStreams
        this.around.report({ stream, projection: name, cause: Cause.squash(cause) })
        return Effect.succeed([])
      }),
      Effect.map((all) => {
        const stored = new Map(all.map((one) => [one.stream, one]))
        for (const folding of foldings) folding.open(stored.get(folding.stream))
      })
    )
  }

  /** Reads the tails, in one pass. Answers those whose history is gone: they are begun anew, and must be read again. */
  private catchUp(
    foldings: ReadonlyArray<Folding<E, any>>,
    onProgress?: (progress: Progress) => void
  ): Effect.Effect<ReadonlyArray<Folding<E, any>>, Failure> {
    if (foldings.length === 0) return Effect.succeed([])
    const byName = new Map(foldings.map((folding) => [folding.stream, folding]))
    const after = new Map<string, Cursor>()
    for (const { cursor, stream } of foldings) if (cursor !== undefined) after.set(stream, cursor)
    const lost: Array<Folding<E, any>> = []
    const query: Query = {
      streams: [...byName.keys()],
      ...(after.size === 0 ? {} : { after }),
      ...(onProgress === undefined ? {} : { onProgress })
    }
    const take = (batch: Batch): void => {
      const folding = byName.get(batch.stream)!
      if (batch.resync === undefined) return folding.take(batch)
      folding.reset()
      lost.push(folding)
    }
    return Effect.as(
      Stream.runForEach(this.storage.query(query), (batch) => Effect.sync(() => take(batch))),
      lost
    )
  }

  /** `last`: the last occasion. */
  private save(foldings: ReadonlyArray<Folding<E, any>>, last = false): void {
    const due = foldings.filter((folding) => folding.isDue(last))
    for (let i = 0; i < due.length; i += savesAtOnce) this.writer.behind(due.slice(i, i + savesAtOnce))
  }
}
