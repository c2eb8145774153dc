/** `npm run hotspots [-- --since 7d]`: makes a ledger of 190 MB where there is none yet, and asks it. */
import { mkdirSync } from "node:fs"
import { SqliteStorage } from "@varve/adapter-sqlite"
import { Varve } from "@varve/core"
import { SingleBar } from "cli-progress"
import { Ledger } from "../src/Ledger.ts"
import { generate, whole } from "./generate.ts"

const filename = ".varve/hotspots.db"
mkdirSync(".varve", { recursive: true, mode: 0o700 })
{
  await using log = await Varve.open({ events: Ledger, storage: SqliteStorage.layer({ filename }) })
  if ((await log.heads()).length < whole.sessions) {
    const bar = new SingleBar({
      format: "making a ledger {bar} {value} of {total} turns",
      clearOnComplete: true
    })
    bar.start(whole.turns, 0)
    await generate(log, Date.now(), whole, (turns) => bar.update(turns))
    bar.stop()
  }
}
process.argv.push(filename)
await import("../src/main.ts")
