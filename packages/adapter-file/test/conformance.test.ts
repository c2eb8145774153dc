import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { chooseBy, conformance, otherProcess, SimulatedDisk } from "@varve/testkit"
import { Layer } from "effect"
import { afterAll } from "vitest"
import { open } from "../src/open.ts"
import { alone } from "./crash/opening.ts"
import storage from "./storage.ts"

const folder = mkdtempSync(join(tmpdir(), "varve-file-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }), 60_000)
let stores = 0
const place = () => join(folder, `${++stores}`)

/** On a disk that loses what it may when the power is cut. npm run test:properties kills processes on a real one. */
const powerCut = () => {
  let disk = new SimulatedDisk()
  const options = { directory: "/store", idleTimeout: 2 ** 30, onNotice: () => undefined }
  return {
    storage: Layer.suspend(() => open(options, { disk, presence: alone() })),
    crash: () => void (disk = disk.crash({ kind: "power", choose: chooseBy(++stores) })),
    powerCut: true
  }
}

conformance("FileStorage", {
  storage: () => storage(place()),
  reopen: true,
  crash: powerCut,
  secondProcess: (at = place()) => [
    storage(at),
    otherProcess(new URL("storage.ts", import.meta.url), at).storage
  ],
  // npm run test:properties tries more.
  runs: 25
})
