/** Every TypeScript block of the README compiles under the strict settings and runs. */
import { execFileSync } from "node:child_process"
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"

const root = join(import.meta.dirname, "..")
const folder = join(root, "test/.readme")
const run = (...args: ReadonlyArray<string>): string =>
  execFileSync(process.execPath, args, { cwd: root, encoding: "utf8", stdio: "pipe" })

const blocks = [...readFileSync(join(root, "README.md"), "utf8").matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(
  (match) => match[1]!
)

test("every block of the README compiles and runs", { timeout: 60_000 }, () => {
  expect(blocks.length).toBeGreaterThanOrEqual(3)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const files = blocks.map((block, i) => {
    const file = join(folder, `block-${i + 1}.ts`)
    writeFileSync(file, block)
    return file
  })
  const output = files.map((file) => run("--conditions=@varve/source", file))
  expect(output[0]).toContain("1 MessageChunk")
  expect(output.join("")).toContain("{ ann: 1, bob: 1 }")
  expect(output.join("")).toContain("hello")
  expect(output.join("")).toContain("2 steps")
  const compilerOptions = {
    noEmit: true,
    composite: false,
    rewriteRelativeImportExtensions: false,
    allowImportingTsExtensions: true,
    types: ["node"]
  }
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ extends: join(root, "tsconfig.base.json"), compilerOptions, files })
  )
  run(join(root, "node_modules/typescript/bin/tsc"), "-p", folder)
})
