/**
 * 300 sessions at work in the daemon's log. `node daemon.ts <file> <port>`; tells its parent the port. It may be killed at
 * any moment: what was stored is there when it comes back.
 */
import type { FollowItem } from "@varve/core"
import { Effect, Stream } from "effect"
import { openSessions, serve } from "../src/daemon.ts"
import { Pending, Session } from "../src/Session.ts"
import { sessions } from "./sessions.ts"

const [filename, port] = process.argv.slice(2)
const log = await openSessions(filename!)

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

process.send?.({ port: await serve(counted, Number(port)) })

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
