/**
 * What the two sides of a channel say: the operations of a `LiveSource`, as JSON. Events cross as they are stored, with
 * their data as JSON text, so that nothing is changed on the way. Every text from the other side is judged here first.
 */
import { Schema } from "effect"
import type { Cursor } from "./Cursor.ts"
import {
  Damaged,
  InvalidName,
  InvalidOption,
  LogClosed,
  type ReadError,
  StorageError,
  Unsupported
} from "./Errors.ts"
import * as EventSet from "./EventSet.ts"
import type { LogEvent, NewEvent, UnrecognizedData } from "./LogEvent.ts"

/** Characters of data in one message: what is longer is told in pieces. */
const pieceLength = 2 ** 16

/** The longest message that a server reads, in characters, unless it is told otherwise. */
export const messageLength = 2 ** 20

/** Raised when a message changes its meaning. */
export const protocol = 1

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const Name = Schema.String
const CursorSchema = Schema.Struct({ epoch: Schema.String, seq: Count })
const Cursors = Schema.Array(Schema.Tuple([Name, CursorSchema]))

/** What asks for something under an id of the asker's; the answers carry it. */
const ask = <const T extends string, const F extends Schema.Struct.Fields>(tag: T, fields: F) =>
  Schema.TaggedStruct(tag, { id: Count, ...fields })

const Follow = ask("follow", {
  stream: Name,
  /** Whatever it is: what is no cursor gets a resync like any that cannot go on (law C4). */
  after: Schema.optionalKey(Schema.Unknown),
  replayCap: Schema.optionalKey(Count),
  /** How many answers may be sent before more credit comes. */
  credit: Count
})
const State = ask("state", { stream: Name, projection: Name, version: Count })
const States = ask("states", {
  streams: Schema.optionalKey(Schema.Array(Name)),
  prefix: Schema.optionalKey(Schema.String),
  attributes: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  projection: Name,
  version: Count,
  credit: Count
})
const Attention = ask("attention", { after: Schema.optionalKey(Cursors), credit: Count })

/** What a client says. */
export const ClientMessage = Schema.Union([
  Schema.TaggedStruct("hello", { protocol: Count }),
  Follow,
  State,
  States,
  Attention,
  /** Some of the cursors of the `attention` that follows under this id: a client may know of very many streams. */
  ask("cursors", { after: Cursors }),
  ask("credit", { more: Count }),
  ask("cancel", {}),
  Schema.TaggedStruct("ping", {})
])
export type ClientMessage = typeof ClientMessage.Type

const WireEvent = Schema.Struct({
  seq: Count,
  epoch: Schema.String,
  id: Schema.String,
  type: Schema.String,
  version: Count,
  at: Schema.Int,
  /** JSON text. */
  data: Schema.String,
  /** JSON text. */
  meta: Schema.optionalKey(Schema.String),
  writtenAt: Schema.Number
})
type WireEvent = typeof WireEvent.Type

const WireVolatile = Schema.Struct({
  id: Schema.String,
  type: Schema.String,
  version: Count,
  at: Schema.Int,
  data: Schema.String,
  meta: Schema.optionalKey(Schema.String)
})
type WireVolatile = typeof WireVolatile.Type

const Reason = Schema.Literals(["malformed", "unknown-stream", "unknown-epoch", "lost", "future", "too-far"])

/** A failure of one ask: its kind and what is safe to tell. No cause, no file of the server's. */
const WireError = Schema.Struct({
  kind: Schema.Literals([
    "InvalidName",
    "InvalidOption",
    "Unsupported",
    "StorageError",
    "Damaged",
    "LogClosed",
    "Refused"
  ]),
  detail: Schema.optionalKey(Schema.String),
  problem: Schema.optionalKey(Schema.String),
  seq: Schema.optionalKey(Count)
})
export type WireError = typeof WireError.Type

/** Why a server breaks off. */
export const RefusalReason = Schema.Literals(["protocol", "malformed", "too-large", "no-hello", "reused-id"])
export type RefusalReason = typeof RefusalReason.Type

/** What a server says. */
export const ServerMessage = Schema.Union([
  Schema.TaggedStruct("hello", { protocol: Count }),
  ask("events", { events: Schema.Array(WireEvent), cursor: CursorSchema, synced: Count }),
  ask("volatile", { events: Schema.Array(WireVolatile) }),
  ask("caught-up", { cursor: Schema.optionalKey(CursorSchema) }),
  ask("resync", {
    reason: Reason,
    survived: Schema.optionalKey(CursorSchema),
    head: Schema.optionalKey(CursorSchema)
  }),
  ask("lagged", { dropped: Count }),
  ask("state", { state: Schema.String, cursor: Schema.optionalKey(CursorSchema) }),
  ask("states", { states: Schema.Array(Schema.Tuple([Name, Schema.String])) }),
  /** `more`: the rest of the cursors follows. */
  ask("began", { after: Cursors, more: Schema.optionalKey(Schema.Boolean) }),
  ask("attention", { stream: Name, event: WireEvent }),
  ask("ended", {}),
  ask("failed", { error: WireError }),
  Schema.TaggedStruct("refused", { reason: RefusalReason }),
  Schema.TaggedStruct("pong", {})
])
export type ServerMessage = typeof ServerMessage.Type

/** Decodes a text from the other side. Throws on everything that isn't a message, whatever it holds. */
export const readClient: (text: string) => ClientMessage = reader(ClientMessage)
export const readServer: (text: string) => ServerMessage = reader(ServerMessage)

function reader<A>(schema: Schema.Codec<A, any>): (text: string) => A {
  const decode = Schema.decodeUnknownSync(schema)
  return (text) => decode(JSON.parse(text))
}

/** A key that is left out where there is nothing: `JSON` has no `undefined`. */
export const given = <K extends string, A>(key: K, value: A | undefined): { readonly [P in K]?: A } =>
  (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: A }

const metaText = (meta: NewEvent["meta"]) =>
  given("meta", meta === undefined ? undefined : JSON.stringify(meta))

/** A stored event as it crosses. What this process could not read crosses as it is stored. */
export const encodeEvent = (set: EventSet.Any, event: LogEvent): WireEvent => {
  const { at, epoch, id, meta, seq, type, writtenAt } = event
  const same = { at, epoch, id, seq, writtenAt, ...metaText(meta) }
  if (type === "varve/Unrecognized") {
    const { json, type, version } = event.data as UnrecognizedData
    return { ...same, type, version, data: json }
  }
  const definition = EventSet.definitionOf(set, type)!
  return { ...same, type, version: definition.version, data: definition.encode(event.data) }
}

export const decodeEvent = <E extends EventSet.Any>(
  set: E,
  stream: string,
  event: WireEvent
): EventSet.Stored<E> => EventSet.decode(set, { stream, seals: false, ...event, meta: event.meta })

export const encodeVolatile = (set: EventSet.Any, { at, data, id, meta, type }: NewEvent): WireVolatile => {
  const definition = EventSet.definitionOf(set, type)!
  return { at, id, type, version: definition.version, data: definition.encode(data), ...metaText(meta) }
}

/** Nothing where this side cannot read it: volatile events may be lost. */
export const decodeVolatile = (
  set: EventSet.Any,
  { at, data, id, meta, type, version }: WireVolatile
): ReadonlyArray<NewEvent> => {
  const definition = EventSet.definitionOf(set, type)
  if (definition === undefined || !definition.reads(version)) return []
  try {
    const parsed = meta === undefined ? undefined : (JSON.parse(meta) as NewEvent["meta"])
    return [{ at, id, type, data: definition.decode(version, data), meta: parsed }]
  } catch {
    return []
  }
}

/** What of a failure is told to the other side. */
export const encodeError = (error: ReadError): WireError => {
  switch (error._tag) {
    case "InvalidName":
      return { kind: error._tag, detail: error.kind, problem: error.problem }
    case "InvalidOption":
      return { kind: error._tag, detail: error.option, problem: error.problem }
    case "Unsupported":
      return { kind: error._tag, detail: error.capability }
    case "StorageError":
      return { kind: error._tag, detail: error.operation }
    case "Damaged":
      return { kind: error._tag, problem: error.problem, ...given("seq", error.seq) }
    case "LogClosed":
      return { kind: error._tag }
  }
}

/** The same failure on this side. */
export const decodeError = (
  stream: string,
  { detail = "", kind, problem = "", seq }: WireError
): ReadError => {
  switch (kind) {
    case "InvalidName":
      return new InvalidName({ kind: detail, problem })
    case "InvalidOption":
      return new InvalidOption({ option: detail, problem })
    case "Unsupported":
      return new Unsupported({ capability: detail })
    case "Damaged":
      return new Damaged({ stream, problem, ...given("seq", seq) })
    case "LogClosed":
      return new LogClosed()
    case "StorageError":
      return new StorageError({ operation: `${detail} (remote)`, stream, cause: undefined })
    case "Refused":
      return new StorageError({ operation: "remote", stream, cause: new RemoteRefused({ reason: detail }) })
  }
}

/**
 * The other side doesn't do what is asked of it: too many asks, a stream that isn't for this peer, an answer longer than
 * the channel takes.
 */
export class RemoteRefused extends Schema.TaggedError<RemoteRefused>()("RemoteRefused", {
  reason: Schema.String
}) {
  override get message() {
    return `Refused over a channel: ${this.reason}.`
  }
}

/** Cuts what is to be sent where it would be more than {@link pieceLength} at once. */
export const pieces = function* <A>(
  items: Iterable<A>,
  lengthOf: (item: A) => number
): Generator<ReadonlyArray<A>> {
  let piece: Array<A> = []
  let length = 0
  for (const item of items) {
    const size = lengthOf(item)
    if (piece.length > 0 && length + size > pieceLength) {
      yield piece
      piece = []
      length = 0
    }
    piece.push(item)
    length += size
  }
  if (piece.length > 0) yield piece
}

/** Cursors as they cross: an array, since stream names are any text; in pieces that any side reads. */
export const cursorPieces = (
  cursors: Iterable<readonly [string, Cursor]>
): ReadonlyArray<ReadonlyArray<readonly [string, Cursor]>> =>
  // A character takes six at most, as an escape.
  [...pieces(cursors, ([stream, { epoch }]) => (stream.length + epoch.length) * 6 + 64)]
