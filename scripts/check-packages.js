// Packs every package, lints the tarballs, then installs them in an empty project that type-checks and runs
// scripts/consumer: what a user gets, not what the workspace links.
import { spawnSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const bin = (/** @type {string} */ name) => join(root, "node_modules", ".bin", name)
const scratch = mkdtempSync(join(tmpdir(), "varve-packages-"))
const tarballs = join(scratch, "tarballs")
const consumer = join(scratch, "consumer")

/** @param {string} command @param {readonly string[]} args @param {string} cwd */
const run = (command, args, cwd = root) => {
  console.log(`$ ${[basename(command), ...args].join(" ").replaceAll(scratch, "<tmp>")}`)
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" })
  if (status === 0) return
  console.error(stdout + stderr)
  throw new Error(`${basename(command)} failed`)
}

try {
  const packages = readdirSync(join(root, "packages")).map((folder) => join("packages", folder))

  // A file that was deleted in src would otherwise live on in dist and be packed.
  for (const folder of packages) rmSync(join(root, folder, "dist"), { recursive: true, force: true })
  run(bin("tsc"), ["-b", ...packages])

  cpSync(join(root, "scripts", "consumer"), consumer, { recursive: true })
  // An adapter by its author: the worked one, outside of this repository.
  for (const folder of ["src", "test"])
    cpSync(join(root, "examples", "level-storage", folder), join(consumer, "level", folder), {
      recursive: true
    })
  const level = JSON.parse(readFileSync(join(root, "examples", "level-storage", "package.json"), "utf8"))
  mkdirSync(tarballs)
  run("npm", ["pack", "--silent", "--pack-destination", tarballs, ...packages.map((folder) => `./${folder}`)])
  const packed = readdirSync(tarballs).filter((file) => file.endsWith(".tgz"))
  for (const tarball of packed) {
    run(bin("publint"), ["run", "--strict", join(tarballs, tarball)])
    run(bin("attw"), ["--profile", "esm-only", "--format", "ascii", join(tarballs, tarball)])
  }

  const { devDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
  writeFileSync(
    join(consumer, "package.json"),
    JSON.stringify({
      private: true,
      type: "module",
      dependencies: Object.fromEntries([
        ...packed.map((tarball) => [
          `@varve/${tarball.replace(/^varve-(.*)-\d.*$/, "$1")}`,
          `file:${join(tarballs, tarball)}`
        ]),
        ["abstract-level", level.dependencies["abstract-level"]],
        ["classic-level", level.devDependencies["classic-level"]],
        ["@types/node", devDependencies["@types/node"]],
        ["effect", devDependencies.effect],
        ["vitest", devDependencies.vitest]
      ])
    })
  )
  writeFileSync(
    join(consumer, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        target: "ES2023",
        lib: ["ES2023", "ESNext.Disposable", "DOM"],
        module: "NodeNext",
        types: [],
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        noEmit: true
      },
      include: ["*.ts"]
    })
  )
  writeFileSync(
    join(consumer, "level", "tsconfig.json"),
    JSON.stringify({
      extends: "../tsconfig.json",
      // The types of Level lean on Node's.
      compilerOptions: { types: ["node"], skipLibCheck: true, allowImportingTsExtensions: true },
      include: ["."]
    })
  )
  run("npm", ["install", "--silent", "--prefer-offline", "--no-audit", "--no-fund"], consumer)
  run(bin("tsc"), ["-p", "."], consumer)
  run(bin("tsc"), ["-p", "level"], consumer)
  run(process.execPath, ["quickstart.ts"], consumer)
  run(join(consumer, "node_modules", ".bin", "vitest"), ["run"], consumer)
  console.log(`${packed.length} packages pack, install, type-check and run`)
} catch (error) {
  console.error(String(error))
  process.exitCode = 1
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
