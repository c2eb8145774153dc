/** What the hub shows of a session, folded from its events. */
import { EventSet, event, Projection } from "@varve/core"
import { Schema } from "effect"

export class Session extends EventSet.make({
  TurnStarted: event({ agent: Schema.String, prompt: Schema.String }, { barrier: true }),
  MessageChunk: { text: Schema.String },
  ToolFailed: { tool: Schema.String, message: Schema.String },
  Archived: event({}, { seals: true })
}) {}

/** Errors that are shown of a session: the first ones tell what went wrong. */
const shown = 5

export const Insight = Projection.make(Session, {
  name: "insight",
  version: 1,
  state: Schema.Struct({
    turns: Schema.Number,
    /** Turns by agent. */
    agents: Schema.Record(Schema.String, Schema.Number),
    failures: Schema.Number,
    errors: Schema.Array(Schema.Struct({ turn: Schema.Number, tool: Schema.String, message: Schema.String }))
  }),
  initial: () => ({ turns: 0, agents: {}, failures: 0, errors: [] }),
  on: {
    TurnStarted: (insight, { data: { agent } }) => {
      insight.turns++
      insight.agents[agent] = (insight.agents[agent] ?? 0) + 1
    },
    ToolFailed: (insight, { data: { message, tool } }) => {
      insight.failures++
      if (insight.errors.length < shown) insight.errors.push({ turn: insight.turns, tool, message })
    }
  }
})

export type Insight = (typeof Insight)["state"]["Type"]
