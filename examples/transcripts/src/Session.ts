/** What the table of sessions shows of one session, folded from its records. */
import { Projection } from "@varve/core"
import { Schema } from "effect"
import type { RecordType } from "./formats/Format.ts"
import { agentOf, interpret } from "./interpret.ts"
import { Transcripts } from "./Transcripts.ts"

const Tokens = Schema.Struct({ input: Schema.Number, output: Schema.Number, cached: Schema.Number })

export const Session = Projection.make(Transcripts, {
  name: "session",
  version: 1,
  state: Schema.Struct({
    agent: Schema.String,
    title: Schema.String,
    model: Schema.String,
    events: Schema.Number,
    firstAt: Schema.Number,
    lastAt: Schema.Number,
    turns: Schema.ReadonlySet(Schema.String),
    /** The tool of each call, by the call's key. */
    tools: Schema.ReadonlyMap(Schema.String, Schema.String),
    /** One answer may span several records that each tell its tokens: the last word counts, once. */
    answers: Schema.ReadonlyMap(Schema.String, Tokens)
  }),
  initial: () => ({
    agent: "",
    title: "",
    model: "",
    events: 0,
    firstAt: Infinity,
    lastAt: -Infinity,
    turns: new Set<string>(),
    tools: new Map<string, string>(),
    answers: new Map<string, typeof Tokens.Type>()
  }),
  on: {},
  any: (session, event) => {
    if (event.type === "FileRead" || event.type === "varve/Unrecognized") return
    session.agent = agentOf(event.type satisfies RecordType)
    session.events++
    // A record without any time has its file's, which says when it was copied.
    if (event.meta?.["time"] !== "file") {
      session.firstAt = Math.min(session.firstAt, event.at)
      session.lastAt = Math.max(session.lastAt, event.at)
    }
    for (const fact of interpret(event.type, event.id, event.data)) {
      if ("title" in fact) session.title = fact.title
      else if ("model" in fact) session.model = fact.model
      else if ("turn" in fact) session.turns.add(fact.turn)
      else if ("tool" in fact) session.tools.set(fact.call, fact.tool)
      else session.answers.set(fact.answer, fact.tokens)
    }
  }
})

export type Session = (typeof Session)["state"]["Type"]
