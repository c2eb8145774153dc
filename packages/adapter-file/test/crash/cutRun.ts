/**
 * Explores with mistakes planted, in a process of its own: module hooks load the adapter anew for each and edit it on
 * the way. Prints a line of JSON for each: what was found, or nothing. Without a mistake (`file` empty), a control.
 */
import { readFileSync } from "node:fs"
import { registerHooks } from "node:module"
import { fileURLToPath } from "node:url"
import type { Cut } from "./cuts.ts"

const cuts = JSON.parse(process.argv[2]!) as ReadonlyArray<Cut>
const ours = new URL("../../", import.meta.url).href
const ownNumber = /\?cut=(\d+)$/

registerHooks({
  // What a source with a number imports of the adapter gets that number: each mistake has modules of its own.
  resolve: (specifier, context, nextResolve) => {
    const resolved = nextResolve(specifier, context)
    const number = ownNumber.exec(context.parentURL ?? "")
    return number !== null && resolved.url.startsWith(ours) && !ownNumber.test(resolved.url)
      ? { ...resolved, url: resolved.url + number[0] }
      : resolved
  },
  load: (url, context, nextLoad) => {
    const number = ownNumber.exec(url)
    if (number === null) return nextLoad(url, context)
    const path = fileURLToPath(url.slice(0, number.index))
    const { file, from, name, to } = cuts[Number(number[1])]!
    const source = readFileSync(path, "utf8")
    if (file === "" || !path.endsWith(`/src/${file}`))
      return { format: "module-typescript", source, shortCircuit: true }
    if (source.split(from).length !== 2)
      throw new Error(`${name}: the text to cut doesn't stand in ${file} once`)
    return { format: "module-typescript", source: source.replace(from, () => to), shortCircuit: true }
  }
})

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
