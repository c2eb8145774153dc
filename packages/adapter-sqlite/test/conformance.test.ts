import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SqliteStorage } from "@varve/adapter-sqlite"
import { conformance, otherProcess } from "@varve/testkit"
import { afterAll } from "vitest"
import storage from "./storage.ts"

const folder = mkdtempSync(join(tmpdir(), "varve-sqlite-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let stores = 0
const place = () => join(folder, `${++stores}.db`)
const elsewhere = (at: string) => otherProcess(new URL("storage.ts", import.meta.url), at)

conformance("SqliteStorage", {
  storage: () => storage(place()),
  reopen: true,
  secondWriter: true,
  crash: () => elsewhere(place()),
  secondProcess: (at = place()) => [storage(at), elsewhere(at).storage],
  // npm run test:properties tries more.
  runs: 25
})

conformance("SqliteStorage in memory", {
  storage: () => SqliteStorage.layer({ filename: ":memory:" }),
  runs: 10,
  // The same code runs as over a file; what differs is what receipts promise.
  only: ["A1 durability-told", "A14 admission", "Q1 equals-naive", "V1 remove", "model"]
})
