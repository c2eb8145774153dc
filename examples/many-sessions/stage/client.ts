/**
 * A user who opens one session after another, and leaves the first on top of the screen. `node client.ts <port>`; tells
 * its parent what it shows.
 */
import { openClient, type Told } from "../src/client.ts"
import type { Report } from "./Stage.ts"
import { sessions } from "./sessions.ts"

const [port] = process.argv.slice(2)
const told: Array<Told> = []
let evicted = 0
const { knowsPending, live, pending } = await openClient(`ws://127.0.0.1:${port}`, (one) => {
  told.push(one)
  if (!live.live().includes(one.stream)) evicted++
})

let opened = 0
const views = new Map([[sessions[0]!, live.activate(sessions[0]!)]])
const browse = setInterval(() => {
  const name = sessions[1 + ((opened++ * 7) % (sessions.length - 1))]!
  views.set(name, live.open(name))
}, 20)

const report = (): Report => ({
  knowsPending: knowsPending(),
  pending: [...pending.keys()],
  told: told.length,
  repeated: told.length - new Set(told.map(({ event }) => event.id)).size,
  evicted,
  opened,
  shown: live.live().map((stream) => ({ stream, ...views.get(stream)!.getSnapshot() }))
})

process.on("message", (message) => {
  if (message === "rest") clearInterval(browse)
  process.send?.(report())
})
process.on("disconnect", () => process.exit(0))
