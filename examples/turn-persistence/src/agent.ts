/** An agent that answers in chunks and saves them as they come. Ids are derived, so that a turn saved twice is one. */
import { EventId, type PromiseLog, Varve } from "@varve/core"
import { SqliteStorage } from "@varve/adapter-sqlite"
import { Chat, Transcript } from "./Chat.ts"

export type Chats = PromiseLog<typeof Chat>

export const openChats = (filename: string): Promise<Chats> =>
  Varve.open({ events: Chat, storage: SqliteStorage.layer({ filename }) })

/** What answers a turn, in chunks. Asked again for the same turn, it says the same. */
export type Model = (turn: number) => Iterable<string> | AsyncIterable<string>

/** Takes a turn at one sync, however many its chunks. Resolves once it survives power loss. */
export const takeTurn = async (chats: Chats, session: string, turn: number, model: Model): Promise<void> => {
  const id = (part: string | number) => ({ id: EventId.derive(turn, part) })
  chats.record(session, Chat.PromptSubmitted({ turn, text: `prompt ${turn}` }, id("prompt")))
  let chunk = 0
  for await (const text of model(turn)) chats.record(session, Chat.MessageChunk({ turn, text }, id(chunk++)))
  await chats.append(session, Chat.TurnEnded({ turn }, id("end")))
}

/** Goes on where a session stopped: a turn that was cut off is taken again, and only what is missing of it is stored. */
export const resume = async (chats: Chats, session: string, model: Model): Promise<number> => {
  const { turns } = await chats.state(session, Transcript)
  const last = turns.at(-1)
  if (last !== undefined && !last.ended) await takeTurn(chats, session, last.turn, model)
  return last?.turn ?? 0
}
