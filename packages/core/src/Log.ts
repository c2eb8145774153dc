/**
 * The log: what an application writes to and reads from. Every ask of one log sees what it recorded before (law O5).
 */
import { Deferred, Effect, Exit, type Scope, Stream } from "effect"
import { byStream } from "./ByStream.ts"
import {
  type AppendError,
  type Busy,
  CursorLost,
  InvalidName,
  InvalidOption,
  LogClosed,
  OpenFailed,
  QueueFull,
  type ReadError,
  StreamNotFound,
  Unsupported
} from "./Errors.ts"
import * as EventSet from "./EventSet.ts"
import {
  type Batch as StoredBatch,
  type Head,
  LogStorage,
  type Selection,
  type StorageService,
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
import { checkQuery, checkSelection } from "./Options.ts"
import * as Projection from "./Projection.ts"
import type { Notification } from "./Listeners.ts"
import type { AppendOptions, Receipt } from "./Receipt.ts"
import { Writer, type WriterOptions } from "./Writer.ts"

/** What a log is opened with. */
export interface LogOptions<E extends EventSet.Any> extends WriterOptions {
  readonly events: E
  /** Refuse a storage that promises less. By default any will do, and receipts tell what was reached. */
  readonly durability?: Supports["durability"]
}

/** A log of one event set over one storage. */
export interface Log<E extends EventSet.Any> {
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
   * streams that could not be settled because an asynchronous write of theirs is under way. Throws `Unsupported` on
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

  /** A projection's state of one stream, now. */
  readonly state: <S>(stream: string, projection: Projection.Projection<E, S>) => Effect.Effect<S, ReadError>

  /** Heads of the streams that exist, by name. Reads no events. */
  readonly heads: (selection?: Selection) => Effect.Effect<ReadonlyArray<Head>, ReadError>

  /** The head of one stream; `undefined` when it doesn't exist. */
  readonly head: (stream: string) => Effect.Effect<Head | undefined, ReadError>

  /** Deletes a stream for good, with its snapshots. False when it didn't exist. */
  readonly remove: (stream: string) => Effect.Effect<boolean, ReadError | Busy>

  /** Makes everything recorded and appended so far survive power loss, where the storage can. */
  readonly sync: Effect.Effect<void, AppendError | ReadError>

  /** Tells of every group as it is stored, once, and of volatile events. Answers how to stop. */
  readonly listen: (
    listener: (notification: Notification<EventSet.Known<E>, EventSet.Volatile<E>>) => void
  ) => () => void

  /** Takes nothing more and settles what was taken. A scope does it too; again, it answers the same. */
  readonly close: Effect.Effect<void, AppendError>

  readonly storage: StorageService
}

/** Opens a log over the storage in context. It is closed with its scope. */
export const make = Effect.fnUntraced(function* <E extends EventSet.Any>(
  options: LogOptions<E>
): Effect.fn.Return<Log<E>, OpenFailed, LogStorage | Scope.Scope> {
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
  const writer = new Writer(
    set,
    storage,
    {
      fork: (effect, onExit) => void fork(effect).addObserver(onExit),
      report:
        options.onListenerError ??
        ((error) => void fork(Effect.logError("A listener of the log failed", error)))
    },
    options
  )

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

  const decode = (batch: StoredBatch): Batch<E> => ({
    ...batch,
    events: batch.events.map((event) => EventSet.decode(set, event))
  })

  const query: Log<E>["query"] = (asked = {}) =>
    Stream.unwrap(
      Effect.map(
        settled(() => checkQuery(asked, storage.supports), asked.streams),
        () => Stream.map(storage.query(asked), decode)
      )
    )

  const read: Log<E>["read"] = (stream, options) => flattenBatches(readBatches(query, stream, options))

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
    if (!closing) writer.close((exit) => void Deferred.doneUnsafe(closed, exit))
    closing = true
    return Deferred.await(closed)
  })
  yield* Effect.addFinalizer(() => Effect.ignore(close))

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
    state: (stream, projection) =>
      Stream.runFold(query({ streams: [stream] }), projection.initial, (state, batch) =>
        Projection.apply(projection, state, batch.events)
      ),
    heads,
    head: (stream) => Effect.map(heads({ streams: [stream] }), (found) => found[0]),
    remove: (stream) =>
      ask<boolean, ReadError | Busy>((resume) => writer.call(stream, storage.remove(stream), resume)),
    sync: Effect.andThen(
      settled(() => undefined),
      Effect.andThen(
        Effect.suspend(() => storage.sync),
        flush()
      )
    ),
    listen: (listener) => writer.listeners.add(listener as unknown as (notification: Notification) => void),
    close,
    storage
  }
})

/** What is refused before it is taken. */
const isRefusal = (error: unknown): boolean =>
  [InvalidName, InvalidOption, QueueFull, Unsupported, LogClosed].some((refusal) => error instanceof refusal)
