/** An open storage with promises, for what the adapters test beside the laws: their files, failures and processes. */
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

/** An event as a storage gets it, with nothing special about it but its id. */
export const encodedEvent = (id: string, rest: Partial<EncodedEvent> = {}): EncodedEvent => ({
  id,
  type: "chunk",
  version: 1,
  at: 1000,
  data: `{"text":"${id}"}`,
  meta: undefined,
  seals: false,
  ...rest
})

/** Events, or the ids of such that have nothing special about them. */
type Events = ReadonlyArray<string | EncodedEvent>

/** One opening of a store. What the storage fails with rejects; its outcomes are values. */
export class OpenStorage {
  readonly storage: StorageService
  readonly close: () => Promise<void>

  constructor(opened: Pick<OpenStorage, "storage" | "close">) {
    this.storage = opened.storage
    this.close = opened.close
  }

  static async of(layer: Layer.Layer<LogStorage, unknown>): Promise<OpenStorage> {
    const runtime = ManagedRuntime.make(layer)
    return new OpenStorage({
      storage: await runtime.runPromise(LogStorage),
      close: () => runtime.dispose()
    })
  }

  appendAll(groups: ReadonlyArray<Group>): Promise<ReadonlyArray<Outcome>> {
    return Effect.runPromise(this.storage.append(groups))
  }

  /** Appends one group, written unless `rest` says otherwise. */
  async append(stream: string, events: Events, rest: Partial<Group> = {}): Promise<Outcome> {
    const encoded = events.map((one) => (typeof one === "string" ? encodedEvent(one) : one))
    const [outcome] = await this.appendAll([{ stream, events: encoded, durability: "written", ...rest }])
    return outcome!
  }

  /** Appends what has to be taken; throws where it isn't. */
  async take(stream: string, events: Events, rest?: Partial<Group>): Promise<Appended> {
    const outcome = await this.append(stream, events, rest)
    if (outcome._tag !== "Appended") throw new Error(`Not taken: ${JSON.stringify(outcome)}`)
    return outcome
  }

  batches(query: Query): Promise<ReadonlyArray<Batch>> {
    return Effect.runPromise(Stream.runCollect(this.storage.query(query)))
  }

  /** Batch by batch; leaving the loop stops it. */
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

  release(stream: string): Promise<void> {
    return Effect.runPromise(this.storage.release(stream))
  }

  remove(stream: string): Promise<boolean> {
    return Effect.runPromise(this.storage.remove(stream))
  }
}
