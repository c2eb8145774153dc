/** The load that rows share: events as sessions have them, spread over streams. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { EventSet, event } from "@varve/core"
import { Schema } from "effect"

export class Session extends EventSet.make({
  Chunk: { messageId: Schema.String, text: Schema.String },
  ToolUpdated: { callId: Schema.String, output: Schema.String },
  PromptSubmitted: event({ text: Schema.String }, { barrier: true }),
  TurnEnded: event({ stopReason: Schema.String }, { durability: "synced" }),
  Ended: event({}, { seals: true })
}) {}

/** About 400 bytes once stored. */
const usual = "The quick brown fox jumps over the lazy dog. ".repeat(8).slice(0, 340)
export const chunk = (text = usual, own: { readonly id?: string } = {}) =>
  Session.Chunk({ messageId: "message-1", text }, own)
export const chunks = (count: number) => Array.from({ length: count }, () => chunk())

/** The names of 100 streams, taken in turn. */
export const streams = Array.from({ length: 100 }, (_, i) => `session/${i}`)

export interface Scratch {
  readonly path: (name: string) => string
  readonly remove: () => void
}

/** A folder for files that are measured; VARVE_BENCH_DIR says on which disk. Gone with the process at the latest. */
export const scratch = (): Scratch => {
  const folder = mkdtempSync(join(process.env["VARVE_BENCH_DIR"] ?? tmpdir(), "varve-bench-"))
  folders.add(folder)
  return { path: (name) => join(folder, name), remove: () => remove(folder) }
}

const folders = new Set<string>()
const remove = (folder: string): void => {
  rmSync(folder, { recursive: true, force: true })
  folders.delete(folder)
}
process.once("exit", () => folders.forEach(remove))

/** What is made once, when first asked for, however many rows ask. */
export const onlyOnce = <A>(make: () => Promise<A>): (() => Promise<A>) => {
  let made: Promise<A> | undefined
  return () => (made ??= make())
}
