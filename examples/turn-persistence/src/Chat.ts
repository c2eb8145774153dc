/** A chat: what is saved of it, and what is shown. */
import { EventSet, event, Projection, Rows } from "@varve/core"
import { Schema } from "effect"

export class Chat extends EventSet.make({
  PromptSubmitted: event({ turn: Schema.Number, text: Schema.String }, { barrier: true }),
  /** Plain: it survives the death of the process, and costs no sync. */
  MessageChunk: { turn: Schema.Number, text: Schema.String },
  /** Synced: once it is acknowledged, the turn survives power loss. */
  TurnEnded: event({ turn: Schema.Number }, { durability: "synced" })
}) {}

const Turn = Schema.Struct({
  turn: Schema.Number,
  prompt: Schema.String,
  answer: Schema.String,
  ended: Schema.Boolean
})
const Turns = Rows.of(Turn, ({ turn }) => String(turn))

export const Transcript = Projection.make(Chat, {
  name: "transcript",
  version: 1,
  state: Schema.Struct({ turns: Turns }),
  initial: () => ({ turns: Turns.empty() }),
  on: {
    PromptSubmitted: ({ turns }, { data: { text, turn } }) =>
      turns.set({ turn, prompt: text, answer: "", ended: false }),
    MessageChunk: ({ turns }, { data: { text, turn } }) =>
      void turns.update(String(turn), (row) => ({ ...row, answer: row.answer + text })),
    TurnEnded: ({ turns }, { data: { turn } }) =>
      void turns.update(String(turn), (row) => ({ ...row, ended: true }))
  }
})
