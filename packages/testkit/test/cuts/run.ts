/**
 * Checks laws with cuts in place, in a process of its own. The hooks load the sources anew for each cut and edit them
 * on the way. Prints a verdict a cut, as JSON lines.
 */
import { readFileSync } from "node:fs"
import { registerHooks } from "node:module"
import { fileURLToPath } from "node:url"
import type { Verdict } from "../../src/checkLaws.ts"
import type { Cut } from "./Cut.ts"

const cuts = JSON.parse(process.argv[2]!) as ReadonlyArray<Cut>
const packages = new URL("../../../../packages/", import.meta.url).href
const ownNumber = /\?cut=(\d+)$/

registerHooks({
  // What a source with a number imports of ours gets that number: each cut has modules of its own.
  resolve: (specifier, context, nextResolve) => {
    const resolved = nextResolve(specifier, context)
    const number = ownNumber.exec(context.parentURL ?? "")
    const ours =
      resolved.url.startsWith(packages) && resolved.url.includes("/src/") && !ownNumber.test(resolved.url)
    return number !== null && ours ? { ...resolved, url: resolved.url + number[0] } : resolved
  },
  load: (url, context, nextLoad) => {
    const number = ownNumber.exec(url)
    if (number === null) return nextLoad(url, context)
    const path = fileURLToPath(url.slice(0, number.index))
    const { file, from, name, to } = cuts[Number(number[1])]!
    const source = readFileSync(path, "utf8")
    if (from === "" || !path.endsWith(file))
      return { format: "module-typescript", source, shortCircuit: true }
    if (source.split(from).length !== 2)
      throw new Error(`${name}: the text to cut doesn't stand in ${file} once`)
    return { format: "module-typescript", source: source.replace(from, () => to), shortCircuit: true }
  }
})

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
  const checked = checkLaws({ storage: () => MemoryStorage.layer, only: [cut.law], runs: 300, seed: 7 }).then(
    (report) => report[0]!
  )
  process.stdout.write(`${JSON.stringify(await Promise.race([checked, late(cut.law)]))}\n`)
}
process.exit(0)
