/** Appends its own events to one stream, some of them twice, waiting for the next piece where it is told to. */
import { type Group, LogStorage, type Outcome } from "@varve/core"
import { Effect } from "effect"
import { SqliteStorage } from "../../src/index.ts"

const [file, name, count] = process.argv.slice(2) as [string, string, string]

const program = Effect.gen(function* () {
  const storage = yield* LogStorage
  const outcomes: Array<Outcome> = []
  for (let i = 0; i < Number(count); i++) {
    const events = [i, i + 1].map((n) => ({
      id: `${name}-${n}`,
      type: "t",
      version: 1,
      at: 0,
      data: JSON.stringify({ n }),
      meta: undefined,
      seals: false
    }))
    // Every event but the last is offered a second time, and every third group is synced.
    const group: Group = { stream: "shared", events, durability: i % 3 === 0 ? "synced" : "written" }
    outcomes.push(...(yield* storage.append([group])))
  }
  return outcomes
})

const outcomes = await Effect.runPromise(
  Effect.provide(program, SqliteStorage.layer({ filename: file, busyTimeout: 20_000 }))
)
process.stdout.write(JSON.stringify(outcomes))
