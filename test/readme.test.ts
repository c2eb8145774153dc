/** Every TypeScript block of the README compiles under the strict settings and runs; those of the guide compile. */
import { execFileSync } from "node:child_process"
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"

const root = join(import.meta.dirname, "..")
const folder = join(root, "test/.readme")
const run = (...args: ReadonlyArray<string>): string =>
  execFileSync(process.execPath, args, { cwd: root, encoding: "utf8", stdio: "pipe" })

const blocksOf = (file: string): ReadonlyArray<string> =>
  Array.from(
    readFileSync(join(root, file), "utf8").matchAll(/^```ts\n([\s\S]*?)^```/gm),
    (match) => match[1]!
  )

test("every block of the README compiles and runs, those of the guides compile", { timeout: 60_000 }, () => {
  const blocks = blocksOf("README.md")
  expect(blocks.length).toBeGreaterThanOrEqual(3)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const write = (name: string) => (block: string, i: number) => {
    const file = join(folder, `${name}-${i + 1}.ts`)
    writeFileSync(file, block)
    return file
  }
  const files = blocks.map(write("readme"))
  const guides = blocksOf("docs/write-a-storage.md").map(write("storage"))
  expect(guides.length).toBeGreaterThan(0)
  const output = files.map((file) => run("--conditions=@varve/source", file))
  expect(output[0]).toContain("1 MessageChunk")
  const told = output.join("")
  for (const text of ["{ ann: 1, bob: 1 }", "1 Asked\n2 Resolved\n", "hello", "2 steps"])
    expect(told).toContain(text)
  const compilerOptions = {
    noEmit: true,
    composite: false,
    rewriteRelativeImportExtensions: false,
    allowImportingTsExtensions: true,
    types: ["node"]
  }
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      extends: join(root, "tsconfig.base.json"),
      compilerOptions,
      files: [...files, ...guides]
    })
  )
  run(join(root, "node_modules/typescript/bin/tsc"), "-p", folder)
})
