/** An open storage as the laws use it: promises, streams in a scope of their own, and a history of what was asked. */
import {
  type Appended,
  type Batch,
  type EncodedEvent,
  type Group,
  type Head,
  LogStorage,
  type Outcome,
  type Query,
  type Selection,
  type StorageService,
  type StoredEvent,
  type StoredSnapshot
} from "@varve/core"
import { Effect, type Layer, ManagedRuntime, Stream } from "effect"
import { Broken, must } from "./Broken.ts"
import { tell, tellBatches, tellGroup, tellHeads, tellOutcome, tellQuery } from "./tell.ts"

/** A recipe for a storage. Building it again, once closed or beside it, opens the same store (if it keeps one). */
export type StorageLayer = Layer.Layer<LogStorage, unknown>

/** A fresh store, and what its author can do with it beyond opening and closing. */
export interface Recipe {
  readonly storage: StorageLayer
  /** Opens the same store as another process would; without it `storage` does, a second time. */
  readonly elsewhere?: StorageLayer | undefined
  /** Ends the life of what is open without closing it. */
  readonly crash?: (() => void | Promise<void>) | undefined
  /** A crash of it takes what wasn't synced. */
  readonly powerCut?: boolean | undefined
}

/** One opening of a store. */
export class Connection {
  readonly #recipe: Recipe
  #runtime: ManagedRuntime.ManagedRuntime<LogStorage, unknown>
  #service: StorageService | undefined
  readonly #beside: Array<Connection> = []

  constructor(recipe: Recipe) {
    this.#recipe = recipe
    this.#runtime = ManagedRuntime.make(recipe.storage)
  }

  async open(): Promise<this> {
    this.#service = await this.#runtime.runPromise(LogStorage).catch((cause: unknown) => {
      throw new Broken(`The storage could not be opened: ${String(cause)}`)
    })
    return this
  }

  get service(): StorageService {
    must(this.#service !== undefined, "The storage isn't open")
    return this.#service
  }

  /** Runs an effect of the storage. A failure or a defect breaks the law that asked. */
  run<A>(call: () => string, effect: Effect.Effect<A, unknown>): Promise<A> {
    return Effect.runPromise(effect).catch((cause: unknown) => {
      throw new Broken(`The storage failed at: ${call()}\n    ${String(cause)}`)
    })
  }

  async reopen(): Promise<void> {
    await this.close()
    this.#runtime = ManagedRuntime.make(this.#recipe.storage)
    await this.open()
  }

  get powerCut(): boolean {
    return this.#recipe.powerCut === true
  }

  /** Crashes, and opens what is left. What was open is dead, not closed. */
  async crash(): Promise<void> {
    must(this.#recipe.crash !== undefined, "The store can crash")
    await this.#recipe.crash()
    this.#runtime = ManagedRuntime.make(this.#recipe.storage)
    await this.open()
  }

  /** A second opening of the same store, closed with this one. There is one other process, however often it is asked for. */
  async beside(): Promise<Connection> {
    const { elsewhere, storage } = this.#recipe
    if (elsewhere !== undefined && this.#beside[0] !== undefined) return this.#beside[0]
    const other = await new Connection({ storage: elsewhere ?? storage }).open()
    this.#beside.push(other)
    return other
  }

  async close(): Promise<void> {
    for (const other of this.#beside.splice(0)) await other.close()
    this.#service = undefined
    await this.#runtime.dispose()
  }
}

/** A group in short: `durability` may be left out and is then `written`. */
export type Ask = Omit<Group, "durability"> & { readonly durability?: Group["durability"] }

export class Store {
  readonly #connection: Connection
  readonly #scope: string
  readonly #calls: Array<() => string>
  /** How its calls are told apart from those of the writers beside it. */
  readonly #label: string

  /** Every stream name that {@link name} makes begins with `scope`, so that runs can share one store. */
  constructor(connection: Connection, scope = "", calls: Array<() => string> = [], label = "") {
    this.#connection = connection
    this.#scope = scope
    this.#calls = calls
    this.#label = label
  }

  get service(): StorageService {
    return this.#connection.service
  }
  get supports(): StorageService["supports"] {
    return this.service.supports
  }
  get limits(): StorageService["limits"] {
    return this.service.limits
  }
  get scope(): string {
    return this.#scope
  }

  /** The name of a stream of this run. */
  name(stream: string): string {
    return this.#scope + stream
  }

  /** Offers one group, which may be refused. */
  async offer(ask: Ask): Promise<Outcome> {
    return (await this.offerAll([ask]))[0]!
  }

  /** Offers groups of different streams in one call. */
  async offerAll(asks: ReadonlyArray<Ask>): Promise<ReadonlyArray<Outcome>> {
    const groups = asks.map((ask): Group => ({ durability: "written", ...ask }))
    const outcomes = await this.#do(
      (service) => service.append(groups),
      () => groups.map(tellGroup).join("\n   + "),
      (answer) => answer.map(tellOutcome).join("\n   + ")
    )
    must(
      outcomes.length === groups.length,
      () => `append answers one outcome a group: ${groups.length} groups got ${outcomes.length} outcomes`
    )
    for (const outcome of outcomes) {
      if (outcome._tag !== "Appended") continue
      must(
        outcome.head !== undefined || outcome.seqs.length === 0,
        () => `Appended with seqs [${outcome.seqs.join(", ")}] must tell the head; it told none`
      )
    }
    return outcomes
  }

  /** Appends a group that has to be taken. */
  async append(stream: string, events: ReadonlyArray<EncodedEvent>, more?: Partial<Ask>): Promise<Appended> {
    const outcome = await this.offer({ ...more, stream, events })
    must(
      outcome._tag === "Appended",
      () => `This append has to be taken, but the answer is ${tellOutcome(outcome)}`
    )
    return outcome
  }

  query(query: Query): Promise<ReadonlyArray<Batch>> {
    return this.#do(
      (service) => Stream.runCollect(service.query(query)),
      () => tellQuery(query),
      tellBatches
    )
  }

  /** The events that a query answers, in its order. */
  async events(query: Query): Promise<ReadonlyArray<StoredEvent>> {
    return (await this.query(query)).flatMap((batch) => batch.events)
  }

  /** All events of one stream. */
  read(stream: string): Promise<ReadonlyArray<StoredEvent>> {
    return this.events({ streams: [stream] })
  }

  /** A query that is pulled batch by batch, and stopped by leaving the loop. */
  pull(query: Query): AsyncIterable<Batch> {
    this.#calls.push(() => `pull ${tellQuery(query)}`)
    return Stream.toAsyncIterable(this.service.query(query))
  }

  heads(selection: Selection): Promise<ReadonlyArray<Head>> {
    return this.#do(
      (service) => service.heads(selection),
      () => `heads ${tell(selection)}`,
      tellHeads
    )
  }

  async head(stream: string): Promise<Head | undefined> {
    const heads = await this.heads({ streams: [stream] })
    must(heads.length <= 1, () => `heads answers a stream once, not ${heads.length} times`)
    return heads[0]
  }

  load(projection: string, streams: ReadonlyArray<string>): Promise<ReadonlyArray<StoredSnapshot>> {
    return this.#do(
      (service) => service.snapshots.load(projection, streams),
      () => `snapshots.load ${tell(projection)} of ${tell(streams)}`,
      tell
    )
  }

  save(snapshots: ReadonlyArray<StoredSnapshot>): Promise<void> {
    return this.#do(
      (service) => service.snapshots.save(snapshots),
      () => `snapshots.save ${tell(snapshots)}`,
      done
    )
  }

  drop(projection?: string): Promise<void> {
    return this.#do(
      (service) => service.snapshots.drop(projection),
      () => `snapshots.drop ${projection === undefined ? "everything" : tell(projection)}`,
      done
    )
  }

  remove(stream: string): Promise<boolean> {
    return this.#do(
      (service) => service.remove(stream),
      () => `remove ${tell(stream)}`,
      String
    )
  }

  sync(): Promise<void> {
    return this.#do(
      (service) => service.sync,
      () => "sync",
      done
    )
  }

  async reopen(): Promise<void> {
    this.#calls.push(() => "close, open again")
    await this.#connection.reopen()
  }

  /** Whether a crash takes what wasn't synced. */
  get powerCut(): boolean {
    return this.#connection.powerCut
  }

  async crash(): Promise<void> {
    this.#calls.push(() => (this.powerCut ? "the power is cut, open again" : "crash, open again"))
    await this.#connection.crash()
  }

  release(stream: string): Promise<void> {
    return this.#do(
      (service) => service.release(stream),
      () => `release ${tell(stream)}`,
      done
    )
  }

  /** A second opening of the same store, with the same names. */
  async beside(): Promise<Store> {
    return new Store(await this.#connection.beside(), this.#scope, this.#calls, "[the second writer] ")
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  /** Notes what somebody else asked of this store, and was answered. */
  note(call: () => string): void {
    this.#calls.push(() => `${this.#label}${call()}`)
  }

  /** Begins the history anew: what follows doesn't depend on what was. */
  forgetHistory(): void {
    this.#calls.length = 0
  }

  /** What was asked and answered so far, the last 40 calls. */
  history(): string {
    const hidden = Math.max(0, this.#calls.length - 40)
    const shown = this.#calls
      .slice(hidden)
      .map((call, i) => `${String(hidden + i + 1).padStart(3)}. ${call()}`)
    return (hidden > 0 ? [`(${hidden} calls before these)`, ...shown] : shown).join("\n")
  }

  async #do<A>(
    effect: (service: StorageService) => Effect.Effect<A, unknown>,
    call: () => string,
    answer: (value: A) => string
  ): Promise<A> {
    let told = "(under way)"
    const at = this.#calls.length
    this.#calls.push(() => `${this.#label}${call()}\n     -> ${told}`)
    const value = await this.#connection
      .run(
        call,
        Effect.suspend(() => effect(this.service))
      )
      .catch((error: unknown) => {
        told = "failed"
        throw error
      })
    this.#calls[at] = () => `${this.#label}${call()}\n     -> ${answer(value)}`
    return value
  }
}

const done = (): string => "done"
