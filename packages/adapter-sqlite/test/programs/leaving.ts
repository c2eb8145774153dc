/** Writes and ends without closing: nothing of the store may keep the process, and nothing written may be lost. */
import { LogStorage } from "@varve/core"
import { Effect, ManagedRuntime } from "effect"
import { SqliteStorage } from "../../src/index.ts"

const [file] = process.argv.slice(2) as [string]
const runtime = ManagedRuntime.make(SqliteStorage.layer({ filename: file }))
const storage = await runtime.runPromise(LogStorage)
const event = { id: "a", type: "t", version: 1, at: 0, data: "{}", meta: undefined, seals: false }
await Effect.runPromise(storage.append([{ stream: "s", events: [event], durability: "written" }]))
