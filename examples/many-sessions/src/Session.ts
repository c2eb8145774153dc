/** What the sessions are made of, and what is shown of them. */
import { EventSet, event, Projection } from "@varve/core"
import { Schema } from "effect"

export class Session extends EventSet.make({
  MessageChunk: { text: Schema.String },
  ApprovalRequested: event({ question: Schema.String }, { barrier: true, attention: true }),
  ApprovalResolved: event({ request: Schema.String }, { barrier: true, attention: true })
}) {}

/** How much was said and what was said last: enough to see that nothing is missed and nothing repeated. */
export const Transcript = Projection.make(Session, {
  name: "transcript",
  version: 1,
  state: Schema.Struct({ chunks: Schema.Number, last: Schema.String, sum: Schema.Number }),
  initial: () => ({ chunks: 0, last: "", sum: 0 }),
  on: {
    MessageChunk: (state, { data, seq }) => {
      state.chunks++
      state.last = data.text
      // Different for any other order.
      state.sum = (state.sum * 31 + seq) % 1_000_003
    }
  }
})

/** Questions that nobody has answered, by the id of the event that asked. */
export const Pending = Projection.make(Session, {
  name: "pending",
  version: 1,
  state: Schema.Record(Schema.String, Schema.String),
  initial: () => ({}),
  on: {
    ApprovalRequested: (pending, { data, id }) => {
      pending[id] = data.question
    },
    ApprovalResolved: (pending, { data }) => {
      delete pending[data.request]
    }
  }
})
