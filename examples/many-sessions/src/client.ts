/**
 * The client: follows the four sessions that were opened last, and knows which questions are open in all of them. It
 * keeps nothing on disk: after a restart it asks what is pending, and goes on.
 */
import { type Attention, Channel, LiveSet, Remote } from "@varve/core"
import { Effect } from "effect"
import { Pending, Session, Transcript } from "./Session.ts"

export type Told = Pick<Attention<typeof Session>, "event" | "stream">

/** Connects, and again whenever the connection is lost. `onTold` hears of each event that calls for attention. */
export const openClient = async (url: string, onTold: (told: Told) => void = () => undefined) => {
  const remote = Remote.connect(Session, () => Channel.fromWebSocket(new WebSocket(url)), {
    backoff: { mostMs: 500 }
  })
  /** Questions by the id of the event that asked. */
  const pending = new Map<string, string>()
  /** Answered while those of before were still on their way. */
  const resolved = new Set<string>()
  let knowsPending = false

  /** What was asked before this client was there. */
  const recover = async (): Promise<void> => {
    const states = await Effect.runPromise(remote.states({ prefix: "session/" }, Pending))
    for (const questions of states.values())
      for (const [id, question] of Object.entries(questions)) if (!resolved.has(id)) pending.set(id, question)
    knowsPending = true
  }

  const live = await LiveSet.open(remote, Transcript, {
    capacity: 4,
    backoff: { mostMs: 500 },
    // It goes on by itself; a view says when it isn't live.
    onError: () => undefined,
    onAttentionBegan: () => void recover(),
    onAttention: (told) => {
      const { event } = told
      if (event.type === "ApprovalRequested") pending.set(event.id, event.data.question)
      if (event.type === "ApprovalResolved") {
        pending.delete(event.data.request)
        resolved.add(event.data.request)
      }
      onTold(told)
    }
  })
  return { live, pending, knowsPending: () => knowsPending }
}
