/** A store under test: promises over one opening of a folder. */
import { spawn, type ChildProcess } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import {
  type Appended,
  type Batch,
  type EncodedEvent,
  type Group,
  type Head,
  LogStorage,
  type Outcome,
  type Query,
  type StorageService,
  type StoredEvent
} from "@varve/core"
import { Effect, type Layer, ManagedRuntime, Stream } from "effect"
import { onTestFinished } from "vitest"
import { FileStorage } from "../src/index.ts"
import { open } from "../src/open.ts"

/** A new folder that goes when the test has finished. */
export const newFolder = (): string => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "varve-file-"))
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }))
  return folder
}

export const event = (id: string, rest: Partial<EncodedEvent> = {}): EncodedEvent => ({
  id,
  type: "chunk",
  version: 1,
  at: 1000,
  data: `{"text":"${id}"}`,
  meta: undefined,
  seals: false,
  ...rest
})

export class Store {
  readonly storage: StorageService
  private readonly runtime: ManagedRuntime.ManagedRuntime<LogStorage, unknown>

  private constructor(storage: StorageService, runtime: ManagedRuntime.ManagedRuntime<LogStorage, unknown>) {
    this.storage = storage
    this.runtime = runtime
  }

  static open(directory: string, options: Omit<FileStorage.Options, "directory"> = {}): Promise<Store> {
    return Store.of(FileStorage.layer({ directory, ...options }))
  }

  /** The same without a socket, which takes longest of an opening. Nobody else may be at the folder. */
  static alone(directory: string, options: Omit<FileStorage.Options, "directory"> = {}): Promise<Store> {
    const presence = { enter: async () => ({ leave: () => undefined }), isThere: async () => false }
    return Store.of(open({ directory, ...options }, { disk: fs, presence }))
  }

  static async of(layer: Layer.Layer<LogStorage, unknown>): Promise<Store> {
    const runtime = ManagedRuntime.make(layer)
    return new Store(await runtime.runPromise(LogStorage), runtime)
  }

  close(): Promise<void> {
    return this.runtime.dispose()
  }

  appendAll(groups: ReadonlyArray<Group>): Promise<ReadonlyArray<Outcome>> {
    return Effect.runPromise(this.storage.append(groups))
  }

  async append(
    stream: string,
    ids: ReadonlyArray<string | EncodedEvent>,
    rest: Partial<Group> = {}
  ): Promise<Outcome> {
    const events = ids.map((id) => (typeof id === "string" ? event(id) : id))
    const [outcome] = await this.appendAll([{ stream, events, durability: "written", ...rest }])
    return outcome!
  }

  /** Appends what has to be taken. */
  async take(
    stream: string,
    ids: ReadonlyArray<string | EncodedEvent>,
    rest?: Partial<Group>
  ): Promise<Appended> {
    const outcome = await this.append(stream, ids, rest)
    if (outcome._tag !== "Appended") throw new Error(`Not taken: ${JSON.stringify(outcome)}`)
    return outcome
  }

  batches(query: Query): Promise<ReadonlyArray<Batch>> {
    return Effect.runPromise(Stream.runCollect(this.storage.query(query)))
  }

  /** What is answered before the end or a failure, and the failure. */
  async answered(query: Query): Promise<{ readonly ids: ReadonlyArray<string>; readonly error: unknown }> {
    const ids: Array<string> = []
    let error: unknown
    try {
      for await (const batch of Stream.toAsyncIterable(this.storage.query(query)))
        ids.push(...batch.events.map(({ id }) => id))
    } catch (cause) {
      error = cause
    }
    return { ids, error }
  }

  async events(query: Query): Promise<ReadonlyArray<StoredEvent>> {
    return (await this.batches(query)).flatMap((batch) => batch.events)
  }

  async ids(query: Query): Promise<ReadonlyArray<string>> {
    return (await this.events(query)).map(({ id }) => id)
  }

  async head(stream: string): Promise<Head | undefined> {
    return (await Effect.runPromise(this.storage.heads({ streams: [stream] })))[0]
  }

  sync(): Promise<void> {
    return Effect.runPromise(this.storage.sync)
  }

  release(stream: string): Promise<void> {
    return Effect.runPromise(this.storage.release(stream))
  }

  remove(stream: string): Promise<boolean> {
    return Effect.runPromise(this.storage.remove(stream))
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
