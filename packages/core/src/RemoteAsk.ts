/** What a client asks over a channel, and goes on asking over the next one: each ask knows how far its answers came. */
import type { Cursor } from "./Cursor.ts"
import type { ReadError } from "./Errors.ts"
import type * as EventSet from "./EventSet.ts"
import type { AttentionItem, FollowItem } from "./LiveSource.ts"
import {
  type ClientMessage,
  cursorPieces,
  decodeError,
  decodeEvent,
  decodeVolatile,
  given,
  type ServerMessage
} from "./RemoteMessage.ts"

/** Answers that may be on their way for one ask. */
export const credit = 16

/** Something that is asked, for as long as anybody wants it. */
export interface Ask {
  /** What to say on a new connection. */
  readonly request: () => ReadonlyArray<ClientMessage>
  readonly receive: (message: ServerMessage) => void
  /** The connection is gone; another will come. */
  readonly lost: () => void
  readonly fail: (error: ReadError) => void
}

/** What has come and is not taken yet. Bounded by the credit that was given. */
export class Sink {
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

/** A stream, from the last event that came. */
export class Follow<E extends EventSet.Any> implements Ask {
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

export type Piece = Extract<ServerMessage, { readonly _tag: "states" }>["states"]

/** States of many streams: asked once, answered in pieces. */
export class Query implements Ask {
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

/** The attention events of all streams, behind the cursors of those that came. */
export class Attention<E extends EventSet.Any> implements Ask {
  private readonly set: E
  private readonly id: number
  private readonly sink: Sink
  private told: Map<string, Cursor> | undefined
  /** The beginning, as far as it has come. */
  private began = new Map<string, Cursor>()

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

  lost(): void {
    this.began = new Map()
  }

  fail(error: ReadError): void {
    this.sink.end(error)
  }

  receive(message: ServerMessage): void {
    const { set, sink } = this
    switch (message._tag) {
      case "began": {
        const { began } = this
        for (const [stream, cursor] of message.after) began.set(stream, cursor)
        if (message.more === true) return
        this.began = new Map()
        this.told = new Map(began)
        return sink.push({ _tag: "Began", after: began } satisfies AttentionItem<E>)
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
