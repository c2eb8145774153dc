/** Appends an event and, behind the mark, a second one whose sync may fail; then the same again. */
import * as fs from "node:fs"
import { type Group, LogStorage } from "@varve/core"
import { Effect, Stream } from "effect"
import { SqliteStorage } from "../../src/index.ts"

const [file] = process.argv.slice(2) as [string]

const group = (id: string): Group => ({
  stream: "s",
  events: [{ id, type: "t", version: 1, at: 0, data: "{}", meta: undefined, seals: false }],
  durability: "synced"
})

const program = Effect.gen(function* () {
  const storage = yield* LogStorage
  yield* storage.append([group("first")])
  yield* Effect.sync(() => fs.existsSync("/varve/now"))
  const [outcome] = yield* storage.append([group("second")])
  const [again] = yield* storage.append([group("second")])
  const batches = yield* Stream.runCollect(storage.query({}))
  const [head] = yield* storage.heads({})
  return {
    outcome,
    again,
    events: batches.flatMap((batch) => batch.events.map(({ id }) => id)),
    synced: head?.synced
  }
})

const answer = await Effect.runPromise(Effect.provide(program, SqliteStorage.layer({ filename: file })))
process.stdout.write(JSON.stringify(answer))
