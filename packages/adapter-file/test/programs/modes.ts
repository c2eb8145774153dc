/** Opens a store under a umask, writes, tears, recovers and snapshots, and prints the modes of all that it made. */
import * as fs from "node:fs"
import * as path from "node:path"
import { type Group, LogStorage } from "@varve/core"
import { Effect } from "effect"
import { FileStorage } from "../../src/index.ts"

const [umask, directory] = process.argv.slice(2) as [string, string]
process.umask(Number.parseInt(umask, 8))

const event = { id: "a", type: "t", version: 1, at: 0, data: "{}", meta: undefined, seals: false }
const group: Group = { stream: "s", events: [event], durability: "synced" }

const program = Effect.gen(function* () {
  const storage = yield* LogStorage
  yield* storage.append([group])
  yield* storage.release("s")
  fs.appendFileSync(`${directory}/s.jsonl`, "torn")
  const [outcome] = yield* storage.append([group])
  if (outcome?._tag !== "Appended") return yield* Effect.die(outcome)
  const { cursor } = outcome.head!
  yield* storage.snapshots.save([
    { stream: "s", projection: "p", version: 1, cursor, state: "{}", check: "" }
  ])
  return fs.readdirSync(directory, { recursive: true, encoding: "utf8" }).map((name) => {
    const stat = fs.statSync(path.join(directory, name))
    return [name, stat.isDirectory() ? "folder" : "file", (stat.mode & 0o777).toString(8)]
  })
})

const layer = FileStorage.layer({ directory, onNotice: () => undefined })
const found = await Effect.runPromise(Effect.provide(program, layer))
console.log(JSON.stringify([["", "folder", (fs.statSync(directory).mode & 0o777).toString(8)], ...found]))
