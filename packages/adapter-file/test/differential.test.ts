import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SqliteStorage } from "@varve/adapter-sqlite"
import { MemoryStorage } from "@varve/core"
import { differential } from "@varve/testkit"
import { afterAll } from "vitest"
import { FileStorage } from "../src/index.ts"

const folder = mkdtempSync(join(tmpdir(), "varve-differential-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }), 60_000)
let stores = 0

// The model law runs more of these plans on the files alone; here the three are held against each other.
differential(
  "MemoryStorage, SqliteStorage and FileStorage answer one plan alike",
  {
    memory: { storage: () => MemoryStorage.layer },
    sqlite: {
      storage: () => SqliteStorage.layer({ filename: join(folder, `${++stores}.db`) }),
      reopen: true
    },
    file: { storage: () => FileStorage.layer({ directory: join(folder, `${++stores}`) }), reopen: true }
  },
  { runs: 30 }
)
