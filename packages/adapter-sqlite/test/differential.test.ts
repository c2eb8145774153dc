import { SqliteStorage } from "@varve/adapter-sqlite"
import { MemoryStorage } from "@varve/core"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"
import { differential } from "@varve/testkit"

const folder = mkdtempSync(join(tmpdir(), "varve-differential-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let stores = 0

// What each storage must do alone is tested in its own package; here both run one plan beside the model.
differential("MemoryStorage and SqliteStorage answer one plan alike", {
  memory: { storage: () => MemoryStorage.layer },
  sqlite: { storage: () => SqliteStorage.layer({ filename: join(folder, `${++stores}.db`) }), reopen: true }
})
