/** Each cut into the live set breaks a law, and the schedules say so. */
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { beforeAll, expect, test } from "vitest"
import { liveSetCuts as cuts } from "./cuts/liveSet.ts"

const runner = fileURLToPath(new URL("cuts/runSchedules.ts", import.meta.url))
const control = { name: "no cut", file: "", from: "", to: "", law: "kept" }

let found: ReadonlyArray<string> = []
let errors = ""

beforeAll(() => {
  const args = ["--conditions=@varve/source", runner, JSON.stringify([...cuts, control])]
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 110_000 })
  errors = stderr
  found = stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => (JSON.parse(line) as { found: string }).found)
}, 120_000)

test.each([...cuts, control].map((cut, i) => ({ ...cut, i })))("$law: $name", ({ i, law }) => {
  expect(found[i], `no verdict: ${errors}`).toContain(law)
})
