/** `npm run sealed-insight`: archives 200 sessions, then opens the hub twice: the second time no event is read. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { digest, insights, openHub } from "../src/hub.ts"
import { archive } from "./archive.ts"

const folder = mkdtempSync(join(tmpdir(), "varve-insight-"))
const filename = join(folder, "hub.db")
try {
  {
    await using hub = await openHub(filename)
    await Promise.all(Array.from({ length: 200 }, (_, i) => archive(hub, `session/${i}`, 5 + (i % 20))))
  }
  for (const opening of ["first", "second"]) {
    await using hub = await openHub(filename)
    const start = performance.now()
    const { eventsRead, sessions } = await insights(hub)
    const ms = (performance.now() - start).toFixed(0)
    if (opening === "first")
      for (const [name, insight] of [...sessions].slice(0, 5)) console.log(digest(name, insight))
    console.log(`${opening} open: ${sessions.size} sessions in ${ms} ms, ${eventsRead} events read`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
