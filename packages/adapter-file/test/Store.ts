/** A store under test: promises over one opening of a folder. */
import { spawn, type ChildProcess } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import type { Query } from "@varve/core"
import { onTestFinished } from "vitest"
import { encodedEvent, OpenStorage } from "../../../test/OpenStorage.ts"
import { FileStorage } from "../src/index.ts"
import { open } from "../src/open.ts"

/** A new folder that goes when the test has finished. */
export const newFolder = (): string => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "varve-file-"))
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }))
  return folder
}

export const event = encodedEvent

export class Store extends OpenStorage {
  static open(directory: string, options: Omit<FileStorage.Options, "directory"> = {}): Promise<Store> {
    return Store.of(FileStorage.layer({ directory, ...options }))
  }

  /** The same without a socket, which takes longest of an opening. Nobody else may be at the folder. */
  static alone(directory: string, options: Omit<FileStorage.Options, "directory"> = {}): Promise<Store> {
    const presence = { enter: async () => ({ leave: () => undefined }), isThere: async () => false }
    return Store.of(open({ directory, ...options }, { disk: fs, presence }))
  }

  static override async of(layer: Parameters<typeof OpenStorage.of>[0]): Promise<Store> {
    return new Store(await OpenStorage.of(layer))
  }

  /** What is answered before the end or a failure, and the failure. */
  async answered(query: Query): Promise<{ readonly ids: ReadonlyArray<string>; readonly error: unknown }> {
    const ids: Array<string> = []
    let error: unknown
    try {
      for await (const batch of this.pull(query)) ids.push(...batch.events.map(({ id }) => id))
    } catch (cause) {
      error = cause
    }
    return { ids, error }
  }
}

const program = (name: string) => [
  "--conditions=@varve/source",
  fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url))
]

/** A program of this folder, under way. */
export class Running {
  readonly child: ChildProcess
  private readonly lines: Array<string> = []
  private readonly waiting: Array<(line: string) => void> = []
  readonly ended: Promise<number | string>

  constructor(name: string, args: ReadonlyArray<string>, under: ReadonlyArray<string> = []) {
    const [command, ...rest] = [...under, process.execPath, ...program(name), ...args]
    const env = { ...process.env, UV_THREADPOOL_SIZE: "1" }
    this.child = spawn(command!, rest, { stdio: ["pipe", "pipe", "inherit"], env })
    let text = ""
    this.child.stdout!.setEncoding("utf8").on("data", (piece: string) => {
      const parts = (text + piece).split("\n")
      text = parts.pop()!
      for (const line of parts) (this.waiting.shift() ?? ((one) => this.lines.push(one)))(line)
    })
    this.ended = new Promise((resolve) =>
      this.child.on("exit", (code, signal) => resolve(code ?? signal ?? "gone"))
    )
    onTestFinished(() => void this.child.kill("SIGKILL"))
  }

  /** The next line that it prints. */
  line(): Promise<string> {
    const line = this.lines.shift()
    return line === undefined ? new Promise((resolve) => this.waiting.push(resolve)) : Promise.resolve(line)
  }

  tell(line: string): void {
    this.child.stdin!.write(`${line}\n`)
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    this.child.kill(signal)
    if (signal === "SIGKILL") await this.ended
  }
}
