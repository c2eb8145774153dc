/**
 * The process that gets killed: opens a log and writes to it until its plan or its life ends, telling what it asked
 * and what was acknowledged. It tells by `writeSync`, because what is in a pipe survives the kill.
 */
import { readSync, writeSync } from "node:fs"
import { setImmediate, setTimeout } from "node:timers/promises"
import { SqliteStorage } from "@varve/adapter-sqlite"
import { type Receipt, Varve } from "@varve/core"
import { Crash, eventOf, idOf, type Kind } from "./events.ts"
import { unsynced } from "./lies.ts"
import type { Line, Plan, StreamPlan } from "./protocol.ts"
import { Random } from "./Random.ts"

const tell = (...line: Line): void => void writeSync(1, `${JSON.stringify(line)}\n`)

/** Waits for the plan, blocking: everything is loaded by then, so that a life begins with opening the file. */
const readPlan = (): Plan => {
  let text = ""
  const buffer = Buffer.alloc(65_536)
  while (!text.endsWith("\n")) {
    const bytes = readSync(0, buffer)
    if (bytes === 0) process.exit(0)
    text += buffer.toString("utf8", 0, bytes)
  }
  return JSON.parse(text) as Plan
}

const plan = readPlan()
const random = new Random(plan.seed)
const honest = SqliteStorage.layer({ filename: plan.file })
const open = () =>
  Varve.open({
    events: Crash,
    storage: plan.lie === "unsynced" ? unsynced(honest) : honest,
    tick: 4,
    onFailure: ({ stream, cause }) => tell("failed", stream, tagOf(cause))
  })
const tagOf = (error: unknown): string => String((error as { readonly _tag?: unknown } | null)?._tag ?? error)

const log = await open().catch((error: unknown) => {
  if (plan.mode !== "retry") throw error
  tell("failed", "", tagOf(error))
  return open()
})
log.listen(({ stream, events, head }) => {
  if (events.length === 0 || head === undefined) return
  const seqs = events.map(({ id, seq }) => [id, seq] as const)
  tell("told", stream, seqs, head.synced, head.cursor.epoch)
})
tell("at", "open")

/** A stream as this life writes it. */
class Writing {
  readonly stream: string
  readonly own: boolean
  /** Handed over and settled, or handed over before: good for sending again. */
  readonly ids: Array<string>
  exists = false
  label = plan.life * 100_000
  private n = 0

  constructor({ stream, own, resend }: StreamPlan) {
    this.stream = stream
    this.own = own
    this.ids = [...resend]
  }

  fresh(kind: Kind): string {
    const id = idOf(plan.author, plan.life, ++this.n, kind)
    this.ids.push(id)
    return id
  }
}

const streams = plan.streams.map((stream) => new Writing(stream))
const pending = new Set<Promise<void>>()

const record = (writing: Writing, ids: ReadonlyArray<string>): void => {
  tell("ask", writing.stream, ids, false)
  for (const id of ids) log.record(writing.stream, eventOf(id))
}

/** What can be told of a receipt. */
const acknowledge = (stream: string, { events, head, durability }: Receipt): void => {
  const last = Math.max(...events.map(({ seq }) => seq))
  const synced = Math.max(head?.synced ?? 0, durability === "synced" ? last : 0)
  tell(
    "ack",
    stream,
    events.map(({ id, seq }) => [id, seq] as const),
    synced
  )
}

const append = (writing: Writing, ids: ReadonlyArray<string>, durability: "written" | "synced"): void => {
  const { stream } = writing
  tell("ask", stream, ids, true)
  if (plan.lie === "early") {
    tell(
      "ack",
      stream,
      ids.map((id) => [id, 0] as const),
      0
    )
  }
  keep(
    stream,
    log.append(stream, ids.map(eventOf), { durability }).then((receipt) => {
      writing.exists = true
      acknowledge(stream, receipt)
    })
  )
}

const label = (writing: Writing): void => {
  const { stream } = writing
  const value = ++writing.label
  tell("label", stream, value)
  keep(
    stream,
    log.label(stream, { label: String(value) }).then(() => tell("labelled", stream, value))
  )
}

/** Lets it run. Whoever failed goes no further: what comes behind would be a hole in what was handed over. */
const keep = (stream: string, done: Promise<void>): void => {
  const settled = done.then(
    () => void pending.delete(settled),
    (error: unknown) => {
      tell("failed", stream, tagOf(error))
      return new Promise<void>(() => setInterval(() => undefined, 60_000))
    }
  )
  pending.add(settled)
}

const some = (writing: Writing, kind: Kind, most: number): Array<string> =>
  Array.from({ length: random.int(1, most) }, () => writing.fresh(kind))

const durability = () => random.pick(["written", "synced"] as const)

/** Hands over again what may be stored or not, by both ways. */
const resume = (writing: Writing, ids: ReadonlyArray<string>): void => {
  for (let i = 0; i < ids.length;) {
    const part = ids.slice(i, (i += random.int(1, 5)))
    if (random.chance(0.5)) record(writing, part)
    else append(writing, part, durability())
  }
}

const mixed = async (): Promise<void> => {
  plan.streams.forEach(({ resend }, i) => resume(streams[i]!, resend))
  for (let step = 0; step < plan.steps; step++) {
    const writing = random.pick(streams)
    const dice = random.int(1, 100)
    if (dice <= 40) record(writing, some(writing, "Chunk", 20))
    else if (dice <= 48) record(writing, some(writing, "Prompt", 1))
    else if (dice <= 54) record(writing, some(writing, "TurnEnded", 1))
    else if (dice <= 66) append(writing, some(writing, "Chunk", 8), "written")
    else if (dice <= 78) append(writing, some(writing, "Chunk", 8), "synced")
    else if (dice <= 84) {
      const again = writing.ids.slice(-random.int(1, 6)).slice(0, random.int(1, 3))
      append(writing, [...again, ...some(writing, "Chunk", 3)], durability())
    } else if (dice <= 88) {
      if (writing.own && writing.exists) label(writing)
    } else if (dice <= 92) await setTimeout(random.int(1, 8))
    else if (dice <= 94) {
      await log.flush()
      tell("flushed")
    } else await setImmediate()
    if (pending.size > 6) await Promise.race(pending)
  }
}

const retry = async (): Promise<void> => {
  for (let step = 0; step < plan.steps; step++) {
    const writing = random.pick(streams)
    const ids = some(writing, "Chunk", 5)
    tell("ask", writing.stream, ids, true)
    for (let attempt = 1; ; attempt++) {
      try {
        const asked = { durability: durability() }
        acknowledge(writing.stream, await log.append(writing.stream, ids.map(eventOf), asked))
        break
      } catch (error) {
        tell("failed", writing.stream, tagOf(error))
        if (attempt === 10) throw error
      }
    }
  }
}

const turns = async (): Promise<void> => {
  for (let step = 0; step < plan.steps; step++) {
    const writing = streams[0]!
    tell("at", "turn")
    record(writing, some(writing, "Prompt", 1))
    for (let request = 0; request < 3; request++) {
      record(writing, some(writing, "Chunk", 6))
      await setTimeout(6) // beyond a tick: several groups of a turn, yet one sync
    }
    const end = writing.fresh("TurnEnded")
    tell("ask", writing.stream, [end], true)
    acknowledge(writing.stream, await log.append(writing.stream, eventOf(end)))
    tell("at", "turn-ended")
  }
}

await { mixed, retry, turns }[plan.mode]()
tell("at", "closing")
await log.close()
tell("at", "closed")
process.exit(0)
