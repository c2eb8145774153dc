/** The exploration is tested too: each mistake planted into the adapter is found, by the law that it breaks. */
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { beforeAll, describe, expect, test } from "vitest"
import { type Cut, cuts } from "./cuts.ts"

const runner = fileURLToPath(new URL("cutRun.ts", import.meta.url))
const control: Cut = { name: "no mistake", file: "", from: "", to: "", laws: [] }

describe("exploring finds that", () => {
  let found: ReadonlyArray<ReadonlyArray<string>> = []
  let errors = ""

  beforeAll(() => {
    const args = ["--conditions=@varve/source", runner, JSON.stringify([...cuts, control])]
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 290_000 })
    errors = stderr
    found = stdout
      .split("\n")
      .filter((line) => line.startsWith("["))
      .map((line) => JSON.parse(line) as ReadonlyArray<string>)
  }, 300_000)

  test.each(cuts.map((cut, i) => ({ ...cut, i })))("$name", ({ i, laws }) => {
    expect(found[i], `nothing was tried: ${errors}`).toBeDefined()
    const [finding = "nothing was found"] = found[i]!
    expect(finding).toMatch(new RegExp(`^(${laws.join("|")})`))
  })

  test("without one nothing is wrong", () => {
    expect(found[cuts.length], errors).toEqual([])
  })
})
