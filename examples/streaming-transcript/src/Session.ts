/** A session of an agent as it streams: text in small pieces, and tool calls whose output is told anew each time. */
import { EventSet, event } from "@varve/core"
import { Schema } from "effect"

export class Session extends EventSet.make({
  PromptSubmitted: event({ messageId: Schema.String, text: Schema.String }, { barrier: true }),
  MessageChunk: { messageId: Schema.String, text: Schema.String },
  ToolCallUpdated: { callId: Schema.String, output: Schema.String }
}) {}
