/**
 * The side of a channel where the log is. What comes in is judged before anything is done for it; what a peer may hold
 * at one time is bounded: asks, bytes of a message, answers on their way (laws C6, S4).
 */
import { Cause, Effect, type Fiber, Stream } from "effect"
import type { Channel } from "./Channel.ts"
import { type Cursor, isCursor } from "./Cursor.ts"
import { type ReadError, Unsupported } from "./Errors.ts"
import type * as EventSet from "./EventSet.ts"
import { guarded, type Report } from "./Listeners.ts"
import type { AttentionItem, FollowItem, LiveSource } from "./LiveSource.ts"
import type { Log } from "./Log.ts"
import type { LogEvent, NewEvent } from "./LogEvent.ts"
import { nameProblem } from "./Name.ts"
import type { Projection } from "./Projection.ts"
import {
  type ClientMessage,
  cursorPieces,
  encodeError,
  encodeEvent,
  encodeVolatile,
  given,
  messageLength,
  pieces,
  protocol,
  readClient,
  type RefusalReason,
  RemoteRefused,
  type ServerMessage,
  type WireError
} from "./RemoteMessage.ts"

/** What a server lets its peers do. */
export interface ServeOptions<E extends EventSet.Any> {
  /** The projections whose states may be asked for, by name and version. */
  readonly projections?: ReadonlyArray<Projection<E, any>>
  /** Which streams a peer may see; all by default. What isn't for it doesn't reach it as attention either. */
  readonly allow?: (stream: string) => boolean
  /** Asks under way at one time; 64 by default. */
  readonly asks?: number
  /** The longest message that is read, in characters; 1,048,576 by default. */
  readonly messageLength?: number
  /** The longest replay, in events; 100,000 by default. */
  readonly replayCap?: number
  /** The most bytes that a peer may leave unread before it is let go, where the channel can tell; 33,554,432 by default. */
  readonly unread?: number
  /** Told of what went wrong for a peer, without payload. */
  readonly onError?: (error: unknown) => void
}

/** Answers of one ask that may be on their way. */
const mostCredit = 32
/** Cursors of attention that a peer may have. */
const mostCursors = 500_000
/** In place of what a peer calls a cursor and isn't: storages need not look at it. */
const malformed: Cursor = { epoch: "", seq: 0 }

/** What is served: a log, or what does as much of one as the peers ask for. */
export type Served<E extends EventSet.Any> = LiveSource<E> & Partial<Pick<Log<E>, "states">>

/**
 * Serves a source over a channel, until the channel closes. Answers how to end it sooner.
 *
 * ```ts
 * sockets.on("connection", (socket) => Remote.serve(Session, log, Channel.fromWebSocket(socket), { projections: [Transcript] }))
 * ```
 */
export const serve = <E extends EventSet.Any>(
  events: E,
  source: Served<E>,
  channel: Channel,
  options: ServeOptions<E> = {}
): (() => void) => {
  const peer = new Peer(events, source, channel, options)
  return () => peer.close()
}

/** Something that is under way for a peer. */
interface Ask {
  fiber: Fiber.Fiber<unknown, unknown> | undefined
  credit: number
  wake: (() => void) | undefined
}

type Message = ServerMessage
type Asking = Extract<ClientMessage, { readonly _tag: "follow" | "state" | "states" | "attention" }>

class Peer<E extends EventSet.Any> {
  private readonly set: E
  private readonly source: Served<E>
  private readonly channel: Channel
  private readonly options: ServeOptions<E>
  private readonly report: Report
  private readonly asks = new Map<number, Ask>()
  private readonly stops: ReadonlyArray<() => void>
  /** Cursors of attention, until it is asked for. */
  private cursors: { readonly id: number; readonly after: Map<string, Cursor> } | undefined
  private hasHello = false
  private isClosed = false

  constructor(set: E, source: Served<E>, channel: Channel, options: ServeOptions<E>) {
    this.set = set
    this.source = source
    this.channel = channel
    this.options = options
    this.report = guarded((error) => options.onError?.(error))
    this.stops = [
      channel.onMessage((text) => this.receive(text)),
      channel.onClose((reason) => this.ended(reason))
    ]
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    for (const stop of this.stops) stop()
    for (const { fiber } of this.asks.values()) fiber?.interruptUnsafe()
    this.asks.clear()
    this.channel.close()
  }

  private ended(reason: unknown): void {
    if (reason !== undefined) this.report(reason)
    this.close()
  }

  /** Throws `RemoteRefused` for an answer that the channel doesn't take: that ask fails, and no other. */
  private send(message: Message): void {
    if (this.isClosed) return
    const text = JSON.stringify(message)
    if (text.length > (this.channel.longest ?? Infinity))
      throw new RemoteRefused({ reason: "an answer is longer than the channel takes" })
    // Answers wait for credit, but not each message is an answer that has any.
    if ((this.channel.waiting?.() ?? 0) > (this.options.unread ?? 2 ** 25)) return this.close()
    try {
      this.channel.send(text)
    } catch (error) {
      this.report(error)
      this.close()
    }
  }

  /** Says why, and breaks off: who doesn't speak the language is not worth more. */
  private refuse(reason: RefusalReason): void {
    this.send({ _tag: "refused", reason })
    this.close()
  }

  private receive(text: string): void {
    if (this.isClosed) return
    if (text.length > (this.options.messageLength ?? messageLength)) return this.refuse("too-large")
    let message: ClientMessage
    try {
      message = readClient(text)
    } catch {
      return this.refuse("malformed")
    }
    if (message._tag === "hello") {
      this.hasHello = message.protocol === protocol
      return this.hasHello ? this.send({ _tag: "hello", protocol }) : this.refuse("protocol")
    }
    if (!this.hasHello) return this.refuse("no-hello")
    switch (message._tag) {
      case "ping":
        return this.send({ _tag: "pong" })
      case "cursors":
        return this.collect(message.id, message.after)
      case "cancel":
        return this.cancel(message.id)
      case "credit": {
        const ask = this.asks.get(message.id)
        if (ask === undefined) return
        ask.credit = Math.min(mostCredit, ask.credit + message.more)
        return ask.wake?.()
      }
      case "follow":
      case "state":
      case "states":
      case "attention":
        return this.ask(message)
    }
  }

  private collect(id: number, after: Iterable<readonly [string, Cursor]>): void {
    if (this.cursors?.id !== id) this.cursors = { id, after: new Map() }
    for (const [stream, cursor] of after) this.cursors.after.set(stream, cursor)
    if (this.cursors.after.size > mostCursors) this.refuse("too-large")
  }

  private cancel(id: number): void {
    const ask = this.asks.get(id)
    this.asks.delete(id)
    ask?.fiber?.interruptUnsafe()
  }

  private ask(message: Asking): void {
    const { id } = message
    if (this.asks.has(id)) return this.refuse("reused-id")
    const refusal = this.refusalOf(message)
    if (refusal !== undefined)
      return this.send({ _tag: "failed", id, error: { kind: "Refused", detail: refusal } })
    const ask: Ask = {
      fiber: undefined,
      credit: "credit" in message ? Math.min(mostCredit, message.credit) : 1,
      wake: undefined
    }
    this.asks.set(id, ask)
    let asked = message
    if (message._tag === "attention" && this.cursors?.id === id) {
      asked = { ...message, after: [...this.cursors.after, ...(message.after ?? [])] }
      this.cursors = undefined
    }
    const done = Effect.sync(() => {
      // Cancelled, and perhaps asked again under the same id.
      if (this.asks.get(id) === ask) this.asks.delete(id)
    })
    const failed = (cause: Cause.Cause<ReadError>): Effect.Effect<void> =>
      Effect.andThen(
        done,
        Effect.sync(() => {
          const failure = Cause.squash(cause)
          this.report(failure)
          this.send({ _tag: "failed", id, error: wireErrorOf(failure) })
        })
      )
    const answered = Effect.andThen(
      Effect.suspend(() => this.answer(ask, asked)),
      Effect.andThen(
        done,
        Effect.sync(() => {
          if (message._tag !== "state") this.send({ _tag: "ended", id })
        })
      )
    )
    ask.fiber = Effect.runFork(Effect.andThen(Effect.yieldNow, Effect.catchCause(answered, failed)))
  }

  /** Why this peer is not served, in words that may be told. */
  private refusalOf(message: Asking): string | undefined {
    if (this.asks.size >= (this.options.asks ?? 64)) return "too many asks at one time"
    if (message._tag === "attention" || message._tag === "states") return undefined
    const { stream } = message
    if (nameProblem("stream", stream) !== undefined) return undefined
    return this.isAllowed(stream) ? undefined : "this stream is not for this peer"
  }

  private isAllowed(stream: string): boolean {
    try {
      return this.options.allow?.(stream) ?? true
    } catch (error) {
      this.report(error)
      return false
    }
  }

  private answer(ask: Ask, message: Asking): Effect.Effect<void, ReadError> {
    const { id } = message
    switch (message._tag) {
      case "follow": {
        const { after, replayCap = Infinity, stream } = message
        const items = this.source.follow(stream, {
          ...given("after", after === undefined || isCursor(after) ? after : malformed),
          replayCap: Math.min(replayCap, this.options.replayCap ?? 100_000)
        })
        return this.pump(ask, items, (item) => this.followed(id, item))
      }
      case "attention": {
        const items = this.source.attention(given("after", message.after && new Map(message.after)))
        return this.pump(ask, items, (item) => this.attended(id, item))
      }
      case "states": {
        const projection = this.projection(message)
        const { attributes, prefix, streams } = message
        const selection = {
          ...given("attributes", attributes),
          ...given("prefix", prefix),
          ...given("streams", streams)
        }
        if (projection === undefined || this.source.states === undefined) return Effect.fail(unsupported)
        const answers = Stream.fromIterableEffect(this.source.states(selection, projection))
        const shown = Stream.filter(answers, ([stream]) => this.isAllowed(stream))
        return this.pump(ask, Stream.grouped(shown, 64), (group) => this.stated(id, group, projection))
      }
      case "state": {
        const { stream } = message
        const projection = this.projection(message)
        if (projection === undefined) return Effect.fail(unsupported)
        return Effect.map(this.source.stateWithCursor(stream, projection), ({ cursor, state }) =>
          this.send({ _tag: "state", id, state: projection.encode(state), ...given("cursor", cursor) })
        )
      }
    }
  }

  private projection({ projection, version }: { readonly projection: string; readonly version: number }) {
    return this.options.projections?.find((one) => one.name === projection && one.version === version)
  }

  /** Sends while there is credit; else nothing is pulled, and the follow's own bounds hold (law C6). */
  private pump<A>(
    ask: Ask,
    items: Stream.Stream<A, ReadError>,
    messages: (item: A) => Iterable<Message>
  ): Effect.Effect<void, ReadError> {
    const granted = Effect.callback<void>((resume) => {
      if (ask.credit > 0) return resume(Effect.void)
      ask.wake = () => resume(Effect.void)
    })
    return Stream.runForEach(items, (item) =>
      Effect.gen({ self: this }, function* () {
        for (const message of messages(item)) {
          while (ask.credit === 0) yield* granted
          // An answer in parts is one answer.
          if (message._tag !== "began" || message.more !== true) ask.credit--
          this.send(message)
        }
      })
    )
  }

  private *followed(id: number, item: FollowItem<E>): Iterable<Message> {
    switch (item._tag) {
      case "Events": {
        const { cursor, events, synced } = item
        if (events.length === 0) return yield { _tag: "events", id, events: [], cursor, synced }
        for (const piece of cut(events, (event) => encodeEvent(this.set, event as LogEvent))) {
          const { epoch, seq } = piece.at(-1)!
          yield { _tag: "events", id, events: piece, cursor: { epoch, seq }, synced }
        }
        return
      }
      case "Volatile":
        for (const events of cut(item.events, (event) => encodeVolatile(this.set, event as NewEvent)))
          yield { _tag: "volatile", id, events }
        return
      case "CaughtUp":
        return yield { _tag: "caught-up", id, ...given("cursor", item.cursor) }
      case "Resync":
        return yield {
          _tag: "resync",
          id,
          reason: item.reason,
          ...given("survived", item.survived),
          ...given("head", item.head)
        }
      case "Lagged":
        return yield { _tag: "lagged", id, dropped: item.dropped }
    }
  }

  private *stated<S>(
    id: number,
    states: ReadonlyArray<readonly [string, S]>,
    projection: Projection<E, S>
  ): Iterable<Message> {
    const encoded = states.map(([stream, state]) => [stream, projection.encode(state)] as const)
    for (const piece of pieces(encoded, ([stream, json]) => stream.length + json.length))
      yield { _tag: "states", id, states: piece }
  }

  private *attended(id: number, item: AttentionItem<E>): Iterable<Message> {
    if (item._tag === "Began") {
      const parts = cursorPieces([...item.after].filter(([stream]) => this.isAllowed(stream)))
      for (const after of parts.slice(0, -1)) yield { _tag: "began", id, after, more: true }
      yield { _tag: "began", id, after: parts.at(-1) ?? [] }
    } else if (this.isAllowed(item.stream)) {
      const event = encodeEvent(this.set, item.event as LogEvent)
      yield { _tag: "attention", id, stream: item.stream, event }
    }
  }
}

/** Encodes events, in pieces. */
const cut = <A, B extends { readonly data: string }>(
  events: ReadonlyArray<A>,
  encode: (event: A) => B
): Iterable<ReadonlyArray<B>> => pieces(events.map(encode), ({ data }) => data.length)

const unsupported = new Unsupported({
  capability: "a projection of this name and version: the server must be given it"
})

const wireErrorOf = (failure: unknown): WireError => {
  if (failure instanceof RemoteRefused) return { kind: "Refused", detail: failure.reason }
  return isReadError(failure) ? encodeError(failure) : { kind: "StorageError" }
}

const isReadError = (error: unknown): error is ReadError =>
  ["InvalidName", "InvalidOption", "Unsupported", "StorageError", "Damaged", "LogClosed"].includes(
    (error as Partial<ReadError> | undefined)?._tag ?? ""
  )
