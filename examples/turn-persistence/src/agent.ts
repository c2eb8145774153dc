/** An agent that answers in chunks and saves them as they come. Ids are derived, so that a turn saved twice is one. */
import { EventId, type PromiseLog, Varve } from "@varve/core"
import { SqliteStorage } from "@varve/adapter-sqlite"
import { Chat, Transcript } from "./Chat.ts"

export type Chats = PromiseLog<typeof Chat>

export const openChats = (filename: string): Promise<Chats> =>
  Varve.open({ events: Chat, storage: SqliteStorage.layer({ filename }) })

/** What the model will say. */
const answerTo = (turn: number): ReadonlyArray<string> =>
  Array.from({ length: 13 }, (_, i) => `word${turn}.${i} `)

/** Takes a turn: 15 events, one sync. Resolves once it survives power loss. `spoken` is called after each chunk. */
export const takeTurn = async (
  chats: Chats,
  session: string,
  turn: number,
  spoken: (chunk: number) => void | Promise<void> = () => undefined
): Promise<void> => {
  const id = (part: string | number) => ({ id: EventId.derive(turn, part) })
  chats.record(session, Chat.PromptSubmitted({ turn, text: `prompt ${turn}` }, id("prompt")))
  for (const [i, text] of answerTo(turn).entries()) {
    chats.record(session, Chat.MessageChunk({ turn, text }, id(i)))
    await spoken(i)
  }
  await chats.append(session, Chat.TurnEnded({ turn }, id("end")))
}

/** Goes on where a session stopped: a turn that was cut off is taken again, and only what is missing of it is stored. */
export const resume = async (chats: Chats, session: string): Promise<number> => {
  const { turns } = await chats.state(session, Transcript)
  const last = turns.at(-1)
  if (last !== undefined && !last.ended) await takeTurn(chats, session, last.turn)
  return last?.turn ?? 0
}
