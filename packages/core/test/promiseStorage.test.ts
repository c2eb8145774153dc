/** What a storage written with promises throws, and what the seam tells instead. */
import {
  Busy,
  Damaged,
  fromPromises,
  type Group,
  LogStorage,
  type PromiseStorage,
  type StorageService
} from "@varve/core"
import { Effect, ManagedRuntime, Stream } from "effect"
import { describe, expect, test } from "vitest"

const cause = new Error("out of order")
const damage = new Damaged({ stream: "s", file: "f", problem: "a flipped bit" })
const fails = (error: unknown) => () => Promise.reject(error)

const broken = (error: unknown): PromiseStorage => ({
  supports: {
    durability: "none",
    sharedWriters: false,
    totalOrder: false,
    reverse: true,
    checksums: false,
    counters: false,
    atomicAcrossStreams: false,
    hints: false
  },
  limits: { groupEvents: 10, groupBytes: 10_000 },
  append: fails(error),
  heads: fails(error),
  query: async function* () {
    yield await fails(error)()
  },
  snapshots: { load: fails(error), save: fails(error), drop: fails(error) },
  remove: fails(error),
  sync: fails(error)
})

const open = (storage: PromiseStorage): Promise<StorageService> =>
  ManagedRuntime.make(fromPromises(() => storage)).runPromise(LogStorage)

const failureOf = (effect: Effect.Effect<unknown, unknown>): Promise<unknown> =>
  Effect.runPromise(Effect.flip(effect))

const calls: Readonly<Record<string, (service: StorageService) => Effect.Effect<unknown, unknown>>> = {
  query: (service) => Stream.runCollect(service.query({})),
  heads: (service) => service.heads({}),
  "snapshots.load": (service) => service.snapshots.load("p", ["s"]),
  "snapshots.save": (service) => service.snapshots.save([]),
  "snapshots.drop": (service) => service.snapshots.drop(),
  remove: (service) => service.remove("s"),
  sync: (service) => service.sync
}

describe("what a storage throws is a typed failure that names the call", () => {
  test.each(Object.entries(calls))("%s", async (operation, call) => {
    const failure = await failureOf(call(await open(broken(cause))))
    expect(failure).toMatchObject({ _tag: "StorageError", operation, cause })
  })
})

test("A4: an append that rejects is of unknown fate, group by group", async () => {
  const group = (stream: string): Group => ({ stream, events: [], durability: "written" })
  const service = await open(broken(cause))
  expect(await Effect.runPromise(service.append([group("a"), group("b")]))).toEqual(
    ["a", "b"].map(() => ({ _tag: "Failed", reached: "unknown", cause }))
  )
})

test("damage stays damage where reading may tell it", async () => {
  const service = await open(broken(damage))
  for (const name of ["query", "heads"]) expect(await failureOf(calls[name]!(service))).toBe(damage)
  for (const name of ["snapshots.load", "snapshots.save", "snapshots.drop", "sync"])
    expect(await failureOf(calls[name]!(service))).toMatchObject({ _tag: "StorageError", stream: "s" })
})

test("M1: a stream that another process owns stays Busy", async () => {
  const busy = new Busy({ stream: "s", owner: "another" })
  expect(await failureOf((await open(broken(busy))).remove("s"))).toBe(busy)
})

test("what a storage may have is passed on, as its method", async () => {
  const counting = {
    ...broken(cause),
    count: { appends: 1, syncs: 2, queries: 3, eventsRead: 4, bytesRead: 5 },
    counters() {
      return this.count
    },
    async *hints() {
      yield String(this.count.appends)
    },
    appendSync() {
      return [{ _tag: "Failed" as const, reached: "rejected" as const, cause: this.count.syncs }]
    }
  }
  const service = await open(counting)
  expect(service.counters?.()).toBe(counting.count)
  expect(await Effect.runPromise(Stream.runCollect(service.hints!))).toEqual(["1"])
  expect(service.appendSync?.([])).toMatchObject([{ cause: 2 }])
  const bare = await open(broken(cause))
  for (const name of ["counters", "hints", "appendSync"]) expect(bare).not.toHaveProperty(name)
})

test("a storage that doesn't open says why, and one that was opened is closed", async () => {
  const runtime = ManagedRuntime.make(fromPromises(fails(cause)))
  await expect(runtime.runPromise(LogStorage)).rejects.toMatchObject({
    _tag: "OpenFailed",
    reason: "unreachable",
    problem: "out of order"
  })
  let closed = 0
  const opened = ManagedRuntime.make(
    fromPromises(() => ({ ...broken(cause), close: async () => void closed++ }))
  )
  await opened.runPromise(LogStorage)
  await opened.dispose()
  expect(closed).toBe(1)
})
