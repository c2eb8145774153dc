/**
 * `npm run mutate -- core|adapter-sqlite|adapter-file [--sample N] [--seed S] [--runs N] [--file NAME] [--tests]`: makes
 * small mistakes in the storage path of a package and tells which of them no law notices; with `--tests`, which of those
 * the package's own tests don't notice either. What it names is a gap, or no mistake at all: it takes a reader.
 *
 * All mistakes are compiled into the sources at once and switched on by number, in a process that has the laws loaded.
 */
import { type ChildProcess, execFile, fork } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { chooseBy } from "@varve/testkit"
import { instrument, type Mutant } from "./instrument.ts"
import type { Answer, Known } from "./worker.ts"

const storagePath: Readonly<Record<string, string>> = {
  core: "Admission Groups MemoryStorage PromiseStorage Cursor Scan Name Line Checksum Json",
  "adapter-sqlite":
    "append heads plan query StreamOrder TotalOrder remove snapshots rows Page selection statements",
  "adapter-file":
    "EventLine Format GroupReader IdTable LogEvents Recovery StreamLog Summary query heads seek remove snapshots"
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: "string", default: "Infinity" },
    seed: { type: "string", default: "1" },
    runs: { type: "string", default: "10" },
    file: { type: "string" },
    tests: { type: "boolean", default: false }
  }
})
const [name = "core"] = positionals
const root = fileURLToPath(new URL("../..", import.meta.url))
const files = (values.file ?? storagePath[name] ?? "").split(" ")
const { mutants, sources } = await instrument(
  files.map((file) => join(root, "packages", name, "src", `${file}.ts`))
)
const choose = chooseBy(Number(values.seed))
const chosen = mutants
  .map((mutant) => ({ mutant, place: choose(2 ** 30) }))
  .sort((a, b) => a.place - b.place)
  .slice(0, Number(values.sample))
  .map(({ mutant }) => mutant)

const folder = mkdtempSync(join(tmpdir(), "varve-mutate-"))
const [sourcesFile, knownFile] = [join(folder, "sources.json"), join(folder, "known.json")]
writeFileSync(sourcesFile, JSON.stringify(sources))

/** Starts a process with the laws loaded; with `active`, a mistake is there from the first line on. */
const start = (active = ""): ChildProcess =>
  fork(join(import.meta.dirname, "worker.ts"), [name, values.runs, sourcesFile, knownFile, active], {
    execArgv: ["--conditions=@varve/source"],
    stdio: ["ignore", "ignore", "ignore", "ipc"]
  })

/** What a process says next; undefined where it died, or hangs. */
const hear = <A>(child: ChildProcess, ms: number): Promise<A | undefined> =>
  new Promise((resolve) => {
    const end = (said: A | undefined): void => {
      clearTimeout(timer)
      child.removeAllListeners()
      resolve(said)
    }
    const timer = setTimeout(end, ms, undefined)
    child.once("message", (said) => end(said as A)).once("exit", () => end(undefined))
  })

/** A process is used for so many mistakes: what hangs in it holds memory. */
const most = 60
let child: ChildProcess | undefined
let used = 0
const stop = (): void => {
  child?.kill("SIGKILL")
  child = undefined
}

/** Whether a law, a crash or a hang gave the mistake away. */
const isFound = async ({ id }: Mutant, { laws, statics }: Known): Promise<boolean> => {
  if (statics.includes(id)) {
    const own = start(id)
    const answer = await hear<Answer>(own, 120_000)
    own.kill("SIGKILL")
    return answer === undefined || answer.found
  }
  if (laws[id] === undefined) return false
  if (used++ % most === 0) stop()
  child ??= start()
  child.send(id)
  const answer = await hear<Answer>(child, 60_000)
  if (answer === undefined) stop()
  return answer === undefined || answer.found
}

/** Whether the package's own tests notice. Each takes as long as they do, or until the first fails. */
const isFoundByTests = ({ id }: Mutant): Promise<boolean> =>
  new Promise((resolve) => {
    const config = join(import.meta.dirname, "vitest.config.ts")
    const env = { ...process.env, VARVE_MUTATED: sourcesFile, __STRYKER_ACTIVE_MUTANT__: id }
    execFile(
      join(root, "node_modules", ".bin", "vitest"),
      ["run", "--config", config, "--root", root, "--project", name, "--bail", "1"],
      { cwd: root, env, timeout: 300_000, killSignal: "SIGKILL" },
      (error) => resolve(error !== null)
    )
  })

try {
  const first = start()
  const known = await hear<Known>(first, 600_000)
  first.kill("SIGKILL")
  if (known === undefined) throw new Error(`The laws could not be run on ${name}`)
  writeFileSync(knownFile, JSON.stringify(known))
  console.log(`${name}: ${chosen.length} of ${mutants.length} mistakes, seed ${values.seed}`)
  const share = (found: number): string =>
    `${found} of ${chosen.length} (${((100 * found) / chosen.length).toFixed(0)} %)`
  let byLaws = 0
  let byTests = 0
  for (const mutant of chosen) {
    if (await isFound(mutant, known)) byLaws++
    else if (values.tests && (await isFoundByTests(mutant))) byTests++
    else console.log(tell(mutant, known.laws[mutant.id] === undefined))
  }
  console.log(`found by laws: ${share(byLaws)}`)
  if (values.tests) console.log(`by laws and its own tests: ${share(byLaws + byTests)}`)
} finally {
  stop()
  rmSync(folder, { recursive: true })
}

function tell({ file, location, replacement }: Mutant, unreached: boolean): string {
  const { end, start: begin } = location
  const lines = readFileSync(file, "utf8")
    .split("\n")
    .slice(begin.line, end.line + 1)
  const last = lines.length - 1
  lines[last] = lines[last]!.slice(0, end.column)
  lines[0] = lines[0]!.slice(begin.column)
  const brief = (text: string): string => text.replace(/\s+/g, " ").slice(0, 100)
  const place = `${file.slice(root.length)}:${begin.line + 1}`
  return `${place}${unreached ? ", reached by no law" : ""}\n    ${brief(lines.join("\n"))}\n    => ${brief(replacement)}`
}
