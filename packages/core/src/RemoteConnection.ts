/** A client's side of one channel, which ends for good. */
import type { Channel } from "./Channel.ts"
import {
  type ClientMessage,
  messageLength as defaultLength,
  protocol,
  readServer,
  RemoteRefused,
  type ServerMessage
} from "./RemoteMessage.ts"
import { longest as longestTimeout } from "./Timer.ts"

type Answer = Extract<ServerMessage, { readonly id: number }>

/** See `ConnectOptions`. */
interface Bounds {
  readonly heartbeatMs?: number
  readonly messageLength?: number
}

/** What is told of a connection. */
interface Told {
  readonly stands: () => void
  readonly received: (message: Answer) => void
  readonly lost: (error: unknown) => void
}

/** One connection: from hello until it is lost, which is told once. */
export class Connection {
  /** Whether the other side has said hello. */
  stands = false
  private readonly channel: Channel
  private readonly told: Told
  private readonly longest: number
  private readonly stops: ReadonlyArray<() => void>
  private readonly heart: ReturnType<typeof setInterval> | undefined
  /** Heartbeats since something came. */
  private silent = 0
  private isOver = false

  constructor(channel: Channel, { heartbeatMs = 15_000, messageLength = defaultLength }: Bounds, told: Told) {
    this.channel = channel
    this.longest = Math.min(messageLength, channel.longest ?? Infinity)
    this.told = told
    this.stops = [
      channel.onMessage((text) => this.receive(text)),
      channel.onClose((reason) => this.end(reason))
    ]
    if (heartbeatMs > 0 && heartbeatMs <= longestTimeout)
      this.heart = setInterval(() => this.beat(), heartbeatMs)
  }

  /** Some channels answer before this returns. */
  begin(): void {
    this.send(JSON.stringify({ _tag: "hello", protocol } satisfies ClientMessage))
  }

  /** Says nothing before hello: what is asked is said again then. False for what is longer than the other side reads. */
  say(...messages: ReadonlyArray<ClientMessage>): boolean {
    if (!this.stands) return true
    const texts = messages.map((message) => JSON.stringify(message))
    if (texts.some((text) => text.length > this.longest)) return false
    for (const text of texts) this.send(text)
    return true
  }

  close(): void {
    this.end(undefined)
  }

  private send(text: string): void {
    try {
      this.channel.send(text)
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
