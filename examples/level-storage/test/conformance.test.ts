import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { conformance } from "@varve/testkit"
import { ClassicLevel } from "classic-level"
import { afterAll } from "vitest"
import { layer } from "../src/LevelStorage.ts"

const folder = mkdtempSync(join(tmpdir(), "varve-level-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let stores = 0

const storage = () => {
  const place = join(folder, String(++stores))
  return layer(() => new ClassicLevel(place))
}

conformance("LevelStorage", { storage, reopen: true, runs: 10 })
