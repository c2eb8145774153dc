/**
 * Streams a session from one log into another in a child process, and kills that process again and again while records
 * are pending and an append is under way. After each kill the log is opened and compared with what was acknowledged
 * over the pipe: nothing of it may be missing, nothing may be there twice, and nothing out of order.
 */
import { spawn } from "node:child_process"
import { rmSync } from "node:fs"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { SqliteStorage } from "@varve/adapter-sqlite"
import { type Cursor, cursorOf, Varve } from "@varve/core"
import { SingleBar } from "cli-progress"
import type { TranscriptLog } from "./importing.ts"
import type { Streaming } from "./streamer.ts"
import { Transcripts } from "./Transcripts.ts"

export interface ReplayOptions {
  /** The stream to replay, and the file of its log. */
  readonly largest: string
  readonly source: string
  /** The file of the log to stream into; made anew. */
  readonly target: string
  readonly kills: number
}

export interface ReplayReport {
  readonly events: number
  readonly kills: number
  /** Kills while an append was asked for and not answered. */
  readonly inFlight: number
  /** Events acknowledged over the pipe before a kill and not found behind it. */
  readonly lost: number
  /** Events found that were not streamed, out of place or twice. */
  readonly wrong: number
  /** Events that a resumed process streamed again, because it could not know that they were stored. */
  readonly resent: number
}

const streamer = fileURLToPath(new URL("streamer.ts", import.meta.url))
const random = (from: number, to: number): number => from + Math.floor(Math.random() * (to - from + 1))

/** Replays and tells. Cost: a few seconds, most of them starting processes. */
export const replay = async (log: TranscriptLog, options: ReplayOptions): Promise<ReplayReport> => {
  const cursors: Array<Cursor> = []
  const ids: Array<string> = []
  for await (const event of log.read(options.largest)) {
    cursors.push(cursorOf(event))
    ids.push(event.id)
  }
  for (const suffix of ["", "-wal", "-shm"]) rmSync(options.target + suffix, { force: true })
  console.log(
    `Streaming ${options.largest} (${ids.length} events) in a process that is killed ${options.kills} times`
  )
  const bar = new SingleBar({
    format: "{bar} {value} of {total} events acknowledged | {kills} kills",
    clearOnComplete: true
  })
  bar.start(ids.length, 0, { kills: 0 })

  let [kills, inFlight, lost, wrong, resent, acknowledged] = [0, 0, 0, 0, 0, 0]
  for (;;) {
    const streaming: Streaming = {
      source: options.source,
      target: options.target,
      stream: options.largest,
      after: cursors[acknowledged - 1],
      burst: Math.ceil(ids.length / 250)
    }
    // Appends that this process may still begin, and microseconds that it may live behind the last of them.
    const patience = kills < options.kills ? { asks: random(3, 18), micros: random(0, 400) } : undefined
    const life = await live(streaming, patience, (seq) => bar.update(Math.max(acknowledged, seq), { kills }))
    if (life.problem !== "") throw new Error(`The streaming process failed: ${life.problem}`)
    acknowledged = Math.max(acknowledged, life.acknowledged)
    if (life.killed) kills++
    if (life.killed && life.asked > life.acknowledged) inFlight++

    const stored = await idsIn(options)
    lost += ids.slice(0, acknowledged).filter((id) => !stored.includes(id)).length
    wrong += stored.filter((id, i) => id !== ids[i]).length
    if (!life.killed) break
    resent += stored.length - acknowledged
  }
  bar.stop()
  const report = { events: ids.length, kills, inFlight, lost, wrong, resent }
  console.log(
    `${kills} kills by SIGKILL, ${inFlight} with an append in flight; ${resent} events streamed again after a resume.\n` +
      `Of ${ids.length} events: ${lost} acknowledged and lost, ${wrong} twice or out of place.`
  )
  if (lost > 0 || wrong > 0) throw new Error("Varve broke its promise. Please report this.")
  return report
}

interface Life {
  readonly killed: boolean
  /** The last event asked to be appended, and the last one acknowledged: how many events of the session. */
  readonly asked: number
  readonly acknowledged: number
  readonly problem: string
}

/** One life of the streaming process, until it is done or has been killed. */
const live = (
  streaming: Streaming,
  patience: { readonly asks: number; readonly micros: number } | undefined,
  onAck: (seq: number) => void
): Promise<Life> =>
  new Promise((resolve, reject) => {
    const args = ["--conditions=@varve/source", streamer, JSON.stringify(streaming)]
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] })
    let [asked, acknowledged, asks, killed, problem] = [0, 0, 0, false, ""]
    createInterface({ input: child.stdout }).on("line", (line) => {
      const [word, seq] = line.split(" ")
      if (word === "ack") return onAck((acknowledged = Math.max(acknowledged, Number(seq))))
      asked = Number(seq)
      if (++asks !== patience?.asks) return
      const end = performance.now() + patience.micros / 1000
      while (performance.now() < end); // timers are too coarse to end a life in the middle of a write
      killed = child.kill("SIGKILL")
    })
    child.stderr.on("data", (data) => (problem += String(data)))
    child.on("error", reject)
    child.on("close", () => resolve({ killed, asked, acknowledged, problem }))
  })

const idsIn = async ({ largest, target }: ReplayOptions): Promise<ReadonlyArray<string>> => {
  await using log = await Varve.open({
    events: Transcripts,
    storage: SqliteStorage.layer({ filename: target })
  })
  const ids: Array<string> = []
  for await (const event of log.read(largest)) ids.push(event.id)
  return ids
}
