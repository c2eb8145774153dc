/**
 * The side of a channel where the log isn't: a `LiveSource` that survives its connections. What is asked stays asked: on
 * each new connection a follow goes on behind the last event that it got, and a lane of attention behind its cursors.
 */
import { Effect, type Fiber, Stream } from "effect"
import { Backoff, type BackoffOptions } from "./Backoff.ts"
import type { Channel } from "./Channel.ts"
import type { Cursor } from "./Cursor.ts"
import { LogClosed, type ReadError, StorageError } from "./Errors.ts"
import type * as EventSet from "./EventSet.ts"
import type { Folded } from "./Folding.ts"
import { guarded, type Report, tell } from "./Listeners.ts"
import type { AttentionItem, FollowItem, LiveSource } from "./LiveSource.ts"
import type { Projection } from "./Projection.ts"
import { type Ask, Attention, credit, Follow, type Piece, Query, Sink } from "./RemoteAsk.ts"
import { Connection } from "./RemoteConnection.ts"
import { decodeError, given, RemoteRefused } from "./RemoteMessage.ts"
import type { StatesSelection } from "./States.ts"

/** How a client keeps its connection. */
export interface ConnectOptions {
  /** Between tries to connect. */
  readonly backoff?: BackoffOptions
  /** A connection on which nothing came for twice as long is given up, in milliseconds; 15,000 by default, 0 for never. */
  readonly heartbeatMs?: number
  /** The longest message that the server reads, in characters, as it was told; 1,048,576 by default. */
  readonly messageLength?: number
  /** Told when a connection stands and when it is lost. */
  readonly onConnection?: (isConnected: boolean) => void
  /** Told why a connection could not be made, or was broken off. */
  readonly onError?: (error: unknown) => void
}

/** A source behind a channel. */
export interface RemoteSource<E extends EventSet.Any> extends LiveSource<E>, Disposable {
  /** The states of many streams, by name: what is pending, after a reload. A query, of what the server shows. */
  readonly states: <S>(
    selection: StatesSelection,
    projection: Projection<E, S>
  ) => Effect.Effect<ReadonlyMap<string, S>, ReadError>
  /** Ends the connection; what is asked fails with `LogClosed`. */
  readonly close: () => void
}

/**
 * Connects to a source that is served elsewhere, again and again, until it is closed.
 *
 * ```ts
 * const source = Remote.connect(Session, () => Channel.fromWebSocket(new WebSocket(url)))
 * ```
 *
 * @param open makes a channel; it may still be connecting
 */
export const connect = <E extends EventSet.Any>(
  events: E,
  open: () => Channel | Promise<Channel>,
  options: ConnectOptions = {}
): RemoteSource<E> => {
  const client = new Client(open, options)
  return {
    follow: (stream, { after, replayCap } = {}) =>
      client.items((id, sink) => new Follow(events, id, stream, { after, replayCap }, sink)) as Stream.Stream<
        FollowItem<E>,
        ReadError
      >,
    attention: ({ after } = {}) =>
      client.items((id, sink) => new Attention(events, id, after, sink)) as Stream.Stream<
        AttentionItem<E>,
        ReadError
      >,
    stateWithCursor: (stream, projection) =>
      Effect.callback((resume) => {
        const decode = (json: string, cursor: Cursor | undefined): Effect.Effect<Folded<any>, ReadError> =>
          Effect.try({
            try: () => ({ state: projection.decode(json), cursor }),
            catch: () => new StorageError({ operation: "state (remote)", stream, cause: undefined })
          })
        const id = client.ask((own) => ({
          request: () => [
            { _tag: "state", id: own, stream, projection: projection.name, version: projection.version }
          ],
          lost: () => undefined,
          fail: (error) => resume(Effect.fail(error)),
          receive: (message) => {
            client.forget(own)
            if (message._tag === "state") resume(decode(message.state, message.cursor))
            else if (message._tag === "failed") resume(Effect.fail(decodeError(stream, message.error)))
          }
        }))
        return Effect.sync(() => client.cancel(id))
      }),
    states: ({ attributes, prefix, streams }, projection) =>
      Effect.gen(function* () {
        const states = new Map<string, any>()
        const { name, version } = projection
        const asked = {
          projection: name,
          version,
          ...given("attributes", attributes),
          ...given("prefix", prefix),
          ...given("streams", streams)
        }
        const pieces = client.items((id, sink) => new Query(id, asked, sink)) as Stream.Stream<
          Piece,
          ReadError
        >
        // A connection that broke in the middle begins again: what came later replaces what came before.
        yield* Stream.runForEach(pieces, (piece) =>
          Effect.try({
            try: () => {
              for (const [stream, json] of piece) states.set(stream, projection.decode(json))
            },
            catch: () => new StorageError({ operation: "states (remote)", cause: undefined })
          })
        )
        return states
      }),
    close: () => client.close(),
    [Symbol.dispose]: () => client.close()
  }
}

/** A connection, if there is one, and what is asked over it. */
class Client {
  private readonly open: () => Channel | Promise<Channel>
  private readonly options: ConnectOptions
  private readonly report: Report
  private readonly backoff: Backoff
  private readonly asks = new Map<number, Ask>()
  private last = 0
  private connection: Connection | undefined
  private waiting: Fiber.Fiber<void> | undefined
  private isClosed = false

  constructor(open: () => Channel | Promise<Channel>, options: ConnectOptions) {
    this.open = open
    this.options = options
    this.report = guarded((error) => options.onError?.(error))
    this.backoff = new Backoff(options.backoff)
    void this.connect()
  }

  ask(make: (id: number) => Ask): number {
    const id = ++this.last
    const ask = make(id)
    if (this.isClosed) {
      ask.fail(new LogClosed())
    } else {
      this.asks.set(id, ask)
      this.say(id, ask)
    }
    return id
  }

  /** Asks over the connection, if there is one. What no server reads is not asked again and again: it fails. */
  private say(id: number, ask: Ask): void {
    if (this.connection?.say(...ask.request()) !== false) return
    this.asks.delete(id)
    const cause = new RemoteRefused({ reason: "an ask is longer than it reads" })
    ask.fail(new StorageError({ operation: "remote", cause }))
  }

  /** It was answered. */
  forget(id: number): void {
    this.asks.delete(id)
  }

  cancel(id: number): void {
    if (this.asks.delete(id)) this.connection?.say({ _tag: "cancel", id })
  }

  /** What is asked and answered by items, as they are pulled. */
  items(make: (id: number, sink: Sink) => Ask): Stream.Stream<unknown, ReadError> {
    return Stream.unwrap(
      Effect.gen({ self: this }, function* () {
        const sink = new Sink()
        const id = yield* Effect.acquireRelease(
          Effect.sync(() => this.ask((own) => make(own, sink))),
          (asked) => Effect.sync(() => this.cancel(asked))
        )
        const moved = Effect.callback<void>((resume) => {
          if (sink.items.length > 0 || sink.isOver) return resume(Effect.void)
          sink.wake = () => {
            sink.wake = undefined
            resume(Effect.void)
          }
        })
        const next: Effect.Effect<unknown, ReadError> = Effect.suspend(() => {
          if (sink.items.length > 0) {
            if (++sink.taken >= credit / 2) {
              this.connection?.say({ _tag: "credit", id, more: sink.taken })
              sink.taken = 0
            }
            return Effect.succeed(sink.items.shift())
          }
          if (sink.failure !== undefined) return Effect.fail(sink.failure)
          return sink.isOver ? Effect.undefined : Effect.andThen(moved, next)
        })
        return Stream.takeWhile(Stream.fromEffectRepeat(next), (item) => item !== undefined)
      })
    )
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.waiting?.interruptUnsafe()
    const asks = [...this.asks.values()]
    this.asks.clear()
    this.connection?.close()
    for (const ask of asks) ask.fail(new LogClosed())
  }

  private async connect(): Promise<void> {
    try {
      const channel = await this.open()
      if (this.isClosed) return channel.close()
      this.connection = new Connection(channel, this.options, {
        stands: () => this.stands(),
        received: (message) => this.asks.get(message.id)?.receive(message),
        lost: (error) => this.lost(error)
      })
      this.connection.begin()
    } catch (error) {
      this.lost(error)
    }
  }

  private stands(): void {
    this.backoff.reset()
    for (const [id, ask] of this.asks) this.say(id, ask)
    this.tell(true)
  }

  private lost(error: unknown): void {
    const stood = this.connection?.stands === true
    this.connection = undefined
    for (const ask of this.asks.values()) ask.lost()
    if (error !== undefined) this.report(error)
    if (stood) this.tell(false)
    if (this.isClosed) return
    this.waiting = Effect.runFork(this.backoff.wait)
    this.waiting.addObserver(() => {
      if (!this.isClosed) void this.connect()
    })
  }

  private tell(isConnected: boolean): void {
    tell(this.report, () => this.options.onConnection?.(isConnected))
  }
}
