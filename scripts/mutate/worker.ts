/**
 * The process that makes mistakes: holds the laws of the kit against a package's storages, over sources with all mistakes in
 * them. First without one, to learn which law reaches which; then with each that it is told, until a law is broken.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { registerHooks } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

/** What is known of the laws without a mistake. Laws are told by their place. */
export interface Known {
  /** Which laws reach a mistake, quickest first. */
  readonly laws: Readonly<Record<string, ReadonlyArray<number>>>
  /** Mistakes in what is run once, when it is loaded. */
  readonly statics: ReadonlyArray<string>
  readonly ms: ReadonlyArray<number>
}

export interface Answer {
  readonly found: boolean
}

/** What the instrumented sources look at, and write to. */
interface Switches {
  activeMutant?: string | undefined
  currentTestId?: string
  readonly mutantCoverage: {
    readonly static: Record<string, number>
    readonly perTest: Record<string, Record<string, number>>
  }
}

const [name, runs, sourcesFile, knownFile, active] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string
]
const sources = JSON.parse(readFileSync(sourcesFile, "utf8")) as Record<string, string>
const switches: Switches = { mutantCoverage: { static: {}, perTest: {} } }
if (active !== "") switches.activeMutant = active
Object.assign(globalThis, { __stryker__: switches })
registerHooks({
  load: (url, context, next) => {
    const source = url.startsWith("file:") ? sources[fileURLToPath(url)] : undefined
    return source === undefined
      ? next(url, context)
      : { format: "module-typescript", source, shortCircuit: true }
  }
})
// What goes wrong late is part of a mistake.
process.on("uncaughtException", () => undefined)

const memory = process.platform === "linux" ? "/dev/shm" : tmpdir()
const folder = mkdtempSync(join(memory, "varve-mutate-"))
process.on("exit", () => rmSync(folder, { recursive: true, force: true }))

const fc = await import("fast-check")
// Nobody reads the counterexamples.
fc.configureGlobal({ endOnFailure: true })
const { allLaws, checkLaws } = await import("@varve/testkit")
const { storagesOf } = await import("./storages.ts")
const cases = (await storagesOf(name, folder)).flatMap((options) =>
  allLaws.map((law) => ({ ...options, only: [law.name], runs: Number(runs), seed: 1 }))
)

/** Whether a law is broken, or doesn't come to an end. */
const isBroken = async (law: number, most: number): Promise<boolean> => {
  const late = new Promise<"late">((resolve) => setTimeout(resolve, most, "late").unref())
  const report = await Promise.race([checkLaws(cases[law]!), late])
  return report === "late" || report.some(({ outcome }) => outcome === "broken")
}

const learn = async (): Promise<Known> => {
  const ms: Array<number> = []
  const kept: Array<number> = []
  for (const law of cases.keys()) {
    switches.currentTestId = String(law)
    const begun = performance.now()
    if (!(await isBroken(law, 60_000))) kept.push(law)
    ms.push(performance.now() - begun)
  }
  const laws: Record<string, Array<number>> = {}
  for (const law of kept.sort((a, b) => ms[a]! - ms[b]!)) {
    for (const id of Object.keys(switches.mutantCoverage.perTest[law] ?? {})) (laws[id] ??= []).push(law)
  }
  return { laws, ms, statics: Object.keys(switches.mutantCoverage.static) }
}

const tryAll = async (laws: Iterable<number>, { ms }: Known): Promise<Answer> => {
  for (const law of laws) if (await isBroken(law, Math.max(1500, ms[law]! * 10))) return { found: true }
  return { found: false }
}

if (!existsSync(knownFile)) process.send!(await learn())
else {
  const known = JSON.parse(readFileSync(knownFile, "utf8")) as Known
  if (active !== "") process.send!(await tryAll(cases.keys(), known))
  const make = async (id: string): Promise<void> => {
    switches.activeMutant = id
    const answer = await tryAll(known.laws[id] ?? [], known)
    switches.activeMutant = undefined
    process.send!(answer)
  }
  process.on("message", (id: string) => void make(id))
}
