/**
 * The documents are true: every TypeScript block compiles under the strict settings, every program runs and prints what
 * its comments say, every script of a shell block exists, every link leads somewhere.
 */
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, describe, expect, test } from "vitest"
import {
  blocksOf,
  documents,
  headingsOf,
  isSuite,
  linksOf,
  needsOwnStorage,
  programsOf,
  root,
  textOf,
  toldBy
} from "./Document.ts"

const folder = join(root, "test/.documents")
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })

const programs = documents.flatMap((path) =>
  programsOf(textOf(path)).map((program, i) => {
    const name = `${path.replace(/\.md$/, "").replaceAll("/", "-")}-${i + 1}`
    const file = join(folder, `${name}.ts`)
    writeFileSync(file, program)
    return { name, file, program }
  })
)
/** For what programs write. */
const scratch = mkdtempSync(join(tmpdir(), "varve-documents-"))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

/** What a program prints. */
const node = (...args: ReadonlyArray<string>): string => {
  const { error, status, stderr, stdout } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: "utf8",
    timeout: 60_000,
    env: { ...process.env, TMPDIR: scratch }
  })
  if (status === 0) return stdout
  throw new Error(`${stdout}${stderr}${error?.message ?? ""}`)
}

test("every block compiles under the strict settings", { timeout: 60_000 }, () => {
  const compilerOptions = {
    noEmit: true,
    composite: false,
    rewriteRelativeImportExtensions: false,
    allowImportingTsExtensions: true,
    types: ["node"]
  }
  const files = programs.map(({ file }) => file)
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ extends: join(root, "tsconfig.base.json"), compilerOptions, files })
  )
  node(join(root, "node_modules/typescript/bin/tsc"), "-p", folder)
})

test("every program runs and prints what it tells", { timeout: 60_000 }, () => {
  const whole = programs.filter(({ program }) => !isSuite(program))
  const runner = join(root, "test/programs/run.ts")
  const printed = JSON.parse(
    node("--conditions=@varve/source", runner, ...whole.map(({ file }) => file))
  ) as ReadonlyArray<{ readonly output: string; readonly error?: string }>
  const found = whole.map(({ name }, i) => ({
    name,
    ...printed[i]!,
    output: printed[i]!.output.replaceAll("\n", ", ")
  }))
  expect(found).toEqual(whole.map(({ name, program }) => ({ name, output: toldBy(program) })))
})

// What registers tests is tests: they run here.
for (const { file, name, program } of programs)
  if (isSuite(program) && !needsOwnStorage(program)) describe(name, () => import(file) as Promise<never>)

test("every script of a shell block exists", () => {
  const { scripts } = JSON.parse(textOf("package.json")) as { scripts: Record<string, string> }
  const asked = documents.flatMap((path) =>
    blocksOf(textOf(path), "sh").flatMap((block) =>
      Array.from(block.matchAll(/npm (?:run )?([\w:-]+)/g), (match) => match[1]!)
    )
  )
  const own = asked.filter((script) => !["ci", "install"].includes(script))
  expect(own.length).toBeGreaterThan(0)
  expect(own.filter((script) => scripts[script] === undefined)).toEqual([])
})

test("every link leads to a file, and to a heading of it where it names one", () => {
  const anchorOf = (heading: string): string =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-")
  const lost = documents.flatMap((path) =>
    linksOf(textOf(path)).filter((link) => {
      const [to = "", anchor] = link.split("#")
      const target = to === "" ? path : join(dirname(path), to)
      if (!existsSync(join(root, target))) return true
      return anchor !== undefined && !headingsOf(textOf(target)).map(anchorOf).includes(anchor)
    })
  )
  expect(lost).toEqual([])
})
