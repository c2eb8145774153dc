/** A store under test: promises over one opening of it. */
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { spawn, spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import {
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
import { SqliteStorage } from "../src/index.ts"

/** A path in a new folder that goes when the test has finished. */
export const newFile = (name = "store.db"): string => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "varve-sqlite-"))
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }))
  return path.join(folder, name)
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

  static async open(filename: string, options: Omit<SqliteStorage.Options, "filename"> = {}): Promise<Store> {
    return Store.of(SqliteStorage.layer({ filename, ...options }))
  }

  static async of(layer: Layer.Layer<LogStorage, unknown>): Promise<Store> {
    const runtime = ManagedRuntime.make(layer)
    const store = new Store(await runtime.runPromise(LogStorage), runtime)
    onTestFinished(() => store.close())
    return store
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

  batches(query: Query): Promise<ReadonlyArray<Batch>> {
    return Effect.runPromise(Stream.runCollect(this.storage.query(query)))
  }

  visit(query: Query, f: (batch: Batch) => void): Promise<void> {
    return Effect.runPromise(
      Stream.runForEach(this.storage.query(query), (batch) => Effect.sync(() => f(batch)))
    )
  }

  pull(query: Query): AsyncIterable<Batch> {
    return Stream.toAsyncIterable(this.storage.query(query))
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

  remove(stream: string): Promise<boolean> {
    return Effect.runPromise(this.storage.remove(stream))
  }
}

/** How opening fails. */
export const refusal = async (filename: string): Promise<unknown> => {
  const outcome = await Store.open(filename).catch((error: unknown) => error)
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
