/**
 * Explores with mistakes planted, in a process of its own: the adapter is loaded anew for each. Prints a line of JSON
 * for each: what was found, or nothing. Without a mistake (`file` empty), a control.
 */
import { plant } from "../../../../test/plant.ts"
import type { Cut } from "./cuts.ts"

const cuts = JSON.parse(process.argv[2]!) as ReadonlyArray<Cut>
plant(
  cuts.map((cut) => ({ ...cut, file: `/src/${cut.file}` })),
  ["adapter-file"]
)

// A late write into a file that is closed is part of a mistake.
process.on("uncaughtException", () => undefined)
const main = async (): Promise<void> => {
  for (const [i, { file }] of cuts.entries()) {
    const { explore } = (await import(`./Explorer.ts?cut=${i}`)) as typeof import("./Explorer.ts")
    const { openOn } = (await import(`./opening.ts?cut=${i}`)) as typeof import("./opening.ts")
    const run = {
      open: openOn(),
      calls: 60,
      cuts: 3,
      deepCuts: 3,
      deepEvery: 12,
      faultEvery: 4,
      mostFindings: 1
    }
    const findings: Array<string> = []
    const until = performance.now() + 60_000
    for (let seed = 1; findings.length === 0 && seed <= (file === "" ? 2 : 30); seed++) {
      findings.push(...(await explore({ ...run, seed, until })).findings)
    }
    process.stdout.write(`${JSON.stringify(findings)}\n`)
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error)
    process.exit(1)
  }
)
