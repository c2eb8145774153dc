/**
 * The process that `replay.ts` kills: streams a session from one log into another as an agent would, in bursts. Most
 * events are recorded; the last of each burst is appended, and its receipt is told on the pipe. It doesn't wait for
 * receipts, so that it can be killed with records pending and an append in flight.
 */
import { writeSync } from "node:fs"
import { setTimeout } from "node:timers/promises"
import { SqliteStorage } from "@varve/adapter-sqlite"
import { type Cursor, Varve } from "@varve/core"
import { Transcripts } from "./Transcripts.ts"

/** What it is started with, as JSON. */
export interface Streaming {
  readonly source: string
  readonly target: string
  readonly stream: string
  /** The last event that was acknowledged to whoever starts it. */
  readonly after: Cursor | undefined
  /** Events a burst. */
  readonly burst: number
}

const { after, burst, source, stream, target } = JSON.parse(process.argv[2]!) as Streaming
const open = (filename: string) =>
  Varve.open({ events: Transcripts, storage: SqliteStorage.layer({ filename }) })

await using from = await open(source)
await using to = await open(target)
/** Written at once: what is on the pipe survives the kill. */
const say = (word: "ask" | "ack", seq: number): void => void writeSync(1, `${word} ${seq}\n`)

for await (const event of from.read(stream, after === undefined ? {} : { after })) {
  if (event.type === "varve/Unrecognized" || event.type === "FileRead") continue
  const { at, data, id, meta, seq, type } = event
  const again = Transcripts[type](data, { id, at, ...(meta === undefined ? {} : { meta }) })
  if (seq % burst === 0) {
    say("ask", seq)
    void to.append(stream, again).then(() => say("ack", seq))
  } else if (!to.record(stream, again)) {
    await to.flush()
  }
  // Here what was appended is written, with the first half of the next burst pending behind it.
  if (seq % burst === burst >> 1) await setTimeout(2)
}
await to.flush()
