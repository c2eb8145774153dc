/** The sessions in the log, each folded: one query over all streams, however many there are. */
import { Projection } from "@varve/core"
import type { TranscriptLog } from "./importing.ts"
import { Session } from "./Session.ts"

export const readSessions = async (log: TranscriptLog): Promise<ReadonlyMap<string, Session>> => {
  const sessions = new Map<string, Session>()
  for await (const { stream, events } of log.query()) {
    if (events.every((event) => event.type === "FileRead")) continue
    sessions.set(stream, Projection.apply(Session, sessions.get(stream) ?? Session.initial(), events))
  }
  return sessions
}
