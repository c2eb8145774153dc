/**
 * The log: what an application writes to and reads from. Every ask of one log sees what it recorded before (law O5).
 */
import { Deferred, Effect, Exit, type Scope, Stream } from "effect"
import { byStream } from "./ByStream.ts"
import {
  type AppendError,
  type Busy,
  type CopyFailed,
  CursorLost,
  type DecisionFailed,
  InvalidName,
  InvalidOption,
  type InvalidState,
  LogClosed,
  OpenFailed,
  QueueFull,
  type ReadError,
  StreamNotFound,
  Unsupported
} from "./Errors.ts"
import * as EventSet from "./EventSet.ts"
import {
  type Appended,
  type Batch as StoredBatch,
  type Group,
  type Head,
  LogStorage,
  type Outcome,
  type Selection,
  type StorageService,
  type StoredEvent,
  type Supports
} from "./LogStorage.ts"
import {
  type Batch,
  type ByStreamQuery,
  flattenBatches,
  type Query,
  readBatches,
  type ReadOptions,
  type StreamAnswer
} from "./LogQuery.ts"
import { checkAppend, checkLog, checkQuery, checkSelection } from "./Options.ts"
import type { Projection } from "./Projection.ts"
import { type AllStreamsQuery, OverAll } from "./AllStreams.ts"
import { attention } from "./Attention.ts"
import { type Copied, copy, type CopyOptions, type Target } from "./Copy.ts"
import { type Decided, decide, type DecideOptions, DecisionTurns } from "./Decision.ts"
import { checkFollow, follow } from "./Follow.ts"
import type { Following } from "./Follower.ts"
import type { Fork, Start } from "./Fork.ts"
import { type Failure, guarded, type Notification, tell } from "./Listeners.ts"
import type { LiveSource } from "./LiveSource.ts"
import type { Unrecognized } from "./LogEvent.ts"
import { Moves, type MovesOptions } from "./Moves.ts"
import { type AppendOptions, errorOf, type Receipt } from "./Receipt.ts"
import { type SnapshotFailure, SnapshotWriter } from "./SnapshotWriter.ts"
import type { Folded } from "./Folding.ts"
import {
  type Projecting,
  States,
  type StatesOptions,
  type StatesQuery,
  type StatesSelection
} from "./States.ts"
import { startTimeout } from "./Timer.ts"
import type { View } from "./View.ts"
import type { ViewAll } from "./ViewAll.ts"
import { Views } from "./Views.ts"
import { Writer, type WriterOptions } from "./Writer.ts"

/** What a log is opened with. */
export interface LogOptions<E extends EventSet.Any> extends WriterOptions, StatesOptions, MovesOptions {
  readonly events: E
  /** Refuse a storage that promises less. By default any will do, and receipts tell what was reached. */
  readonly durability?: Supports["durability"]
  /** Told of every stored event that is read and that no definition can read. It is passed by, and stays as it is. */
  readonly onUnrecognized?: (event: Unrecognized) => void
}

/** Where copies come in: not for users, whose events are checked. */
const receiving: unique symbol = Symbol("@varve/core/Log/receiving")

/** A log of one event set over one storage. */
export interface Log<E extends EventSet.Any> extends LiveSource<E> {
  /**
   * Takes an event without waiting: it is written with its neighbours at the next tick, or at once if it is a barrier.
   * Answers false above the high-water mark (wait for `flush`). Throws `QueueFull` at the hard limit, `InvalidName`,
   * `InvalidEvent` for an unknown type, `LogClosed`; then it wasn't taken. What fails later rejects the stream's next
   * append or flush with `RecordFailed`, and is told to `onFailure`.
   */
  readonly record: (stream: string, event: EventSet.New<E>) => boolean

  /** Writes events as one group, wholly or not at all, behind what was recorded, and waits for the receipt. */
  readonly append: (
    stream: string,
    events: EventSet.Appendable<E> | ReadonlyArray<EventSet.Appendable<E>>,
    options?: AppendOptions
  ) => Effect.Effect<Receipt, AppendError>

  /** Sets attributes of a stream that exists; it may be sealed. Moves no seq. */
  readonly label: (
    stream: string,
    attributes: Readonly<Record<string, string>>
  ) => Effect.Effect<Head, AppendError | StreamNotFound>

  /** Settles what was recorded before, of one stream or all. */
  readonly flush: (stream?: string) => Effect.Effect<void, AppendError>

  /**
   * Settles what was recorded before, of all streams, before it returns: for exit and signal handlers. Answers the
   * streams of which something is not known to be stored: it failed, or an asynchronous write is under way. Throws `Unsupported` on
   * storages that cannot write synchronously.
   */
  readonly flushSync: () => ReadonlyArray<string>

  /** The events of one stream. */
  readonly read: (
    stream: string,
    options?: ReadOptions<E>
  ) => Stream.Stream<EventSet.Stored<E>, ReadError | CursorLost>

  /** One pass over any number of streams, batch by batch. */
  readonly query: (query?: Query<E>) => Stream.Stream<Batch<E>, ReadError>

  /**
   * The same pass, stream by stream, in order of name.
   *
   * ```ts
   * yield* Stream.runForEach(log.queryByStream({ since }), ({ stream, events }) => Stream.runForEach(events, count))
   * ```
   */
  readonly queryByStream: (query?: ByStreamQuery<E>) => Stream.Stream<StreamAnswer<E>, ReadError>

  /**
   * A projection's state of one stream, now: its newest good snapshot plus the tail behind it, or, where nothing is new,
   * no event read at all. Concurrent asks fold once. The state never changes; asked again, it is the same object until
   * there is something new.
   */
  readonly state: <S>(stream: string, projection: Projection<E, S>) => Effect.Effect<S, ReadError>

  /** The states of many streams, by name: one query for snapshots, one pass over the tails. */
  readonly states: <S>(
    selection: StatesSelection,
    projection: Projection<E, S>,
    options?: StatesQuery
  ) => Effect.Effect<ReadonlyMap<string, S>, ReadError>

  /**
   * The state of a projection over all streams, now. Reads what is new since its checkpoint. Its handlers must not
   * depend on the order between streams.
   */
  readonly stateOfAll: <S>(
    projection: Projection<E, S>,
    options?: AllStreamsQuery
  ) => Effect.Effect<S, ReadError>

  /** Saves a projection's state of one stream now. The log does it by itself when it pays, on seals and on closing. */
  readonly snapshot: <S>(
    stream: string,
    projection: Projection<E, S>
  ) => Effect.Effect<void, ReadError | InvalidState>

  /**
   * Appends what `choose` makes of the state, if nobody wrote in between; else it chooses again from the new state. Answers
   * nothing when it chose nothing. `choose` must have no effects of its own: it may run many times.
   */
  readonly decide: <S>(
    stream: string,
    projection: Projection<E, S>,
    choose: (state: S) => Decided<E>,
    options?: DecideOptions
  ) => Effect.Effect<Receipt | undefined, AppendError | ReadError | DecisionFailed>

  /**
   * Copies a stream, or its beginning, to another, of this log or of `target`: events as they are stored, or as `map` makes
   * them, ids, seal and attributes. Again, it goes on where it was cut off: what fails when something is stored already is
   * `CopyFailed`, which tells how far it came.
   */
  readonly copy: (
    from: string,
    to: string,
    options?: CopyOptions<E> & { readonly target?: Log<any> }
  ) => Effect.Effect<Copied, AppendError | ReadError | StreamNotFound | CopyFailed>

  /** How many stored events were read so far that no definition can read. */
  readonly unrecognized: () => number

  /** Heads of the streams that exist, by name. Reads no events. */
  readonly heads: (selection?: Selection) => Effect.Effect<ReadonlyArray<Head>, ReadError>

  /** The head of one stream; `undefined` when it doesn't exist. */
  readonly head: (stream: string) => Effect.Effect<Head | undefined, ReadError>

  /** Deletes a stream for good, with its snapshots. False when it didn't exist. */
  readonly remove: (stream: string) => Effect.Effect<boolean, ReadError | Busy>

  /** Lets another process write a stream, behind what was recorded. The next append here takes it again. */
  readonly release: (stream: string) => Effect.Effect<void, InvalidName | LogClosed>

  /** Makes everything recorded and appended so far survive power loss, where the storage can. */
  readonly sync: Effect.Effect<void, AppendError | ReadError>

  /**
   * Tells of every group as this log stores it, once, and of volatile events. A group of a copy is told by its `head`
   * alone, without events: whoever needs them follows or reads the stream. Answers how to stop.
   */
  readonly listen: (
    listener: (notification: Notification<EventSet.Known<E>, EventSet.Volatile<E>>) => void
  ) => () => void

  /**
   * A live projection of one stream, at once: `loading` at first. Callers of the same stream and projection share it; it
   * is kept up while somebody is subscribed, and 5 s longer. Fits `useSyncExternalStore`.
   */
  readonly view: <S>(stream: string, projection: Projection<E, S>) => View<S>

  /** A live projection of every stream, by name: a list of sessions, or what is pending. Holds all their states. */
  readonly viewAll: <S>(projection: Projection<E, S>) => ViewAll<S>

  /** Takes nothing more and settles what was taken. A scope does it too; again, it answers the same. */
  readonly close: Effect.Effect<void, AppendError>

  /** The storage below: what it `supports`, and its `counters`. */
  readonly storage: StorageService

  readonly [receiving]: (stream: string) => Target
}

/** Opens a log over the storage in context. It is closed with its scope. */
export const make = Effect.fnUntraced(function* <E extends EventSet.Any>(
  options: LogOptions<E>
): Effect.fn.Return<Log<E>, OpenFailed | InvalidOption, LogStorage | Scope.Scope> {
  yield* Effect.try({ try: () => checkLog(options), catch: (error) => error as InvalidOption })
  const set = options.events
  const storage = yield* LogStorage
  const context = yield* Effect.context<never>()
  const ranks = ["none", "process", "power"] as const
  const { durability = "none" } = options
  if (ranks.indexOf(storage.supports.durability) < ranks.indexOf(durability)) {
    const problem = `This storage's events survive ${storage.supports.durability} loss, and ${durability} is asked for. Take another storage, or ask for less.`
    return yield* new OpenFailed({ reason: "unsupported", problem })
  }
  const fork = Effect.runForkWith(context)
  const start: Start = (effect, onExit) => {
    const fiber = fork(effect)
    fiber.addObserver(onExit)
    return () => fiber.interruptUnsafe()
  }
  const forkTo: Fork = (effect, onExit) => void fork(effect).addObserver(onExit)
  const report = guarded(
    options.onListenerError ?? ((error) => void fork(Effect.logError("A listener of the log failed", error)))
  )
  const logFailure = ({ cause, events, stream }: Failure): void => {
    const told = { stream, events: events.length, cause: (cause as AppendError)._tag }
    void fork(Effect.logError("Recorded events could not be stored", told))
  }
  const { onFailure = logFailure } = options
  const failed = (failure: Failure): void => tell(report, () => onFailure(failure))
  const sealed = (stream: string): void => states.sealed(stream)
  const writer = new Writer(set, storage, { failed, fork: forkTo, report, sealed }, options)

  /** Waits for the writer's answer. What it throws up front becomes a typed failure, one that `Err` holds. */
  const ask = <A, Err>(start: (resume: (exit: Exit.Exit<A, Err>) => void) => void): Effect.Effect<A, Err> =>
    Effect.callback((resume) => {
      try {
        start(resume)
      } catch (error) {
        resume(isRefusal(error) ? Effect.fail(error as Err) : Effect.die(error))
      }
    })

  /** What was recorded before is settled (law O5); what is asked makes sense. */
  const settled = (check: () => void, streams?: ReadonlyArray<string>) =>
    ask<void, ReadError>((resume) => {
      check()
      writer.settled(streams, () => resume(Exit.void))
    })

  const append: Log<E>["append"] = (stream, events, asked = {}) =>
    ask<Receipt, AppendError>((resume) =>
      writer.append(
        stream,
        Array.isArray(events) ? events : [events as EventSet.Appendable<E>],
        asked,
        resume
      )
    )

  let unrecognized = 0
  const decodeEvent = (stored: StoredEvent): EventSet.Stored<E> => {
    const event: EventSet.Stored<E> = EventSet.decode(set, stored)
    if (event.type === "varve/Unrecognized") {
      unrecognized++
      tell(report, () => options.onUnrecognized?.(event as Unrecognized))
    }
    return event
  }

  const decode = (batch: StoredBatch): Batch<E> => ({ ...batch, events: batch.events.map(decodeEvent) })

  const logSnapshotFailure = ({ cause, ...rest }: SnapshotFailure): void =>
    void fork(Effect.logWarning("A snapshot could not be used or saved", rest, cause))
  const { onSnapshotFailure = logSnapshotFailure } = options
  const around: Projecting<E> = {
    fork: forkTo,
    decode: decodeEvent,
    report: (failure) => tell(report, () => onSnapshotFailure(failure))
  }
  const snapshots = new SnapshotWriter(storage, around.fork, around.report)
  const states = new States(storage, around, snapshots, options)
  const overAll = new OverAll(storage, around, snapshots)
  const turns = new DecisionTurns()
  const { setTimer = startTimeout } = options
  const moves = new Moves({ storage, listeners: writer.listeners, start, setTimer }, options)
  const following: Following<E> = { storage, moves, decode: decodeEvent }

  const query: Log<E>["query"] = (asked = {}) =>
    Stream.unwrap(
      Effect.map(
        settled(() => checkQuery(asked, storage.supports), asked.streams),
        () => Stream.map(storage.query(asked), decode)
      )
    )

  const read: Log<E>["read"] = (stream, options) => flattenBatches(readBatches(query, stream, options))

  const settledOne = (stream: string) => settled(() => checkSelection({ streams: [stream] }), [stream])

  const folded = <S>(stream: string, projection: Projection<E, S>): Effect.Effect<Folded<S>, ReadError> =>
    Effect.andThen(settledOne(stream), states.state(stream, projection))

  const views = new Views<E>({
    following,
    moves,
    state: folded,
    follow: (selection, projection, foldings) =>
      Effect.andThen(
        settled(() => undefined, selection.streams),
        states.follow(selection, projection, foldings)
      ),
    start,
    setTimer,
    // Where plain events wait for a flush, what is flushed is told all the same.
    tick: options.tick === Infinity ? 0 : (options.tick ?? 16),
    report
  })

  /** Stores a group of a copy in its place in the stream's line. */
  const receive = (stream: string): Target => ({
    stream,
    limits: storage.limits,
    receive: (group) =>
      ask<Appended, AppendError>((resume) => {
        const full: Group = { ...group, stream, sameContent: EventSet.sameContent(set) }
        const store = Effect.suspend(() => storage.append([full]))
        writer.call(stream, store, (exit) => {
          const failed: Outcome = { _tag: "Failed", reached: "unknown", cause: exit }
          const outcome = (Exit.isSuccess(exit) ? exit.value[0] : undefined) ?? failed
          if (outcome._tag !== "Appended") return resume(Exit.fail(errorOf(stream, outcome)))
          const { duplicates, head } = outcome
          // Whoever follows the stream reads them: they were not decoded.
          if (group.events.length === 0 || duplicates.length < group.events.length)
            writer.listeners.tell({ stream, events: [], volatile: [], head })
          resume(Exit.succeed(outcome))
        })
      })
  })

  const heads: Log<E>["heads"] = (selection = {}) =>
    Effect.andThen(
      settled(() => checkSelection(selection), selection.streams),
      Effect.suspend(() => storage.heads(selection))
    )

  const flush: Log<E>["flush"] = (stream) => ask<void, AppendError>((resume) => writer.flush(stream, resume))

  // Begun once and never taken back: whoever stops waiting for it doesn't stop it.
  const closed = Deferred.makeUnsafe<void, AppendError>()
  let closing = false
  const close: Log<E>["close"] = Effect.suspend(() => {
    if (!closing) {
      writer.close((exit) => {
        views.close()
        moves.close()
        const saved = Effect.andThen(
          states.close,
          Effect.suspend(() => {
            overAll.close()
            return snapshots.close
          })
        )
        forkTo(saved, () => void Deferred.doneUnsafe(closed, exit))
      })
    }
    closing = true
    return Deferred.await(closed)
  })
  yield* Effect.addFinalizer(() => {
    // Whoever closed it is told.
    if (closing) return Effect.ignore(close)
    const logged = Effect.tapError(close, ({ message }) =>
      Effect.logError("The log is closed, and not all of it is stored", message)
    )
    return Effect.ignore(logged)
  })

  return {
    record: (stream, event) => writer.record(stream, event),
    append,
    label: (stream, attributes) =>
      ask<Receipt, AppendError>((resume) =>
        writer.append(stream, [], { attributes, expected: "exists" }, resume)
      ).pipe(
        Effect.map((receipt) => receipt.head!),
        Effect.catchTag("Conflict", () => Effect.fail(new StreamNotFound({ stream })))
      ),
    flush,
    flushSync: () => writer.flushSync(),
    read,
    query,
    queryByStream: (asked) =>
      Stream.map(byStream(query(asked)), ({ batches, ...answer }) => ({
        ...answer,
        events: flattenBatches(batches)
      })),
    state: (stream, projection) => Effect.map(folded(stream, projection), ({ state }) => state),
    states: (selection, projection, asked = {}) =>
      Effect.andThen(
        settled(() => checkQuery(selection, storage.supports), selection.streams),
        states.states(selection, projection, asked)
      ),
    stateOfAll: (projection, asked = {}) =>
      Effect.andThen(
        settled(() => undefined),
        overAll.state(projection, asked)
      ),
    snapshot: (stream, projection) => Effect.andThen(settledOne(stream), states.snapshot(stream, projection)),
    decide: (stream, projection, choose, asked = {}) =>
      turns.take(
        stream,
        decide(
          {
            stream,
            state: folded(stream, projection),
            append: (events, appendOptions) => append(stream, events, appendOptions)
          },
          choose,
          asked
        )
      ),
    copy: (from, to, { target, ...asked } = {}) =>
      Effect.andThen(
        settled(() => {
          checkSelection({ streams: [from] })
          checkAppend(asked)
        }, [from]),
        Effect.suspend(() =>
          copy(
            { set, storage, decode: decodeEvent },
            from,
            target === undefined ? receive(to) : target[receiving](to),
            asked
          )
        )
      ),
    unrecognized: () => unrecognized,
    heads,
    head: (stream) => Effect.map(heads({ streams: [stream] }), (found) => found[0]),
    remove: (stream) =>
      Effect.tap(
        ask<boolean, ReadError | Busy>((resume) => writer.call(stream, storage.remove(stream), resume)),
        () => Effect.sync(() => moves.look(stream))
      ),
    release: (stream) =>
      ask<void, InvalidName | LogClosed>((resume) =>
        writer.call(
          stream,
          Effect.suspend(() => storage.release(stream)),
          resume
        )
      ),
    sync: Effect.andThen(
      settled(() => undefined),
      Effect.andThen(
        Effect.suspend(() => storage.sync),
        flush()
      )
    ),
    follow: (stream, asked = {}) =>
      follow(
        following,
        settled(() => {
          checkSelection({ streams: [stream] })
          checkFollow(asked)
        }, [stream]),
        stream,
        asked
      ),
    stateWithCursor: folded,
    attention: ({ after } = {}) =>
      attention(
        following,
        set,
        settled(() => undefined),
        after
      ),
    view: (stream, projection) => {
      checkSelection({ streams: [stream] })
      return views.view(stream, projection)
    },
    viewAll: (projection) => views.viewAll(projection),
    listen: (listener) => writer.listeners.add(listener as unknown as (notification: Notification) => void),
    close,
    storage,
    [receiving]: receive
  }
})

/** What is refused before it is taken. */
const isRefusal = (error: unknown): boolean =>
  [InvalidName, InvalidOption, QueueFull, Unsupported, LogClosed].some((refusal) => error instanceof refusal)
