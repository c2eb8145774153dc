/** The events that the laws of the log speak of: one of each policy. */
import { EventSet, event } from "@varve/core"
import { Schema } from "effect"

export class Session extends EventSet.make({
  Chunk: { text: Schema.String },
  Prompt: event({ text: Schema.String }, { barrier: true }),
  Asked: event({ text: Schema.String }, { barrier: true, attention: true }),
  TurnEnded: event({ text: Schema.String }, { durability: "synced" }),
  Typing: event({ text: Schema.String }, { durability: "volatile" }),
  Ended: event({}, { seals: true })
}) {}
