/**
 * Every failure by name. Each says what happened and what to do next, and carries stream, seq, file and offset as
 * fields where they are known. None carries payload (law S6): transcripts hold secrets, and errors end up in logs.
 */
import { Schema } from "effect"

const Position = Schema.Union([Schema.Number, Schema.Struct({ epoch: Schema.String, seq: Schema.Number })])
type Position = typeof Position.Type

const at = (position: Position | undefined): string =>
  position === undefined
    ? "an existing stream"
    : typeof position === "number"
      ? `seq ${position}`
      : `seq ${position.seq} of epoch ${position.epoch}`

/** A stream name, event id, type or attribute is ill-formed. Nothing was written. */
export class InvalidName extends Schema.TaggedError<InvalidName>()("InvalidName", {
  kind: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    return `This ${this.kind} ${this.problem}. Nothing was written; mend the name (StreamId.of and EventId.derive make good ones).`
  }
}

/** An event doesn't fit its definition, or JSON cannot carry it. Nothing was written. */
export class InvalidEvent extends Schema.TaggedError<InvalidEvent>()("InvalidEvent", {
  stream: Schema.String,
  type: Schema.String,
  id: Schema.optional(Schema.String),
  /** The field of `data`, or empty for the event as a whole. */
  path: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    const where = this.path === "" ? "" : ` at ${this.path}`
    return `Event ${this.type} for stream ${this.stream} ${this.problem}${where}. Nothing was written; mend the event.`
  }
}

/** An option of a log, an append or a query has no meaning. Nothing was written or read; mend the option. */
export class InvalidOption extends Schema.TaggedError<InvalidOption>()("InvalidOption", {
  option: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    return `The option ${this.option} ${this.problem}. Nothing was done; mend the option.`
  }
}

/** The stream is not where the caller expected it. Nothing was written; read what is new and decide again. */
export class Conflict extends Schema.TaggedError<Conflict>()("Conflict", {
  stream: Schema.String,
  expected: Schema.optional(Position),
  actual: Schema.optional(Schema.Struct({ epoch: Schema.String, seq: Schema.Number }))
}) {
  override get message() {
    return `Stream ${this.stream} is at ${at(this.actual ?? 0)}, not at ${at(this.expected)}. Nothing was written; read what is new and decide again.`
  }
}

/** The stream was sealed by an earlier event and takes no new ones. Nothing was written. */
export class Sealed extends Schema.TaggedError<Sealed>()("Sealed", {
  stream: Schema.String,
  seq: Schema.Number
}) {
  override get message() {
    return `Stream ${this.stream} was sealed at seq ${this.seq} and takes no new events. Nothing was written; go on in a new stream.`
  }
}

/** The id is taken by an event with other content. Nothing was written. */
export class IdConflict extends Schema.TaggedError<IdConflict>()("IdConflict", {
  stream: Schema.String,
  id: Schema.String,
  seq: Schema.Number
}) {
  override get message() {
    return `Event id ${this.id} of stream ${this.stream} is taken at seq ${this.seq} by an event with other content. Nothing was written; give the new event an id of its own, or append with onIdConflict: "keep".`
  }
}

/** Another process writes this stream. Nothing was written; try later, or write through the owner. */
export class Busy extends Schema.TaggedError<Busy>()("Busy", {
  stream: Schema.String,
  owner: Schema.String
}) {
  override get message() {
    return `Stream ${this.stream} is being written by ${this.owner}. Nothing was written; try again when it has let go.`
  }
}

/** The storage refused the append, and nothing of it was written. */
export class AppendRejected extends Schema.TaggedError<AppendRejected>()("AppendRejected", {
  stream: Schema.String,
  cause: Schema.Defect()
}) {
  override get message() {
    return `The storage refused an append to stream ${this.stream}: ${reasonOf(this.cause)}. Nothing was written; it is safe to try again.`
  }
}

/** A write failed half-way: the events may be stored or not. Append them again under the same ids: one copy stays. */
export class AppendUnknown extends Schema.TaggedError<AppendUnknown>()("AppendUnknown", {
  stream: Schema.String,
  cause: Schema.Defect()
}) {
  override get message() {
    return `It is unknown whether an append to stream ${this.stream} was stored: ${reasonOf(this.cause)}. Append the same events again, with the same ids: exactly one copy will be stored.`
  }
}

/** Recorded events could not be stored. Told once: by the stream's next append or flush, or by `flush` or `close` of all. */
export class RecordFailed extends Schema.TaggedError<RecordFailed>()("RecordFailed", {
  failures: Schema.Array(
    Schema.Struct({
      stream: Schema.String,
      /** The ids of the events that were not stored, at most 100 of them. */
      ids: Schema.Array(Schema.String),
      /** How many events were not stored. */
      count: Schema.Number,
      /** What refused the first of them. */
      cause: Schema.Defect()
    })
  )
}) {
  override get message() {
    return this.failures
      .map(
        ({ stream, ids, count, cause }) =>
          `${count} recorded events of stream ${stream} were not stored, the first being ${ids[0]}: ${reasonOf(cause)}`
      )
      .join("; ")
  }
}

/** More is recorded than storage takes. The event was not taken; wait for `flush` and record it again. */
export class QueueFull extends Schema.TaggedError<QueueFull>()("QueueFull", {
  stream: Schema.String,
  events: Schema.Number,
  bytes: Schema.Number
}) {
  override get message() {
    return `${this.events} events of about ${this.bytes} bytes wait to be stored. The event for stream ${this.stream} was not taken; flush, then record it again.`
  }
}

/** Nothing is stored under this name, and something was asked of it: a label, a copy. Nothing was written. */
export class StreamNotFound extends Schema.TaggedError<StreamNotFound>()("StreamNotFound", {
  stream: Schema.String
}) {
  override get message() {
    return `Stream ${this.stream} doesn't exist. Append its first event before that, or mend the name.`
  }
}

/** A copy failed after some of it was stored. Mend the cause and copy again: it goes on where it stopped. */
export class CopyFailed extends Schema.TaggedError<CopyFailed>()("CopyFailed", {
  /** The stream that it goes to. */
  stream: Schema.String,
  /** Events that this copy has stored. */
  copied: Schema.Number,
  /** Where the stream stands after them. */
  head: Schema.optional(Schema.Struct({ epoch: Schema.String, seq: Schema.Number })),
  /** What stopped it: an error of this page. What that says of nothing written is about the events that came next. */
  cause: Schema.Defect()
}) {
  override get message() {
    return `${this.copied} events were copied to stream ${this.stream}; then the copy failed. Mend the cause and copy again: it goes on where it stopped. The cause, of the events that came next: ${reasonOf(this.cause)}`
  }
}

/** A cursor cannot go on: the history that it belongs to is not the stored one. Read again from `survived` or the start. */
export class CursorLost extends Schema.TaggedError<CursorLost>()("CursorLost", {
  stream: Schema.String,
  reason: Schema.Literals(["malformed", "unknown-stream", "unknown-epoch", "lost", "future", "too-far"]),
  /** Up to here both histories agree, where that can be told. */
  survived: Schema.optional(Schema.Struct({ epoch: Schema.String, seq: Schema.Number }))
}) {
  override get message() {
    return `The cursor of stream ${this.stream} cannot go on (${this.reason}). Read again from ${this.survived === undefined ? "the start" : at(this.survived)}.`
  }
}

/** The log is closed; what it had accepted is settled. */
export class LogClosed extends Schema.TaggedError<LogClosed>()("LogClosed", {}) {
  override get message() {
    return "This log is closed. Open it again to go on."
  }
}

/** A storage could not answer. */
export class StorageError extends Schema.TaggedError<StorageError>()("StorageError", {
  operation: Schema.String,
  stream: Schema.optional(Schema.String),
  cause: Schema.Defect()
}) {
  override get message() {
    const what = this.stream === undefined ? "" : ` of stream ${this.stream}`
    return `The storage failed at ${this.operation}${what}: ${reasonOf(this.cause)}`
  }
}

/** Stored bytes are not what was written. What is before and beside them can still be read. */
export class Damaged extends Schema.TaggedError<Damaged>()("Damaged", {
  stream: Schema.String,
  seq: Schema.optional(Schema.Number),
  file: Schema.optional(Schema.String),
  /** In bytes from the start of the file. */
  offset: Schema.optional(Schema.Number),
  problem: Schema.String
}) {
  override get message() {
    const seq = this.seq === undefined ? "" : ` seq ${this.seq}`
    const file =
      this.file === undefined
        ? ""
        : ` (${this.file}${this.offset === undefined ? "" : ` at byte ${this.offset}`})`
    return `Stream ${this.stream}${seq} is damaged${file}: ${this.problem}. Restore it from a backup, or read the rest with onDamage: "report".`
  }
}

/** A projection's state doesn't fit its schema, and cannot be stored. */
export class InvalidState extends Schema.TaggedError<InvalidState>()("InvalidState", {
  projection: Schema.String
}) {
  override get message() {
    return `The state of projection ${this.projection} does not fit its schema. No snapshot was saved; mend the schema or the handlers.`
  }
}

/** Others moved the stream at each of so many tries. Nothing was written. */
export class DecisionFailed extends Schema.TaggedError<DecisionFailed>()("DecisionFailed", {
  stream: Schema.String,
  tries: Schema.Number
}) {
  override get message() {
    return `Stream ${this.stream} was moved by others at each of ${this.tries} tries to decide on it. Nothing was written; try again later, or allow more tries.`
  }
}

/** This storage cannot do what is asked of it: see `storage.supports`. */
export class Unsupported extends Schema.TaggedError<Unsupported>()("Unsupported", {
  capability: Schema.String
}) {
  override get message() {
    return `This storage does not support ${this.capability}. Ask without it, or take a storage that does.`
  }
}

/** A storage cannot be opened: wrong folder or file, too old or new a format, or too old a Node. */
export class OpenFailed extends Schema.TaggedError<OpenFailed>()("OpenFailed", {
  /** `unsupported`: the log asks for what the storage doesn't do. `in-use`: somebody else has it open who mustn't. */
  reason: Schema.Literals([
    "unreachable",
    "newer-version",
    "not-a-store",
    "node-too-old",
    "unsupported",
    "in-use"
  ]),
  file: Schema.optional(Schema.String),
  problem: Schema.String
}) {
  override get message() {
    return this.file === undefined ? this.problem : `${this.file}: ${this.problem}`
  }
}

/** What an append may fail with. */
export type AppendError =
  | InvalidName
  | InvalidOption
  | InvalidEvent
  | Conflict
  | Sealed
  | IdConflict
  | Busy
  | AppendRejected
  | AppendUnknown
  | RecordFailed
  | QueueFull
  | LogClosed

/** What a read may fail with. */
export type ReadError = InvalidName | InvalidOption | Unsupported | StorageError | Damaged | LogClosed

/** Errors of Varve, whose messages never hold payload. */
const own = new Set<unknown>()

/** A cause in a few words: its name and code. A foreign message may hold payload (`JSON.parse` quotes its input). */
const reasonOf = (cause: unknown): string => {
  if (typeof cause !== "object" || cause === null) return "no reason given"
  const { code, message, name } = cause as {
    readonly code?: unknown
    readonly message?: unknown
    readonly name?: unknown
  }
  if (own.has((cause as object).constructor)) return String(message)
  const known = typeof name === "string" ? name : "an error"
  return typeof code === "string" ? `${known} ${code}` : known
}

for (const error of [
  InvalidName,
  InvalidEvent,
  InvalidOption,
  Conflict,
  Sealed,
  IdConflict,
  Busy,
  AppendRejected,
  AppendUnknown,
  RecordFailed,
  QueueFull,
  StreamNotFound,
  CopyFailed,
  CursorLost,
  InvalidState,
  DecisionFailed,
  LogClosed,
  StorageError,
  Damaged,
  Unsupported,
  OpenFailed
])
  own.add(error)
