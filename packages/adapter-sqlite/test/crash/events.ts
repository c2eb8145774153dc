/**
 * What the workers write. An event follows from its id alone, so that whoever knows the id can hand it over again and
 * knows what must be stored under it.
 */
import { EventSet, event } from "@varve/core"
import { Schema } from "effect"

export class Crash extends EventSet.make({
  Chunk: { text: Schema.String },
  Prompt: event({ text: Schema.String }, { barrier: true }),
  TurnEnded: event({ text: Schema.String }, { durability: "synced" })
}) {}

export type Kind = "Chunk" | "Prompt" | "TurnEnded"

/** Ids are `author/life/number/kind`. */
export const idOf = (author: string, life: number, n: number, kind: Kind): string =>
  `${author}/${life}/${n}/${kind}`

export const authorOf = (id: string): string => id.slice(0, id.indexOf("/"))
export const kindOf = (id: string): string => id.slice(id.lastIndexOf("/") + 1)

/** Mostly some hundred bytes; one in sixteen fills pages of its own. */
export const textOf = (id: string): string => {
  let hash = 7
  for (let i = 0; i < id.length; i++) hash = (Math.imul(hash, 31) + id.charCodeAt(i)) >>> 0
  return `${id} `.repeat(hash % 16 === 0 ? 100 + (hash % 700) : 1 + ((hash >>> 8) % 30))
}

export const eventOf = (id: string) => Crash[kindOf(id) as Kind]({ text: textOf(id) }, { id })
