/** A store under test: promises over one opening of it. */
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { spawn, spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Batch, Query } from "@varve/core"
import { onTestFinished } from "vitest"
import { encodedEvent, OpenStorage } from "../../../test/OpenStorage.ts"
import { SqliteStorage } from "../src/index.ts"

/** A path in a new folder that goes when the test has finished. */
export const newFile = (name = "store.db"): string => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "varve-sqlite-"))
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }))
  return path.join(folder, name)
}

export const event = encodedEvent

export class Store extends OpenStorage {
  static async open(filename: string, options: Omit<SqliteStorage.Options, "filename"> = {}): Promise<Store> {
    return Store.of(SqliteStorage.layer({ filename, ...options }))
  }

  static override async of(layer: Parameters<typeof OpenStorage.of>[0]): Promise<Store> {
    const store = new Store(await OpenStorage.of(layer))
    onTestFinished(() => store.close())
    return store
  }

  async visit(query: Query, f: (batch: Batch) => void): Promise<void> {
    for await (const batch of this.pull(query)) f(batch)
  }
}

/** How opening fails. */
export const refusal = async (
  filename: string,
  options?: Omit<SqliteStorage.Options, "filename">
): Promise<unknown> => {
  const outcome = await Store.open(filename, options).catch((error: unknown) => error)
  if (outcome instanceof Store) throw new Error("It was opened")
  return outcome
}

/** Where a program of this folder lies. */
export const programFile = (name: string): string =>
  fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url))

const program = (name: string) => ["--conditions=@varve/source", programFile(name)]

/** Runs a program of this folder to its end and answers what it printed. */
export const run = (name: string, args: ReadonlyArray<string>, under: ReadonlyArray<string> = []): string => {
  const [command, ...rest] = [...under, process.execPath, ...program(name), ...args]
  const { status, stdout, stderr } = spawnSync(command!, rest, { encoding: "utf8" })
  if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`)
  return stdout
}

/** Starts a program of this folder; resolves to what it printed when it has ended. */
export const start = (name: string, args: ReadonlyArray<string>): Promise<string> =>
  startNode([...program(name), ...args])

/** Starts node; resolves to what it printed when it has ended. */
export const startNode = (args: ReadonlyArray<string>): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] })
    let printed = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text))
    child.on("error", reject)
    // Not "exit": what it printed may still be on its way.
    child.on("close", (code, signal) =>
      code === 0 ? resolve(printed) : reject(new Error(`${args.join(" ")} ended with ${code ?? signal}`))
    )
  })
