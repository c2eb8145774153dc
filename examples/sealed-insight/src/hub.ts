/** The hub: insights into all sessions, and what it cost to get them. */
import { type Progress, type PromiseLog, Varve } from "@varve/core"
import { SqliteStorage } from "@varve/adapter-sqlite"
import { Insight, Session } from "./Insight.ts"

export type Hub = PromiseLog<typeof Session>

export const openHub = (filename: string): Promise<Hub> =>
  Varve.open({ events: Session, storage: SqliteStorage.layer({ filename }) })

/** Insights by session, and how many stored events were read for them. */
export const insights = async (
  hub: Hub,
  onProgress?: (progress: Progress) => void
): Promise<{ readonly sessions: ReadonlyMap<string, Insight>; readonly eventsRead: number }> => {
  const read = () => hub.effect.storage.counters!().eventsRead
  const before = read()
  const sessions = await hub.states({}, Insight, { onProgress })
  return { sessions, eventsRead: read() - before }
}

/** One line a session. */
export const digest = (session: string, { agents, errors, failures, turns }: Insight): string => {
  const who = Object.entries(agents)
    .map(([agent, count]) => `${agent} ${count}`)
    .join(", ")
  const first = errors[0]
  const what = first === undefined ? "" : `, first in turn ${first.turn}: ${first.tool}: ${first.message}`
  return `${session}: ${turns} turns (${who}), ${failures} failures${what}`
}
