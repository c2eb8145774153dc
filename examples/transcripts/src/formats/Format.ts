/**
 * What a format has to tell: how it is recognized, how its records name their session, themselves and their time, and
 * what they mean for the table of sessions. Each format is one file beside this one; `formats.ts` lists them.
 */
import type { Json } from "../json.ts"

/** The type that a record of each format gets as an event. The record itself stays as the agent wrote it. */
export type RecordType = "ClaudeCode" | "Codex" | "Copilot" | "Pi" | "Dsh" | "OpenCode" | "SweAgent"

/** One of the many things that a record may tell. Keys make counting safe: what has one key counts once a stream. */
export type Fact =
  | { readonly title: string }
  | { readonly model: string }
  /** A prompt of the user. */
  | { readonly turn: string }
  /** A call of the tool with this name. */
  | { readonly tool: string; readonly call: string }
  /** What an answer of the model cost. Told again under the same key, the last word replaces the earlier ones. */
  | { readonly answer: string; readonly tokens: Tokens }

export interface Tokens {
  /** Read by the model anew: not from a cache, writing to the cache included. */
  readonly input: number
  /** Written by the model, reasoning included. */
  readonly output: number
  /** Read from a cache. */
  readonly cached: number
}

interface Told {
  readonly type: RecordType
  /** The agent's name: first part of its streams' names. */
  readonly agent: string
  /**
   * The session that this record says it belongs to; it holds for the records behind it that say nothing. A format
   * without sessions, or with ids that don't tell them apart, leaves this out: there a file is a stream.
   */
  readonly session?: (record: Json) => unknown
  /** The first session told holds for the whole file, whatever comes later. */
  readonly oneSession?: boolean
  /** The record's own id, unique in its stream for good. Where records have none it is derived (`identity.ts`). */
  readonly id?: (record: Json) => unknown
  /** When it happened, in any notation that `instant.ts` reads. */
  readonly time?: (record: Json) => unknown
  /** What it means. `id` is the event's id: the key for what has no other. */
  readonly facts: (record: Json, id: string) => Iterable<Fact>
}

/** One record a line. */
export interface LineFormat extends Told {
  readonly layout: "lines"
  /** Whether this record can only be this agent's. */
  readonly recognizes: (record: Json) => boolean
}

/** One JSON document a file: a header (all but its list) and one record for each element of the list. */
export interface DocumentFormat extends Told {
  readonly layout: "document"
  /** The name of the list, if the outline can only be this agent's. */
  readonly list: (outline: Outline) => string | undefined
}

export type Format = LineFormat | DocumentFormat

/** The fields of a document, each with the names of the fields inside it, or inside its first element. */
export type Outline = ReadonlyMap<string, ReadonlySet<string>>
