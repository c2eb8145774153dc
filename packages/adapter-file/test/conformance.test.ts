import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { conformance } from "@varve/testkit"
import { afterAll } from "vitest"
import { FileStorage } from "../src/index.ts"

const folder = mkdtempSync(join(tmpdir(), "varve-file-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }), 60_000)
let stores = 0

conformance("FileStorage", {
  storage: () => FileStorage.layer({ directory: join(folder, `${++stores}`) }),
  reopen: true,
  // npm run test:properties tries more.
  runs: 25
})
