/**
 * Does what its input says, a line each, and prints what came of it: `append <stream> <id>`, `release <stream>`, or `run
 * <stream>`, which appends until it is killed and prints each id that was acknowledged.
 */
import { createInterface } from "node:readline"
import { type Group, LogStorage } from "@varve/core"
import { Effect } from "effect"
import { FileStorage } from "../../src/index.ts"

const directory = process.argv[2]!

const group = (stream: string, ids: ReadonlyArray<string>): Group => ({
  stream,
  events: ids.map((id) => ({
    id,
    type: "t",
    version: 1,
    at: 0,
    data: JSON.stringify("x".repeat(100)),
    meta: undefined,
    seals: false
  })),
  durability: "written"
})

const program = Effect.gen(function* () {
  const storage = yield* LogStorage
  const append = (stream: string, ids: ReadonlyArray<string>) =>
    Effect.runPromise(storage.append([group(stream, ids)]))
  console.log("ready")
  yield* Effect.promise(async () => {
    for await (const line of createInterface(process.stdin)) {
      const [command, stream, id] = line.split(" ") as [string, string, string]
      if (command === "append") console.log(JSON.stringify((await append(stream, [id]))[0]))
      else if (command === "release") {
        await Effect.runPromise(storage.release(stream))
        console.log("released")
      } else {
        for (let i = 0; ; i++) {
          const [outcome] = await append(stream, [`${id}-${i}a`, `${id}-${i}b`])
          console.log(outcome?._tag === "Appended" ? `${id}-${i}` : JSON.stringify(outcome))
        }
      }
    }
  })
})

await Effect.runPromise(Effect.provide(program, FileStorage.layer({ directory })))
