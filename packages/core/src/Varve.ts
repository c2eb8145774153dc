/** Opens logs: as a service for programs in Effect, and with promises for everybody else. */
import { Context, Effect, Layer, ManagedRuntime, Stream } from "effect"
import type { AllStreamsQuery } from "./AllStreams.ts"
import type { Copied, CopyOptions } from "./Copy.ts"
import type { Decided, DecideOptions } from "./Decision.ts"
import type {
  AppendError,
  Busy,
  CopyFailed,
  CursorLost,
  DecisionFailed,
  InvalidOption,
  InvalidState,
  OpenFailed,
  ReadError,
  StreamNotFound
} from "./Errors.ts"
import type * as EventSet from "./EventSet.ts"
import type { Folded } from "./Folding.ts"
import type { AttentionItem, FollowItem, FollowOptions } from "./LiveSource.ts"
import { byStream } from "./ByStream.ts"
import { flatten } from "./Flatten.ts"
import * as Log from "./Log.ts"
import {
  type Batch,
  type ByStreamQuery,
  type Query,
  readBatches,
  type ReadOptions,
  type StreamAnswer
} from "./LogQuery.ts"
import type { Head, LogStorage, Selection } from "./LogStorage.ts"
import type { Projection } from "./Projection.ts"
import type { AppendOptions, Receipt } from "./Receipt.ts"
import type { StatesQuery, StatesSelection } from "./States.ts"

type LogError = AppendError | ReadError | StreamNotFound | CopyFailed | Busy | InvalidState | DecisionFailed

/**
 * A log as a service class, so that there is one log and one set of caches in a program.
 *
 * ```ts
 * class SessionLog extends Varve.Service<SessionLog>()("app/SessionLog", { events: Session }) {}
 *
 * const program = Effect.gen(function* () {
 *   const log = yield* SessionLog
 *   yield* log.append("s-1", Session.PromptSubmitted({ text: "hi" }))
 * }).pipe(Effect.provide(SessionLog.layer), Effect.provide(MemoryStorage.layer))
 * ```
 */
export const Service =
  <Self>() =>
  <const Id extends string, E extends EventSet.Any>(id: Id, options: Log.LogOptions<E>) => {
    const Tag = Context.Service<Self, Log.Log<E>>()(id)
    return Object.assign(Tag, {
      /** Opens the log over the storage in context and closes it with the scope. */
      layer: Layer.effect(Tag, Log.make(options)) as Layer.Layer<Self, OpenFailed | InvalidOption, LogStorage>
    })
  }

/** What a query answers of one stream. */
export interface PromiseStreamAnswer<E extends EventSet.Any> extends Omit<StreamAnswer<E>, "events"> {
  readonly events: AsyncIterable<EventSet.Stored<E>>
}

/** A log with promises. The same operations under the same names as `Log`, which says more; failures reject with the same errors. */
export interface PromiseLog<E extends EventSet.Any> extends AsyncDisposable {
  /**
   * Takes an event without waiting. False above the high-water mark: wait for `flush`. Throws what refuses it; then
   * it was not taken.
   */
  readonly record: Log.Log<E>["record"]

  /** Writes events as one group, wholly or not at all, behind what was recorded. Rejects with an `AppendError`. */
  readonly append: (
    stream: string,
    events: EventSet.Appendable<E> | ReadonlyArray<EventSet.Appendable<E>>,
    options?: AppendOptions
  ) => Promise<Receipt>

  /**
   * Sets attributes of a stream that exists; it may be sealed. Moves no seq. Rejects with `StreamNotFound`, or an
   * `AppendError`.
   */
  readonly label: (stream: string, attributes: Readonly<Record<string, string>>) => Promise<Head>

  /**
   * Settles what was recorded before, of one stream or all. Rejects with `RecordFailed` where some of it was not
   * stored.
   */
  readonly flush: (stream?: string) => Promise<void>

  /** The same at once, for exit and signal handlers. Answers the streams of which something is not known to be stored. */
  readonly flushSync: Log.Log<E>["flushSync"]

  /** The events of one stream. Fails with a `ReadError`, or `CursorLost` where `after` cannot go on. */
  readonly read: (stream: string, options?: ReadOptions<E>) => AsyncIterable<EventSet.Stored<E>>

  /** One pass over any number of streams, batch by batch, no faster than they are pulled. */
  readonly query: (query?: Query<E>) => AsyncIterable<Batch<E>>

  /**
   * The same pass, stream by stream. Each one's events are to be pulled before the next stream is asked for; what
   * isn't pulled is passed over.
   */
  readonly queryByStream: (query?: ByStreamQuery<E>) => AsyncIterable<PromiseStreamAnswer<E>>

  /** A projection's state of one stream, now. Where nothing is new no event is read, and it is the same object. */
  readonly state: <S>(stream: string, projection: Projection<E, S>) => Promise<S>

  /** The states of many streams, by name: one query for snapshots, one pass over the tails. */
  readonly states: <S>(
    selection: StatesSelection,
    projection: Projection<E, S>,
    options?: StatesQuery
  ) => Promise<ReadonlyMap<string, S>>

  /** The state of a projection over all streams, now. Its handlers must not depend on the order between streams. */
  readonly stateOfAll: <S>(projection: Projection<E, S>, options?: AllStreamsQuery) => Promise<S>

  /** Saves a projection's state now. The log does it by itself when it pays, on seals and on closing. */
  readonly snapshot: <S>(stream: string, projection: Projection<E, S>) => Promise<void>

  /**
   * Appends what `choose` makes of the state if nobody wrote in between; else it chooses again. Nothing when it chose
   * nothing.
   */
  readonly decide: <S>(
    stream: string,
    projection: Projection<E, S>,
    choose: (state: S) => Decided<E>,
    options?: DecideOptions
  ) => Promise<Receipt | undefined>

  /**
   * Copies a stream, or its beginning, to another, of this log or of `target`. Again, it goes on where it was cut
   * off; `CopyFailed` tells how far it came.
   */
  readonly copy: (
    from: string,
    to: string,
    options?: CopyOptions<E> & { readonly target?: PromiseLog<any> }
  ) => Promise<Copied>

  /** How many stored events were read so far that no definition can read. */
  readonly unrecognized: Log.Log<E>["unrecognized"]

  /** Heads of the streams that exist, by name. Reads no events. */
  readonly heads: (selection?: Selection) => Promise<ReadonlyArray<Head>>

  /** The head of one stream; `undefined` when it doesn't exist. */
  readonly head: (stream: string) => Promise<Head | undefined>

  /** Deletes a stream for good, with its snapshots. False when it didn't exist. */
  readonly remove: (stream: string) => Promise<boolean>

  /** Lets another process write a stream, behind what was recorded. The next append here takes it again. */
  readonly release: (stream: string) => Promise<void>

  /** Makes everything recorded and appended so far survive power loss, where the storage can. */
  readonly sync: () => Promise<void>

  /** Catches up behind a cursor, then tells what comes, for ever: leave the loop, or call `return` of its iterator. */
  readonly follow: (stream: string, options?: FollowOptions) => AsyncIterable<FollowItem<E>>

  /** A projection's state and its cursor: where a resync begins anew. */
  readonly stateWithCursor: <S>(stream: string, projection: Projection<E, S>) => Promise<Folded<S>>

  /** The attention events of every stream, whoever follows it, each at least once. */
  readonly attention: (options?: Parameters<Log.Log<E>["attention"]>[0]) => AsyncIterable<AttentionItem<E>>

  /** A live projection of one stream, at once. Fits `useSyncExternalStore`. Shared by its callers. */
  readonly view: Log.Log<E>["view"]

  /** A live projection of every stream, by name. Holds all their states. */
  readonly viewAll: Log.Log<E>["viewAll"]

  /**
   * Tells of every group as this log stores it, once, and of volatile events. A group of a copy is told by its `head`
   * alone, without events: whoever needs them follows or reads the stream. Answers how to stop.
   */
  readonly listen: Log.Log<E>["listen"]

  /** Settles what was taken, then closes the storage. Rejects with what could not be stored. */
  readonly close: () => Promise<void>

  /** The same log for code in Effect. */
  readonly effect: Log.Log<E>
}

/**
 * Opens a log with promises.
 *
 * ```ts
 * await using log = await Varve.open({ events: Session, storage: MemoryStorage.layer })
 * const receipt = await log.append("s-1", Session.TurnEnded({ stopReason: "end" }))
 * for await (const event of log.read("s-1")) console.log(event.seq, event.type)
 * ```
 *
 * Rejects with the storage's `OpenFailed`, or `InvalidOption`.
 */
export const open = async <E extends EventSet.Any, StorageError>(
  options: Log.LogOptions<E> & { readonly storage: Layer.Layer<LogStorage, StorageError> }
): Promise<PromiseLog<E>> => {
  const Tag = Context.Service<Log.Log<E>>("@varve/core/Varve.open")
  const runtime = ManagedRuntime.make(
    Layer.effect(Tag, Log.make(options)).pipe(Layer.provide(options.storage))
  )
  const context = await runtime.context().catch(async (error: unknown) => {
    await runtime.dispose()
    throw error
  })
  const log = Context.get(context, Tag)
  const run = <A>(effect: Effect.Effect<A, LogError>): Promise<A> => Effect.runPromiseWith(context)(effect)
  const iterate = <A>(stream: Stream.Stream<A, ReadError | CursorLost>): AsyncIterable<A> =>
    Stream.toAsyncIterableWith(stream, context)

  const settleAndDispose = async (): Promise<void> => {
    try {
      await run(log.close)
    } finally {
      await runtime.dispose()
    }
  }
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => (closing ??= settleAndDispose())

  return {
    record: log.record,
    append: (stream, events, appendOptions) => run(log.append(stream, events, appendOptions)),
    label: (stream, attributes) => run(log.label(stream, attributes)),
    flush: (stream) => run(log.flush(stream)),
    flushSync: log.flushSync,
    read: (stream, readOptions) => flatten(iterate(readBatches(log.query, stream, readOptions))),
    query: (query) => iterate(log.query(query)),
    queryByStream: (query) =>
      iterate(
        Stream.map(byStream(log.query(query)), ({ batches, ...answer }) => ({
          ...answer,
          events: flatten(iterate(batches))
        }))
      ),
    state: (stream, projection) => run(log.state(stream, projection)),
    states: (selection, projection, asked) => run(log.states(selection, projection, asked)),
    stateOfAll: (projection, asked) => run(log.stateOfAll(projection, asked)),
    snapshot: (stream, projection) => run(log.snapshot(stream, projection)),
    decide: (stream, projection, choose, asked) => run(log.decide(stream, projection, choose, asked)),
    copy: (from, to, { target, ...asked } = {}) =>
      run(log.copy(from, to, target === undefined ? asked : { ...asked, target: target.effect })),
    unrecognized: log.unrecognized,
    heads: (selection) => run(log.heads(selection)),
    head: (stream) => run(log.head(stream)),
    remove: (stream) => run(log.remove(stream)),
    release: (stream) => run(log.release(stream)),
    sync: () => run(log.sync),
    follow: (stream, asked) => iterate(log.follow(stream, asked)),
    stateWithCursor: (stream, projection) => run(log.stateWithCursor(stream, projection)),
    attention: (asked) => iterate(log.attention(asked)),
    view: log.view,
    viewAll: log.viewAll,
    listen: log.listen,
    close,
    effect: log,
    [Symbol.asyncDispose]: close
  }
}
