/** The event set that the tests speak of: a chat session, as the README shows it. */
import { Schema } from "effect"
import { EventSet, event, Projection } from "@varve/core"
import { vi } from "vitest"

export class Session extends EventSet.make({
  PromptSubmitted: event({ text: Schema.String }, { barrier: true }),
  MessageChunk: { messageId: Schema.String, text: Schema.String },
  ToolCallUpdated: event({ callId: Schema.String, output: Schema.String }, { version: 2 }).from(
    1,
    { id: Schema.String, out: Schema.Number },
    (old) => ({ callId: old.id, output: String(old.out) })
  ),
  Typing: event({ on: Schema.Boolean }, { durability: "volatile" }),
  TurnEnded: event({ stopReason: Schema.String }, { durability: "synced" }),
  Ended: event({}, { seals: true })
}) {}

export const chunk = (text: string, options?: EventSet.Options) =>
  Session.MessageChunk({ messageId: "m", text }, options)

export const Transcript = Projection.make(Session, {
  name: "transcript",
  version: 1,
  state: Schema.Struct({ text: Schema.String, turns: Schema.Number }),
  initial: () => ({ text: "", turns: 0 }),
  on: {
    MessageChunk: (state, event) => {
      state.text += event.data.text
    },
    TurnEnded: (state) => {
      state.turns++
    }
  }
})

/** Keeps what is thrown where nobody waits for it, which would end the process: until it is disposed. */
export const uncaught = (): { readonly thrown: ReadonlyArray<unknown> } & Disposable => {
  const thrown: Array<unknown> = []
  const queue = queueMicrotask
  const spy = vi.spyOn(globalThis, "queueMicrotask").mockImplementation((run) =>
    queue(() => {
      try {
        run()
      } catch (error) {
        thrown.push(error)
      }
    })
  )
  return { thrown, [Symbol.dispose]: () => spy.mockRestore() }
}

/** A listener of errors that has a bug of its own. */
export const throwing = (): never => {
  throw new Error("the listener of errors")
}
