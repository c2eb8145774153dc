/**
 * Checks laws with cuts in place, in a process of its own. Prints a verdict a cut, as JSON lines.
 */
import { plant } from "../../../../test/plant.ts"
import type { Verdict } from "../../src/checkLaws.ts"
import type { Cut } from "./Cut.ts"

const cuts = JSON.parse(process.argv[2]!) as ReadonlyArray<Cut>
plant(cuts, ["core/src", "testkit/src"])

const late = (law: string): Promise<Verdict> =>
  new Promise((resolve) => {
    setTimeout(resolve, 5000, {
      law,
      outcome: "broken",
      reason: "the check never ended",
      ms: 5000
    } satisfies Verdict)
  })

// A listener's or a storage's own mistakes are part of the game.
process.on("uncaughtException", () => undefined)
for (const [i, cut] of cuts.entries()) {
  const { checkLaws } = (await import(
    `../../src/checkLaws.ts?cut=${i}`
  )) as typeof import("../../src/checkLaws.ts")
  const { MemoryStorage } = (await import(
    `../../../core/src/index.ts?cut=${i}`
  )) as typeof import("@varve/core")
  const checked = checkLaws({
    storage: () => MemoryStorage.layer,
    only: [cut.law],
    runs: cut.runs ?? 300,
    seed: 7
  }).then((report) => report[0]!)
  process.stdout.write(`${JSON.stringify(await Promise.race([checked, late(cut.law)]))}\n`)
}
process.exit(0)
