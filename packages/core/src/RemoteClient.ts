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
import type { AttentionItem, FollowItem, LiveSource } from "./LiveSource.ts"
import type { Projection } from "./Projection.ts"
import {
  type ClientMessage,
  cursorPieces,
  decodeError,
  decodeEvent,
  decodeVolatile,
  given,
  protocol,
  readServer,
  RemoteRefused,
  type ServerMessage
} from "./RemoteMessage.ts"
import type { StatesSelection } from "./States.ts"

/** How a client keeps its connection. */
export interface ConnectOptions {
  /** Between tries to connect. */
  readonly backoff?: BackoffOptions
  /** A connection on which nothing came for twice as long is given up, in milliseconds; 15,000 by default, 0 for never. */
  readonly heartbeatMs?: number
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

/** Answers that may be on their way for one ask. */
const credit = 16

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

/** Something that is asked, for as long as anybody wants it. */
interface Ask {
  /** What to say on a new connection. */
  readonly request: () => ReadonlyArray<ClientMessage>
  readonly receive: (message: ServerMessage) => void
  /** The connection is gone; another will come. */
  readonly lost: () => void
  readonly fail: (error: ReadError) => void
}

/** What has come and is not taken yet. Bounded by the credit that was given. */
class Sink {
  readonly items: Array<unknown> = []
  failure: ReadError | undefined
  isOver = false
  /** Taken since credit was last given. */
  taken = 0
  wake: (() => void) | undefined

  push(item: unknown): void {
    this.items.push(item)
    this.wake?.()
  }

  end(failure?: ReadError): void {
    this.isOver = true
    this.failure = failure
    this.wake?.()
  }

  /** The credit to begin a connection with: what is not taken yet stands against it. */
  begin(): number {
    this.taken = 0
    return Math.max(0, credit - this.items.length)
  }
}

class Follow<E extends EventSet.Any> implements Ask {
  private readonly set: E
  private readonly id: number
  private readonly stream: string
  private readonly replayCap: number | undefined
  private readonly sink: Sink
  private after: Cursor | undefined
  private isCaughtUp = false

  constructor(
    set: E,
    id: number,
    stream: string,
    options: { readonly after: Cursor | undefined; readonly replayCap: number | undefined },
    sink: Sink
  ) {
    this.set = set
    this.id = id
    this.stream = stream
    this.after = options.after
    this.replayCap = options.replayCap
    this.sink = sink
  }

  request(): ReadonlyArray<ClientMessage> {
    const { after, id, replayCap, sink, stream } = this
    const most = replayCap === Infinity ? undefined : replayCap
    const cursor = after === undefined ? undefined : { epoch: after.epoch, seq: after.seq }
    const asked = { stream, ...given("after", cursor), ...given("replayCap", most) }
    return [{ _tag: "follow", id, ...asked, credit: sink.begin() }]
  }

  /** What was told stays; what comes meanwhile is told later, and it is said so. */
  lost(): void {
    if (this.isCaughtUp) this.sink.push({ _tag: "Lagged", dropped: 0 } satisfies FollowItem<E>)
    this.isCaughtUp = false
  }

  fail(error: ReadError): void {
    this.sink.end(error)
  }

  receive(message: ServerMessage): void {
    const { set, sink, stream } = this
    switch (message._tag) {
      case "events": {
        const { cursor, synced } = message
        this.after = cursor
        const events = message.events.map((event) => decodeEvent(set, stream, event))
        return sink.push({ _tag: "Events", events, cursor, synced } satisfies FollowItem<E>)
      }
      case "volatile": {
        const events = message.events.flatMap((event) => decodeVolatile(set, event))
        return sink.push({ _tag: "Volatile", events })
      }
      case "caught-up":
        this.isCaughtUp = true
        return sink.push({ _tag: "CaughtUp", cursor: message.cursor } satisfies FollowItem<E>)
      case "resync": {
        const { head, reason, survived } = message
        return sink.push({ _tag: "Resync", reason, survived, head } satisfies FollowItem<E>)
      }
      case "lagged":
        return sink.push({ _tag: "Lagged", dropped: message.dropped } satisfies FollowItem<E>)
      case "ended":
        return sink.end()
      case "failed":
        return sink.end(decodeError(stream, message.error))
      default:
      // Not an answer to a follow.
    }
  }
}

type Piece = Extract<ServerMessage, { readonly _tag: "states" }>["states"]

/** States of many streams: asked once, answered in pieces. */
class Query implements Ask {
  private readonly id: number
  private readonly asked: Omit<Extract<ClientMessage, { readonly _tag: "states" }>, "_tag" | "id" | "credit">
  private readonly sink: Sink

  constructor(id: number, asked: Query["asked"], sink: Sink) {
    this.id = id
    this.asked = asked
    this.sink = sink
  }

  request(): ReadonlyArray<ClientMessage> {
    return [{ _tag: "states", id: this.id, ...this.asked, credit: this.sink.begin() }]
  }

  lost(): void {}

  fail(error: ReadError): void {
    this.sink.end(error)
  }

  receive(message: ServerMessage): void {
    if (message._tag === "states") this.sink.push(message.states)
    else if (message._tag === "failed") this.sink.end(decodeError("", message.error))
    else if (message._tag === "ended") this.sink.end()
  }
}

class Attention<E extends EventSet.Any> implements Ask {
  private readonly set: E
  private readonly id: number
  private readonly sink: Sink
  private told: Map<string, Cursor> | undefined

  constructor(set: E, id: number, after: ReadonlyMap<string, Cursor> | undefined, sink: Sink) {
    this.set = set
    this.id = id
    this.told = after === undefined ? undefined : new Map(after)
    this.sink = sink
  }

  request(): ReadonlyArray<ClientMessage> {
    const { id, sink, told } = this
    const pieces = told === undefined ? [] : cursorPieces(told)
    return [
      ...pieces.map((after) => ({ _tag: "cursors" as const, id, after })),
      // No cursor at all is behind everything too, and isn't the same as none given.
      { _tag: "attention", id, ...given("after", told && []), credit: sink.begin() }
    ]
  }

  lost(): void {}

  fail(error: ReadError): void {
    this.sink.end(error)
  }

  receive(message: ServerMessage): void {
    const { set, sink } = this
    switch (message._tag) {
      case "began": {
        this.told = new Map(message.after)
        return sink.push({ _tag: "Began", after: new Map(message.after) } satisfies AttentionItem<E>)
      }
      case "attention": {
        const { event, stream } = message
        this.told?.set(stream, { epoch: event.epoch, seq: event.seq })
        const decoded = decodeEvent(set, stream, event)
        return sink.push({ _tag: "Attention", stream, event: decoded } satisfies AttentionItem<E>)
      }
      case "ended":
        return sink.end()
      case "failed":
        return sink.end(decodeError("", message.error))
      default:
      // Not an answer to it.
    }
  }
}

/** A connection, if there is one, and what is asked over it. */
class Client {
  private readonly open: () => Channel | Promise<Channel>
  private readonly options: ConnectOptions
  private readonly backoff: Backoff
  private readonly asks = new Map<number, Ask>()
  private last = 0
  private connection: Connection | undefined
  private waiting: Fiber.Fiber<void> | undefined
  private isClosed = false

  constructor(open: () => Channel | Promise<Channel>, options: ConnectOptions) {
    this.open = open
    this.options = options
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
      this.connection?.say(...ask.request())
    }
    return id
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
    for (const ask of this.asks.values()) this.connection?.say(...ask.request())
    this.options.onConnection?.(true)
  }

  private lost(error: unknown): void {
    const stood = this.connection?.stands === true
    this.connection = undefined
    for (const ask of this.asks.values()) ask.lost()
    if (error !== undefined) this.options.onError?.(error)
    if (stood) this.options.onConnection?.(false)
    if (this.isClosed) return
    this.waiting = Effect.runFork(this.backoff.wait)
    this.waiting.addObserver(() => {
      if (!this.isClosed) void this.connect()
    })
  }
}

type Answer = Extract<ServerMessage, { readonly id: number }>

/** One connection: from hello until it is lost, which is told once. */
class Connection {
  /** Whether the other side has said hello. */
  stands = false
  private readonly channel: Channel
  private readonly told: {
    readonly stands: () => void
    readonly received: (message: Answer) => void
    readonly lost: (error: unknown) => void
  }
  private readonly stops: ReadonlyArray<() => void>
  private readonly heart: ReturnType<typeof setInterval> | undefined
  /** Heartbeats since something came. */
  private silent = 0
  private isOver = false

  constructor(channel: Channel, { heartbeatMs = 15_000 }: ConnectOptions, told: Connection["told"]) {
    this.channel = channel
    this.told = told
    this.stops = [channel.onMessage((text) => this.receive(text)), channel.onClose(() => this.end(undefined))]
    if (heartbeatMs > 0) this.heart = setInterval(() => this.beat(), heartbeatMs)
  }

  /** Some channels answer before this returns. */
  begin(): void {
    this.send({ _tag: "hello", protocol })
  }

  /** Says nothing before hello: what is asked is said again then. */
  say(...messages: ReadonlyArray<ClientMessage>): void {
    if (this.stands) for (const message of messages) this.send(message)
  }

  close(): void {
    this.end(undefined)
  }

  private send(message: ClientMessage): void {
    try {
      this.channel.send(JSON.stringify(message))
    } catch (error) {
      this.end(error)
    }
  }

  /** A side that died without a word is found out. */
  private beat(): void {
    if (this.silent++ >= 2) return this.end(new RemoteRefused({ reason: "nothing came for too long" }))
    this.say({ _tag: "ping" })
  }

  private receive(text: string): void {
    if (this.isOver) return
    this.silent = 0
    let message: ServerMessage
    try {
      message = readServer(text)
    } catch {
      return this.end(new RemoteRefused({ reason: "it said what this side doesn't understand" }))
    }
    switch (message._tag) {
      case "hello":
        if (message.protocol !== protocol)
          return this.end(new RemoteRefused({ reason: "it speaks another version of the protocol" }))
        if (this.stands) return
        this.stands = true
        return this.told.stands()
      case "refused":
        return this.end(new RemoteRefused({ reason: message.reason }))
      case "pong":
        return
      default:
        return this.told.received(message)
    }
  }

  private end(error: unknown): void {
    if (this.isOver) return
    this.isOver = true
    clearInterval(this.heart)
    for (const stop of this.stops) stop()
    this.channel.close()
    this.told.lost(error)
  }
}
