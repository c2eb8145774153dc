import { EventSet, event, Projection } from "@varve/core"
import { Schema } from "effect"
import * as fc from "fast-check"
import { coalescingLaws } from "../src/index.ts"

class Chat extends EventSet.make({
  Asked: event({ text: Schema.String }, { barrier: true }),
  Said: { text: Schema.String, at: Schema.Date },
  Done: event({}, { durability: "synced" })
}) {}

const Transcript = Projection.make(Chat, {
  name: "transcript",
  version: 1,
  state: Schema.Array(Schema.String),
  initial: () => [],
  on: {
    Asked: (lines, { data }) => void lines.push(`> ${data.text}`),
    Said: (lines, { data }) => void lines.push(data.text),
    Done: (lines) => void lines.push("done")
  }
})

const recorded = fc.array(
  fc.oneof(
    fc.string().map((text) => Chat.Asked({ text })),
    fc.tuple(fc.string(), fc.date({ noInvalidDate: true })).map(([text, at]) => Chat.Said({ text, at })),
    fc.constant(0).map(() => Chat.Done({}))
  ),
  { maxLength: 12 }
)

coalescingLaws(Chat, { recorded, projection: Transcript, runs: 50 })
