import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SqliteStorage } from "@varve/adapter-sqlite"
import { conformance } from "@varve/testkit"
import { afterAll } from "vitest"

const folder = mkdtempSync(join(tmpdir(), "varve-sqlite-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let stores = 0

conformance("SqliteStorage", {
  storage: () => SqliteStorage.layer({ filename: join(folder, `${++stores}.db`) }),
  reopen: true,
  secondWriter: true,
  // npm run test:properties tries more.
  runs: 25
})

conformance("SqliteStorage in memory", {
  storage: () => SqliteStorage.layer({ filename: ":memory:" }),
  runs: 10,
  // The same code runs as over a file; what differs is what receipts promise.
  only: ["A1 durability-told", "A14 admission", "Q1 equals-naive", "V1 remove", "model"]
})
