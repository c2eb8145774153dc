/** The load: event n of a session, whoever asks. 11 of 12 are text chunks of 80 characters, 1 of 12 a tool update of 2 KB. */
import { Session } from "../src/Session.ts"

export const flushesPerSecond = 60
export const eventsPerFlush = 15
const tools = 40
/** Events of a message. */
const messageEvents = 60

export const eventAt = (n: number) => {
  const messageId = `message-${Math.floor(n / messageEvents)}`
  if (n % 12 === 11)
    return Session.ToolCallUpdated({
      callId: `tool-${Math.floor(n / 12) % tools}`,
      output: `${n} `.padEnd(2048, "output ")
    })
  return Session.MessageChunk({ messageId, text: `${n} `.padEnd(80, "text ") })
}
