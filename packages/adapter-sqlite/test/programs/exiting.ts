/** Records, and exits at once: what is pending is written by the handler of its exit. */
import { EventSet, Varve } from "@varve/core"
import { Schema } from "effect"
import { SqliteStorage } from "../../src/index.ts"

class Notes extends EventSet.make({ Written: { text: Schema.String } }) {}

const [filename, flush] = process.argv.slice(2) as [string, string]
const log = await Varve.open({ events: Notes, storage: SqliteStorage.layer({ filename }) })
if (flush === "flush") process.on("exit", () => process.stdout.write(JSON.stringify(log.flushSync())))
for (let i = 0; i < 100; i++) log.record(`s${i % 7}`, Notes.Written({ text: "x" }, { id: String(i) }))
process.exit(0)
