/** Projections under test, and what they must answer, worked out without folding. */
import { Projection, Rows } from "@varve/core"
import { Schema } from "effect"
import { Session } from "./Session.ts"

const Line = Schema.Struct({ id: Schema.String, text: Schema.String })
const Lines = Rows.of(Line, (line) => line.id)

/** A row a turn, the texts of its chunks in it; and the first row holds the number of turns. */
export const Page = Projection.make(Session, {
  name: "page",
  version: 1,
  state: Schema.Struct({ lines: Lines, turns: Schema.Number }),
  initial: () => ({ lines: Lines.empty(), turns: 0 }),
  on: {
    Chunk: ({ lines, turns }, { data }) => {
      const id = `line ${turns}`
      if (!lines.update(id, (line) => ({ id, text: line.text + data.text })))
        lines.append({ id, text: data.text })
    },
    TurnEnded: (page, { data }) => {
      page.turns++
      page.lines.update("line 0", (line) => ({ ...line, text: `${line.text}|${data.text}` }))
    }
  }
})

/** As it is compared. */
export const told = ({ lines, turns }: Page) => ({ lines: lines.toArray(), turns })
export type Page = (typeof Page)["state"]["Type"]

/** What a page must be, worked out from the texts and not by folding: `.` ends a turn. */
export const pageOf = (texts: ReadonlyArray<string>) => {
  const turns = texts.join("").split(".")
  const ends = turns.length - 1
  return {
    lines: turns.flatMap((text, i) => {
      // The first row tells each turn that ended behind it; an empty turn has no row.
      const marks = i === 0 && text !== "" ? "|.".repeat(ends) : ""
      return text === "" ? [] : [{ id: `line ${i}`, text: text + marks }]
    }),
    turns: ends
  }
}

/** `.` ends a turn, all else is a chunk of one. */
export const eventOf = (text: string) =>
  text === "." ? Session.TurnEnded({ text: "." }) : Session.Chunk({ text })

export const chunks = (count: number, text = "x") =>
  Array.from({ length: count }, () => Session.Chunk({ text }))

/** Chunks by stream: a small state. */
export const Tally = Projection.make(Session, {
  name: "tally",
  version: 1,
  state: Schema.Record(Schema.String, Schema.Number),
  initial: () => ({}),
  on: {
    Chunk: (tally, { stream }) => {
      tally[stream] = (tally[stream] ?? 0) + 1
    }
  }
})
