/** What is shown: a row a message and a row a tool call, in the order in which they began. */
import { Projection, Rows } from "@varve/core"
import { Schema } from "effect"
import { Session } from "./Session.ts"

export const Row = Schema.Struct({
  id: Schema.String,
  kind: Schema.Literals(["prompt", "message", "tool"]),
  text: Schema.String
})
export type Row = typeof Row.Type

const AllRows = Rows.of(Row, ({ id }) => id)

export const Transcript = Projection.make(Session, {
  name: "transcript",
  version: 1,
  state: Schema.Struct({ rows: AllRows }),
  initial: () => ({ rows: AllRows.empty() }),
  on: {
    PromptSubmitted: ({ rows }, { data }) =>
      void rows.append({ id: data.messageId, kind: "prompt", text: data.text }),
    MessageChunk: ({ rows }, { data: { messageId: id, text } }) => {
      if (!rows.update(id, (row) => ({ ...row, text: row.text + text })))
        rows.append({ id, kind: "message", text })
    },
    ToolCallUpdated: ({ rows }, { data }) => rows.set({ id: data.callId, kind: "tool", text: data.output })
  }
})
