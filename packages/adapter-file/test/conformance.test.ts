import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { conformance, otherProcess } from "@varve/testkit"
import { afterAll } from "vitest"
import { powerCut } from "./crash/powerCut.ts"
import storage from "./storage.ts"

const folder = mkdtempSync(join(tmpdir(), "varve-file-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }), 60_000)
let stores = 0
const place = () => join(folder, `${++stores}`)

conformance("FileStorage", {
  storage: () => storage(place()),
  reopen: true,
  // npm run test:properties kills processes, too.
  crash: powerCut,
  secondProcess: (at = place()) => [
    storage(at),
    otherProcess(new URL("storage.ts", import.meta.url), at).storage
  ],
  // npm run test:properties tries more.
  runs: 25
})
