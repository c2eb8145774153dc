/**
 * The daemon: 300 sessions at work in one log, served over a WebSocket. `node daemon.ts <file> <port>`; tells its parent
 * the port. It may be killed at any moment: what was stored is there when it comes back.
 */
import { SqliteStorage } from "@varve/adapter-sqlite"
import { Channel, type FollowItem, Remote, Varve } from "@varve/core"
import { Effect, Stream } from "effect"
import { WebSocketServer } from "ws"
import { Pending, Session, Transcript } from "./Session.ts"

const [filename, port = "0"] = process.argv.slice(2)
const sessions = Array.from({ length: 300 }, (_, i) => `session/${String(i).padStart(3, "0")}`)
const log = await Varve.open({ events: Session, storage: SqliteStorage.layer({ filename: filename! }) })

/** The same log, counting what one client follows at one time. */
let most = 0
const counted = () => {
  let now = 0
  const follow: typeof log.effect.follow = (stream, options) =>
    Stream.suspend((): Stream.Stream<FollowItem<typeof Session>, never> => {
      most = Math.max(most, ++now)
      return Stream.ensuring(
        Stream.orDie(log.effect.follow(stream, options)),
        Effect.sync(() => void now--)
      )
    })
  return { ...log.effect, follow }
}

const server = new WebSocketServer({ port: Number(port), host: "127.0.0.1", maxPayload: 2 ** 22 })
server.on("connection", (socket) => {
  Remote.serve(Session, counted(), Channel.fromWebSocket(socket), { projections: [Transcript, Pending] })
})
server.on("listening", () => {
  const address = server.address()
  process.send?.({ port: typeof address === "object" ? address?.port : undefined })
})

/** Each 20 ms some sessions say something; now and then one asks, and an older question is answered. */
const open: Array<readonly [stream: string, id: string]> = []
for (const [stream, questions] of await log.states({}, Pending))
  for (const id of Object.keys(questions)) open.push([stream, id])
let said = 0
const any = () => sessions[Math.floor(Math.random() * sessions.length)]!
const work = setInterval(() => {
  for (let i = 0; i < 15; i++) log.record(any(), Session.MessageChunk({ text: `chunk ${said++}` }))
  if (Math.random() < 0.3) {
    const stream = any()
    const asked = Session.ApprovalRequested({ question: `May ${stream} go on?` })
    log.record(stream, asked)
    open.push([stream, asked.id])
  }
  if (open.length > 12) {
    const [stream, request] = open.shift()!
    log.record(stream, Session.ApprovalResolved({ request }))
  }
}, 20)

process.on("message", (message) => {
  if (message !== "rest") return
  clearInterval(work)
  void log.flush().then(() => process.send?.({ most }))
})
process.on("disconnect", () => process.exit(0))
