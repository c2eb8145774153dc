/** Anything that carries messages both ways, in order: a WebSocket, a port of a worker, a pipe. */
import { RemoteRefused } from "./RemoteMessage.ts"

/** One side of a connection. Both sides hear of its end. */
export interface Channel {
  /** Hands a message over. May throw when the channel is closed. */
  readonly send: (text: string) => void
  /** Answers how to stop. What comes while nobody listens may be lost. */
  readonly onMessage: (listener: (text: string) => void) => () => void
  /** Called once the channel is closed, by either side or by failure; with a reason where it is known. */
  readonly onClose: (listener: (reason?: unknown) => void) => () => void
  readonly close: () => void
  /** Bytes that were sent and that the other side hasn't taken, where it can be told. */
  readonly waiting?: () => number
  /** The longest message that it carries, in characters, where there is a bound. */
  readonly longest?: number
}

/** What of a WebSocket is needed: the browser's, Node's own, or that of `ws`. */
export interface WebSocketLike {
  readonly readyState: number
  readonly bufferedAmount: number
  readonly send: (text: string) => void
  readonly close: () => void
  readonly addEventListener: (type: any, listener: (event: any) => void) => void
  readonly removeEventListener: (type: any, listener: (event: any) => void) => void
}

/** What of a `MessagePort` or a `Worker` is needed. */
export interface PortLike {
  readonly postMessage: (message: string) => void
  readonly addEventListener: (type: any, listener: (event: any) => void) => void
  readonly removeEventListener: (type: any, listener: (event: any) => void) => void
  readonly start?: () => void
  readonly close?: () => void
  readonly terminate?: () => void
}

type Emitter = Pick<WebSocketLike, "addEventListener" | "removeEventListener">

const on = (emitter: Emitter, type: string, listener: (event: any) => void): (() => void) => {
  emitter.addEventListener(type, listener)
  return () => emitter.removeEventListener(type, listener)
}

/** Texts alone are messages; other data is handed on as an empty text, which nobody takes for one. */
const onText = (emitter: Emitter, listener: (text: string) => void): (() => void) =>
  on(emitter, "message", ({ data }: { readonly data: unknown }) =>
    listener(typeof data === "string" ? data : "")
  )

/**
 * A channel over a WebSocket; it may still be connecting. Set the largest message on the socket as well: what is
 * refused there was never in memory (`maxPayload` of `ws`).
 */
export const fromWebSocket = (socket: WebSocketLike): Channel => {
  // A socket that fails tells so by closing; without a listener `ws` throws it.
  on(socket, "error", () => undefined)
  return {
    send: (text) => {
      if (socket.readyState === 0) on(socket, "open", () => socket.send(text))
      else socket.send(text)
    },
    onMessage: (listener) => onText(socket, listener),
    onClose: (listener) => on(socket, "close", () => listener()),
    close: () => socket.close(),
    waiting: () => socket.bufferedAmount
  }
}

/** A channel over a port. Of a worker that dies a port need not tell: close it yourself. */
export const fromPort = (port: PortLike): Channel => {
  const closed = new Set<() => void>()
  let isClosed = false
  const tell = (): void => {
    if (isClosed) return
    isClosed = true
    closed.forEach((listener) => listener())
  }
  on(port, "close", tell)
  return {
    send: (text) => port.postMessage(text),
    onMessage: (listener) => {
      const stop = onText(port, listener)
      port.start?.()
      return stop
    },
    onClose: (listener) => listen(closed, listener),
    close: () => {
      ;(port.close ?? port.terminate)?.call(port)
      tell()
    }
  }
}

/** What of Node's readable streams is needed: a socket, or the standard input of a child. */
export interface ReadableLike {
  readonly setEncoding: (encoding: "utf8") => unknown
  readonly on: (type: string, listener: (value: any) => void) => unknown
  readonly destroy: () => unknown
}

/** What of Node's writable streams is needed. */
export interface WritableLike {
  readonly write: (text: string) => unknown
  readonly end: () => unknown
  readonly on: (type: string, listener: (value: any) => void) => unknown
  readonly writableLength: number
}

/**
 * A channel over two streams of bytes, a message a line. A line of more than `longest` characters closes it: without a
 * bound, one that never ends would fill the memory (law S4).
 */
export const fromStreams = (input: ReadableLike, output: WritableLike, longest = 2 ** 22): Channel => {
  const messages = new Set<(text: string) => void>()
  const closes = new Set<(reason?: unknown) => void>()
  let isClosed = false
  const close = (reason?: unknown): void => {
    if (isClosed) return
    isClosed = true
    input.destroy()
    output.end()
    closes.forEach((listener) => listener(reason))
  }
  let pieces: Array<string> = []
  let length = 0
  const read = (text: string): void => {
    const lines = text.split("\n")
    for (const [i, line] of lines.entries()) {
      pieces.push(line)
      length += line.length
      if (length > longest)
        return close(new RemoteRefused({ reason: `it sent more than ${longest} characters as one message` }))
      if (i === lines.length - 1) return
      const message = pieces.join("")
      pieces = []
      length = 0
      messages.forEach((listener) => listener(message))
    }
  }
  input.setEncoding("utf8")
  input.on("data", read)
  for (const type of ["end", "close"]) input.on(type, () => close())
  output.on("close", () => close())
  for (const stream of [input, output]) stream.on("error", close)
  return {
    send: (text) => void output.write(`${text}\n`),
    onMessage: (listener) => listen(messages, listener),
    onClose: (listener) => listen(closes, listener),
    close: () => close(),
    waiting: () => output.writableLength,
    longest
  }
}

const listen = <A>(listeners: Set<A>, listener: A): (() => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Two ends that are one: what is sent into one comes out of the other, later. For tests, and within a process. */
export const pair = (): readonly [Channel, Channel] => {
  const ends = [0, 1].map(() => ({
    messages: new Set<(text: string) => void>(),
    closes: new Set<() => void>()
  }))
  let isClosed = false
  const close = (): void => {
    if (isClosed) return
    isClosed = true
    queueMicrotask(() => ends.forEach(({ closes }) => closes.forEach((listener) => listener())))
  }
  const end = (own: number): Channel => ({
    send: (text) => {
      if (isClosed) throw new Error("The channel is closed")
      queueMicrotask(() => ends[1 - own]!.messages.forEach((listener) => listener(text)))
    },
    onMessage: (listener) => listen(ends[own]!.messages, listener),
    onClose: (listener) => listen(ends[own]!.closes, listener),
    close
  })
  return [end(0), end(1)]
}
