/**
 * The events of the import. A record of an agent is kept whole, as the JSON text that the agent wrote: formats change,
 * and whoever interprets records later must find what was there (`Session.ts` interprets them for the table).
 */
import { EventSet, event } from "@varve/core"
import { Schema } from "effect"

export class Transcripts extends EventSet.make({
  ClaudeCode: event.json(),
  Codex: event.json(),
  Copilot: event.json(),
  Pi: event.json(),
  Dsh: event.json(),
  OpenCode: event.json(),
  SweAgent: event.json(),
  /** How far a source file was read. Written behind the records that it speaks of, never before them. */
  FileRead: { file: Schema.String, position: Schema.Record(Schema.String, Schema.Unknown) }
}) {}
