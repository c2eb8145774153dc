/**
 * The client: opens session after session, and follows four. `node client.ts <port>`; tells its parent what it shows.
 * It keeps nothing on disk: after a restart it asks what is pending, and goes on.
 */
import { Channel, LiveSet, Remote } from "@varve/core"
import { Effect } from "effect"
import { Pending, Session, Transcript } from "./Session.ts"

const [port] = process.argv.slice(2)
const remote = Remote.connect(Session, () => Channel.fromWebSocket(new WebSocket(`ws://127.0.0.1:${port}`)), {
  backoff: { mostMs: 500 }
})

/** Questions by the id of their event, and when each was told. */
const pending = new Map<string, string>()
const resolved = new Set<string>()
const told: Array<string> = []
let evicted = 0
let hasPending = false

const live = await LiveSet.open(remote, Transcript, {
  capacity: 4,
  backoff: { mostMs: 500 },
  onError: () => undefined,
  onAttentionBegan: () => void recover(),
  onAttention: ({ event, stream }) => {
    told.push(event.id)
    if (!live.live().includes(stream)) evicted++
    if (event.type === "ApprovalRequested") pending.set(event.id, event.data.question)
    if (event.type === "ApprovalResolved") {
      pending.delete(event.data.request)
      resolved.add(event.data.request)
    }
  }
})

/** What was asked before this client was there. */
const recover = async (): Promise<void> => {
  const states = await Effect.runPromise(remote.states({ prefix: "session/" }, Pending))
  for (const questions of states.values())
    for (const [id, question] of Object.entries(questions)) if (!resolved.has(id)) pending.set(id, question)
  hasPending = true
}

/** A user who opens one session after another, and leaves the first on top of the screen. */
const names = Array.from({ length: 300 }, (_, i) => `session/${String(i).padStart(3, "0")}`)
let opened = 0
const views = new Map([[names[0]!, live.activate(names[0]!)]])
const browse = setInterval(() => {
  const name = names[1 + ((opened++ * 7) % 299)]!
  views.set(name, live.open(name))
}, 20)

const report = () => ({
  hasPending,
  pending: [...pending.keys()],
  told: told.length,
  repeated: told.length - new Set(told).size,
  evicted,
  opened,
  shown: live.live().map((stream) => ({ stream, ...views.get(stream)!.getSnapshot() }))
})

process.on("message", (message) => {
  if (message === "rest") clearInterval(browse)
  process.send?.(report())
})
process.on("disconnect", () => process.exit(0))
