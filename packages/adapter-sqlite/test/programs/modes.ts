/** Opens a store under a umask, writes to it, and notes the modes of what it made beside it. */
import * as fs from "node:fs"
import * as path from "node:path"
import { LogStorage } from "@varve/core"
import { Effect } from "effect"
import { SqliteStorage } from "../../src/index.ts"

const [umask, file] = process.argv.slice(2) as [string, string]
process.umask(Number.parseInt(umask, 8))

const folder = path.dirname(file)
const modes = (): Record<string, string> =>
  Object.fromEntries(
    ["../..", "..", ".", "store.db", "store.db-shm", "store.db-wal"].map((name) => [
      name,
      (fs.statSync(path.join(folder, name)).mode & 0o777).toString(8)
    ])
  )

const program = Effect.gen(function* () {
  const storage = yield* LogStorage
  const event = { id: "a", type: "t", version: 1, at: 0, data: "{}", meta: undefined, seals: false }
  yield* storage.append([{ stream: "s", events: [event], durability: "synced" }])
  return modes()
})

const found = await Effect.runPromise(Effect.provide(program, SqliteStorage.layer({ filename: file })))
process.umask(0)
fs.writeFileSync(`${file}.modes`, JSON.stringify(found))
