import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { conformance, otherProcess } from "@varve/testkit"
import { afterAll } from "vitest"
import storage from "./storage.ts"

const folder = mkdtempSync(join(tmpdir(), "varve-level-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let stores = 0
const place = () => join(folder, String(++stores))

conformance("LevelStorage", {
  storage: () => storage(place()),
  reopen: true,
  crash: () => otherProcess(new URL("storage.ts", import.meta.url), place()),
  runs: 10
})
