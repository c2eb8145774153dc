/** The sessions in the log, each folded: one pass over what is new, however many there are. */
import type { TranscriptLog } from "./importing.ts"
import { Session } from "./Session.ts"

export const readSessions = async (log: TranscriptLog): Promise<ReadonlyMap<string, Session>> => {
  const sessions = await log.states({}, Session)
  // Streams of bookmarks alone are no sessions.
  return new Map([...sessions].filter(([, { events }]) => events > 0))
}
