/** Does one thing after the other, and marks in the kernel's eyes where each begins: an access to /varve/<name>. */
import * as fs from "node:fs"
import { type EncodedEvent, type Group, LogStorage } from "@varve/core"
import { Effect, Stream } from "effect"
import { SqliteStorage } from "../../src/index.ts"

const [file] = process.argv.slice(2) as [string]

const mark = (name: string) => Effect.sync(() => void fs.existsSync(`/varve/${name}`))
let n = 0
const events = (count: number): ReadonlyArray<EncodedEvent> =>
  Array.from({ length: count }, () => ({
    id: `e${++n}`,
    type: "t",
    version: 1,
    at: 0,
    data: "{}",
    meta: undefined,
    seals: false
  }))

const program = Effect.gen(function* () {
  const storage = yield* LogStorage
  const append = (durability: Group["durability"], all: Group["events"], rest: Partial<Group> = {}) =>
    storage.append([{ stream: "s", events: all, durability, ...rest }])

  yield* mark("first")
  yield* append("synced", events(1))

  yield* mark("written x5")
  const original = events(1)
  yield* append("written", original)
  for (let i = 0; i < 4; i++) yield* append("written", events(15))

  yield* mark("read")
  yield* Stream.runDrain(storage.query({}))
  yield* storage.heads({})

  yield* mark("synced duplicate of written")
  yield* append("synced", original)
  yield* mark("synced duplicate of synced")
  yield* append("synced", original)

  yield* mark("synced")
  yield* append("synced", events(15))

  yield* mark("synced and written streams")
  yield* storage.append([
    { stream: "a", events: events(1), durability: "written" },
    { stream: "b", events: events(1), durability: "synced" },
    { stream: "c", events: events(1), durability: "synced" }
  ])

  yield* mark("sync")
  yield* storage.sync
  yield* mark("sync again")
  yield* storage.sync

  yield* mark("synced refusal")
  yield* append("synced", events(1), { expected: 0 })

  yield* mark("synced label")
  yield* append("synced", [], { attributes: { title: "x" } })
  yield* mark("synced label again")
  yield* append("synced", [], { attributes: { title: "x" } })

  yield* mark("turn")
  for (const size of [1, 3, 15, 15, 2]) yield* append("written", events(size))
  yield* append("synced", events(1))

  yield* mark("end")
})

await Effect.runPromise(Effect.provide(program, SqliteStorage.layer({ filename: file })))
