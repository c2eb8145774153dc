/** Appends each id that it is given to the stream `s`, synced, and prints the outcome. */
import { LogStorage } from "@varve/core"
import { Effect } from "effect"
import { FileStorage } from "../../src/index.ts"

const [directory, ...ids] = process.argv.slice(2) as [string, ...Array<string>]

const program = Effect.gen(function* () {
  const storage = yield* LogStorage
  for (const id of ids) {
    const event = { id, type: "t", version: 1, at: 0, data: "{}", meta: undefined, seals: false }
    const [outcome] = yield* storage.append([{ stream: "s", events: [event], durability: "synced" }])
    console.log(JSON.stringify(outcome))
  }
})

await Effect.runPromise(Effect.provide(program, FileStorage.layer({ directory })))
