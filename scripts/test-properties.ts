/** `npm run test:properties -- [--runs N] [--seed S] [--only LAW]`: the laws of every storage here, for long runs. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { FileStorage } from "@varve/adapter-file"
import { SqliteStorage } from "@varve/adapter-sqlite"
import { MemoryStorage } from "@varve/core"
import { checkLaws, type LawOptions, otherProcess, type OtherProcess, summarise } from "@varve/testkit"

const { values } = parseArgs({
  options: { runs: { type: "string", default: "1000" }, seed: { type: "string" }, only: { type: "string" } }
})
const seed = Number(values.seed ?? Date.now() % 1_000_000)
const folder = mkdtempSync(join(tmpdir(), "varve-properties-"))
let stores = 0
const place = (): string => join(folder, String(++stores))
const elsewhere = (adapter: string, at: string): OtherProcess =>
  otherProcess(new URL(`../packages/adapter-${adapter}/test/storage.ts`, import.meta.url), at)

const storages: Readonly<Record<string, Omit<LawOptions, "runs" | "seed">>> = {
  MemoryStorage: { storage: () => MemoryStorage.layer },
  SqliteStorage: {
    storage: () => SqliteStorage.layer({ filename: place() }),
    reopen: true,
    secondWriter: true,
    crash: () => elsewhere("sqlite", place()),
    secondProcess: (at = place()) => [SqliteStorage.layer({ filename: at }), elsewhere("sqlite", at).storage]
  },
  FileStorage: {
    storage: () => FileStorage.layer({ directory: place() }),
    reopen: true,
    crash: () => elsewhere("file", place()),
    secondProcess: (at = place()) => [FileStorage.layer({ directory: at }), elsewhere("file", at).storage]
  }
}

console.log(`${values.runs} runs a property, seed ${seed}`)
try {
  for (const [name, options] of Object.entries(storages)) {
    const start = performance.now()
    const report = await checkLaws({
      ...options,
      runs: Number(values.runs),
      seed,
      ...(values.only === undefined ? {} : { only: [values.only] })
    })
    console.log(`\n${name}, ${((performance.now() - start) / 1000).toFixed(0)} s: ${summarise(report)}`)
    if (report.some(({ outcome }) => outcome === "broken")) process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
