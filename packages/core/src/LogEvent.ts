/** Events as an application sees them: made, handed over, read. */
import type { Cursor } from "./Cursor.ts"

/** A small record of strings beside the data: who, why, from where. Not part of the content that dedup compares. */
export interface Meta {
  readonly agent?: string
  /** The id of the event or command that caused this one. */
  readonly causation?: string
  /** What belongs together across streams: a request, a conversation. */
  readonly correlation?: string
  /** Where it was imported from. */
  readonly source?: string
  readonly [key: string]: string | undefined
}

/** An event that isn't stored yet. `Session.Prompt({ text })` makes one; don't change it after handing it over. */
export interface NewEvent<Type extends string = string, Data = unknown> {
  readonly type: Type
  readonly data: Data
  /** The key of idempotency within the stream. */
  readonly id: string
  /** When it happened: integer epoch ms. */
  readonly at: number
  readonly meta: Meta | undefined
}

/** A stored event. `type` discriminates `data`. */
export interface LogEvent<Type extends string = string, Data = unknown> extends NewEvent<Type, Data> {
  readonly stream: string
  /** 1, 2, 3, ... within its stream. */
  readonly seq: number
  /** The epoch that it was written under. */
  readonly epoch: string
  /** The version of the type that it was stored with; `data` is lifted to the current one. */
  readonly version: number
  /** When it was written, by the storage's clock: epoch ms. */
  readonly writtenAt: number
}

/** The cursor of an event: what to keep after handling it, to go on behind it. */
export const cursorOf = (event: Pick<LogEvent, "epoch" | "seq">): Cursor => ({
  epoch: event.epoch,
  seq: event.seq
})

/** What a stored event turns into that no definition can read: nothing is dropped, nothing crashes. */
export interface UnrecognizedData {
  /** The type it was stored with. */
  readonly type: string
  readonly version: number
  /** The stored JSON text, unchanged. */
  readonly json: string
  readonly problem: "unknown-type" | "unknown-version" | "undecodable"
}

/** See {@link UnrecognizedData}. */
export type Unrecognized = LogEvent<"varve/Unrecognized", UnrecognizedData>
