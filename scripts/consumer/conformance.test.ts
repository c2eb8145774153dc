// The testkit as an adapter's author gets it: from the packed package, under their own vitest.
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { FileStorage } from "@varve/adapter-file"
import { SqliteStorage } from "@varve/adapter-sqlite"
import { MemoryStorage } from "@varve/core"
import { conformance } from "@varve/testkit"
import { afterAll } from "vitest"

const folder = mkdtempSync(join(tmpdir(), "varve-packed-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let stores = 0
const place = (): string => join(folder, String(++stores))

const runs = 2
conformance("memory, packed", { storage: () => MemoryStorage.layer, runs })
conformance("file, packed", {
  storage: () => FileStorage.layer({ directory: place() }),
  reopen: true,
  runs
})
conformance("SQLite, packed", {
  storage: () => SqliteStorage.layer({ filename: `${place()}.db` }),
  reopen: true,
  secondWriter: true,
  runs
})
