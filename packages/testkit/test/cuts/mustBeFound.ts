/** Registers tests: each cut breaks the law that it names, and the same law is kept without it. */
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { beforeAll, describe, expect, test } from "vitest"
import type { Verdict } from "../../src/checkLaws.ts"
import type { Cut } from "./Cut.ts"

const runner = fileURLToPath(new URL("run.ts", import.meta.url))

export const mustBeFound = (what: string, cuts: ReadonlyArray<Cut>): void => {
  /** The same laws in the same process without a cut: what they find is the cut and nothing else. */
  const controls = [...new Map(cuts.map(({ law, runs }) => [law, runs]))].map(([law, runs]): Cut => ({
    name: "no cut",
    file: "",
    from: "",
    to: "",
    law,
    ...(runs === undefined ? {} : { runs })
  }))

  describe(what, () => {
    let verdicts: ReadonlyArray<Verdict> = []
    let errors = ""

    beforeAll(() => {
      const args = ["--conditions=@varve/source", runner, JSON.stringify([...cuts, ...controls])]
      const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 110_000 })
      errors = stderr
      verdicts = stdout
        .split("\n")
        .filter((line) => line.startsWith("{"))
        .map((line) => JSON.parse(line) as Verdict)
    }, 120_000)

    test.each(cuts.map((cut, i) => ({ ...cut, i })))("$law: $name", ({ i, law }) => {
      expect(verdicts[i], `no verdict: ${errors}`).toBeDefined()
      expect(verdicts[i]).toMatchObject({ law, outcome: "broken" })
    })

    test.each(controls.map((control, i) => ({ ...control, i })))("$law: kept without a cut", ({ i, law }) => {
      expect(verdicts[cuts.length + i]).toMatchObject({ law, outcome: "kept" })
    })
  })
}
