/** The log as its user meets it: both faces, and every refusal by name. */
import {
  type AppendOptions,
  Busy,
  fromPromises,
  type Group,
  LogStorage,
  MemoryStorage,
  type Outcome,
  type PromiseStorage,
  type StorageService,
  Varve
} from "@varve/core"
import { Effect, Layer, Logger, Stream } from "effect"
import { describe, expect, test } from "vitest"
import { chunk, Session, throwing, Transcript, uncaught } from "./session.ts"

const open = (service: Partial<StorageService> = {}) =>
  Varve.open({
    events: Session,
    storage: Layer.succeed(LogStorage, { ...MemoryStorage.make(), ...service }),
    onFailure: () => undefined
  })

const answering = (outcome: Outcome) =>
  open({ append: (groups) => Effect.succeed(groups.map(() => outcome)) })

const all = async <A>(items: AsyncIterable<A>): Promise<ReadonlyArray<A>> => {
  const found: Array<A> = []
  for await (const item of items) found.push(item)
  return found
}

describe("both faces", () => {
  test("a session in promises", async () => {
    await using log = await open()
    const receipt = await log.append("s", [chunk("Hel", { id: "1" }), chunk("lo", { id: "2" })], {
      attributes: { project: "p" }
    })
    expect(receipt.events).toEqual([
      { id: "1", seq: 1, duplicate: false, kept: false },
      { id: "2", seq: 2, duplicate: false, kept: false }
    ])
    expect(receipt.durability).toBe("none")
    expect(await log.state("s", Transcript)).toEqual({ text: "Hello", turns: 0 })
    expect((await all(log.read("s", { fromSeq: 2 }))).map((event) => event.id)).toEqual(["2"])
    expect((await log.label("s", { project: "q" })).attributes).toEqual({ project: "q" })
    expect((await log.heads({ prefix: "s" })).map((head) => head.cursor.seq)).toEqual([2])
    expect(
      (await all(log.query({ attributes: { project: "q" } }))).flatMap((batch) => batch.events)
    ).toHaveLength(2)
    expect(await log.remove("s")).toBe(true)
    expect(await log.head("s")).toBeUndefined()
  })

  test("the same in Effect, as a service", async () => {
    class SessionLog extends Varve.Service<SessionLog>()("test/SessionLog", { events: Session }) {}
    const program = Effect.gen(function* () {
      const log = yield* SessionLog
      yield* log.append("s", chunk("Hel"))
      expect(log.record("s", chunk("lo"))).toBe(true)
      expect(yield* log.state("s", Transcript)).toEqual({ text: "Hello", turns: 0 })
      const read = log.read("s")
      // A stream is a description: each run of it reads anew.
      expect(yield* Stream.runCollect(read)).toHaveLength(2)
      expect(yield* Stream.runCollect(read)).toHaveLength(2)
    })
    await Effect.runPromise(
      program.pipe(Effect.provide(Layer.provide(SessionLog.layer, MemoryStorage.layer)))
    )
  })

  test("release stands in the stream's line, behind what was recorded", async () => {
    const memory = MemoryStorage.make()
    const calls: Array<string> = []
    await using log = await open({
      append: (groups) => {
        calls.push(`append ${groups[0]!.events.length}`)
        return Effect.andThen(Effect.sleep(2), memory.append(groups))
      },
      release: (stream) => Effect.sync(() => void calls.push(`release ${stream}`))
    })
    for (const release of [() => log.release("s"), () => Effect.runPromise(log.effect.release("s"))]) {
      log.record("s", chunk("a"))
      const released = release()
      log.record("s", chunk("b"))
      await released
      await log.flush()
      expect(calls.splice(0)).toEqual(["append 1", "release s", "append 1"])
    }
    await expect(log.release("")).rejects.toMatchObject({ _tag: "InvalidName" })
    await log.close()
    await expect(log.release("s")).rejects.toMatchObject({ _tag: "LogClosed" })
  })

  test("a storage that promises less than is asked for is refused", async () => {
    const opening = Varve.open({ events: Session, storage: MemoryStorage.layer, durability: "power" })
    await expect(opening).rejects.toMatchObject({ _tag: "OpenFailed", reason: "unsupported" })
  })
})

describe("options of a log", () => {
  test.each<[string, object]>([
    ["tick", { tick: -1 }],
    ["tick", { tick: Number.NaN }],
    ["tick", { tick: "16" }],
    ["poll", { poll: 0 }],
    ["poll", { poll: Number.NaN }],
    ["statesInMemory", { statesInMemory: 1.5 }],
    ["statesInMemory", { statesInMemory: -1 }],
    ["highWater.events", { highWater: { events: -1 } }],
    ["highWater.bytes", { highWater: { bytes: Number.NaN } }],
    ["hardLimit.events", { hardLimit: { events: null } }],
    ["hardLimit.bytes", { highWater: { bytes: 2 }, hardLimit: { bytes: 1 } }],
    ["durability", { durability: "synced" }],
    ["onFailure", { onFailure: "log" }]
  ])("%s is refused by name: %j, in both faces", async (option, options) => {
    const asked = { events: Session, ...(options as { readonly tick?: number }) }
    const opening = Varve.open({ ...asked, storage: MemoryStorage.layer })
    await expect(opening).rejects.toMatchObject({ _tag: "InvalidOption", option })
    class SessionLog extends Varve.Service<SessionLog>()("test/BadLog", asked) {}
    const built = Layer.build(Layer.provide(SessionLog.layer, MemoryStorage.layer))
    const error = await Effect.runPromise(Effect.scoped(Effect.flip(built)))
    expect(error).toMatchObject({ _tag: "InvalidOption", option })
  })

  test.each([Infinity, 2 ** 40])(
    "a tick of %d ms is no tick of one: what is recorded waits for a flush",
    async (tick) => {
      let calls = 0
      const memory = MemoryStorage.make()
      const append: typeof memory.append = (groups) => {
        calls++
        return memory.append(groups)
      }
      const storage = Layer.succeed(LogStorage, { ...memory, append })
      await using log = await Varve.open({ events: Session, storage, tick })
      log.record("s", chunk("a"))
      await new Promise((resolve) => setTimeout(resolve, 30))
      expect(calls).toBe(0)
      await log.flush()
      expect(calls).toBe(1)
    }
  )

  test("poll: Infinity asks for no heads", async () => {
    let asked = 0
    const memory = MemoryStorage.make()
    const heads: typeof memory.heads = (selection) => {
      asked++
      return memory.heads(selection)
    }
    const storage = Layer.succeed(LogStorage, { ...memory, heads })
    await using log = await Varve.open({ events: Session, storage, poll: Infinity })
    const items = log.follow("s")[Symbol.asyncIterator]()
    await items.next()
    const before = asked
    const next = items.next()
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(asked).toBe(before)
    await log.append("s", chunk("a"))
    expect(await next).toMatchObject({ value: { _tag: "Events" } })
    await items.return?.()
  })
})

describe("refusals of append", () => {
  test("A7 expected: Conflict names both places, InvalidOption what is none", async () => {
    await using log = await open()
    await log.append("s", chunk("a"), { expected: 0 })
    await expect(log.append("s", chunk("b"), { expected: 0 })).rejects.toMatchObject({
      _tag: "Conflict",
      expected: 0,
      actual: { seq: 1 }
    })
    for (const options of [
      { expected: -1 },
      { expected: "5" },
      { expected: null },
      { durability: "sync" },
      { onIdConflict: "x" }
    ]) {
      await expect(log.append("s", chunk("c"), options as AppendOptions)).rejects.toMatchObject({
        _tag: "InvalidOption"
      })
    }
    await expect(log.append("s", chunk("c"), { attributes: { "": "x" } })).rejects.toMatchObject({
      _tag: "InvalidName"
    })
    expect((await log.head("s"))?.cursor.seq).toBe(1)
  })

  test("D2 same-id-other-content: what is kept is named so in the receipt, with its seq", async () => {
    await using log = await open()
    await log.append("s", chunk("a", { id: "1" }))
    const events = [chunk("b", { id: "1" }), chunk("a", { id: "1" }), chunk("c", { id: "2" })]
    expect((await log.append("s", events, { onIdConflict: "keep" })).events).toEqual([
      { id: "1", seq: 1, duplicate: false, kept: true },
      { id: "1", seq: 1, duplicate: true, kept: false },
      { id: "2", seq: 2, duplicate: false, kept: false }
    ])
  })

  test("InvalidName, InvalidEvent, IdConflict, Sealed, StreamNotFound write nothing", async () => {
    await using log = await open()
    await expect(log.append("a\u0000", chunk("a"))).rejects.toMatchObject({
      _tag: "InvalidName",
      kind: "stream"
    })
    await expect(log.append("s", [chunk("a"), chunk(1 as never)])).rejects.toMatchObject({
      _tag: "InvalidEvent",
      path: "text"
    })
    expect(await log.head("s")).toBeUndefined()
    await log.append("s", chunk("a", { id: "1" }))
    await expect(log.append("s", [chunk("b"), chunk("b", { id: "1" })])).rejects.toMatchObject({
      _tag: "IdConflict",
      id: "1",
      seq: 1
    })
    await expect(log.append("s", [Session.Ended(), chunk("b")])).rejects.toMatchObject({
      _tag: "InvalidEvent"
    })
    await log.append("s", Session.Ended())
    await expect(log.append("s", chunk("late"))).rejects.toMatchObject({ _tag: "Sealed", seq: 2 })
    await expect(log.label("none", { a: "b" })).rejects.toMatchObject({ _tag: "StreamNotFound" })
    expect((await log.head("s"))?.cursor.seq).toBe(2)
  })

  test.each<[string, Outcome]>([
    ["Busy", { _tag: "Claimed", owner: "process 7" }],
    ["AppendRejected", { _tag: "Failed", reached: "rejected", cause: new Error("full") }],
    ["AppendUnknown", { _tag: "Failed", reached: "unknown", cause: new Error("half") }]
  ])("%s comes from the storage's outcome", async (tag, outcome) => {
    await using log = await answering(outcome)
    await expect(log.append("s", chunk("a"))).rejects.toMatchObject({ _tag: tag, stream: "s" })
  })

  test("QueueFull: unawaited appends are bounded too", async () => {
    const log = await Varve.open({
      events: Session,
      storage: Layer.succeed(LogStorage, { ...MemoryStorage.make(), append: () => Effect.never }),
      hardLimit: { events: 2 }
    })
    for (const text of ["a", "b"]) log.append("s", chunk(text)).catch(() => undefined)
    await expect(log.append("s", chunk("c"))).rejects.toMatchObject({ _tag: "QueueFull", events: 2 })
  })

  test("RecordFailed names every stream that failed", async () => {
    await using log = await open()
    for (const stream of ["a", "b"]) log.record(stream, chunk(1 as never, { id: `${stream}1` }))
    const failures = [
      { stream: "a", ids: ["a1"] },
      { stream: "b", ids: ["b1"] }
    ]
    await expect(log.flush()).rejects.toMatchObject({ _tag: "RecordFailed", failures })
    await log.flush()
  })

  test("record refuses at once what it can tell cheaply", async () => {
    await using log = await open()
    expect(() => log.record("s", { ...chunk("a"), type: "Unheard" as never })).toThrow("does not define")
    expect(() => log.record("s", chunk("a", { id: 7 as never }))).toThrow("not a string")
    expect(() => log.record("s", chunk("a", { at: Number.NaN }))).toThrow("integer")
    expect(() => log.record("", chunk("a"))).toThrow("is empty")
  })

  test("LogClosed after close, in every operation", async () => {
    const log = await open()
    await log.close()
    await log.close()
    expect(() => log.record("s", chunk("a"))).toThrow("closed")
    for (const asked of [
      log.append("s", chunk("a")),
      log.flush(),
      log.heads(),
      log.sync(),
      all(log.read("s")),
      log.remove("s")
    ]) {
      await expect(asked).rejects.toMatchObject({ _tag: "LogClosed" })
    }
  })
})

describe("refusals of reading", () => {
  test("InvalidOption, InvalidName, Unsupported and CursorLost", async () => {
    await using log = await open()
    await log.append("s", chunk("a"))
    for (const bad of [
      { limit: -1 },
      { limit: 1.5 },
      { fromSeq: Number.NaN },
      { batchEvents: 0 },
      { direction: "up" as never }
    ]) {
      await expect(all(log.query(bad))).rejects.toMatchObject({ _tag: "InvalidOption" })
    }
    await expect(all(log.query({ streams: [""] }))).rejects.toMatchObject({ _tag: "InvalidName" })
    await expect(all(log.query({ order: "total" }))).rejects.toMatchObject({
      _tag: "Unsupported",
      capability: "totalOrder"
    })
    await expect(all(log.read("s", { after: { epoch: "other", seq: 1 } }))).rejects.toMatchObject({
      _tag: "CursorLost",
      reason: "unknown-epoch"
    })
  })
})

describe("A9 drain: flushSync answers every stream of which something is not stored", () => {
  const failing = (outcome: Outcome) => {
    const memory = MemoryStorage.make()
    return open({
      append: memory.append,
      appendSync: (groups) =>
        groups.map((group) =>
          group.stream === "good" ? Effect.runSync(memory.append([group]))[0]! : outcome
        )
    })
  }

  test.each<[string, Outcome]>([
    ["refused", { _tag: "Failed", reached: "rejected", cause: new Error("full") }],
    ["unknown", { _tag: "Failed", reached: "unknown", cause: new Error("half") }],
    ["claimed by another process", { _tag: "Claimed", owner: "process 7" }]
  ])("%s", async (_, outcome) => {
    const log = await failing(outcome)
    for (const stream of ["good", "recorded"]) log.record(stream, chunk("a"))
    const append = log.append("appended", chunk("a"))
    expect(log.flushSync()).toEqual(["recorded", "appended"])
    await expect(append).rejects.toMatchObject({ stream: "appended" })
    await expect(log.close()).rejects.toMatchObject({ _tag: "RecordFailed" })
  })

  test("what fits no definition", async () => {
    await using log = await failing({ _tag: "Claimed", owner: "process 7" })
    log.record("good", chunk("a"))
    log.record("ill-typed", chunk(1 as never))
    expect(log.flushSync()).toEqual(["ill-typed"])
    await expect(log.flush()).rejects.toMatchObject({ _tag: "RecordFailed" })
  })

  test("what an append behind it was refused with", async () => {
    await using log = await failing({ _tag: "Claimed", owner: "process 7" })
    log.record("good", chunk(1 as never))
    const append = log.append("good", chunk("a"))
    expect(log.flushSync()).toEqual(["good"])
    await expect(append).rejects.toMatchObject({ _tag: "RecordFailed" })
    expect(log.flushSync()).toEqual([])
  })
})

describe("O7 pressure: recorded events that are not stored are told to somebody", () => {
  class SessionLog extends Varve.Service<SessionLog>()("test/LostLog", { events: Session }) {}

  /** What a program logged, as `logger` would print it. */
  const logging = () => {
    const lines: Array<string> = []
    const logger = Logger.make(
      ({ logLevel, message }) => void lines.push(JSON.stringify([logLevel, message]))
    )
    return { lines, layer: Layer.merge(MemoryStorage.layer, Logger.layer([logger])) }
  }

  test("in Effect: without onFailure each is logged, and so is what the scope's close failed with", async () => {
    const { layer, lines } = logging()
    const program = Effect.gen(function* () {
      const log = yield* SessionLog
      yield* log.append("sealed", Session.Ended())
      log.record("sealed", chunk("secret"))
      log.record("s", chunk({ secret: 1 } as never))
    })
    await Effect.runPromise(Effect.provide(program, Layer.provide(SessionLog.layer, layer)))
    expect(lines).toHaveLength(3)
    expect(lines.every((line) => line.includes("Error"))).toBe(true)
    const one = (stream: string, cause: string) => JSON.stringify({ stream, events: 1, cause })
    expect(lines.slice(0, 2).join()).toContain(one("sealed", "Sealed"))
    expect(lines.slice(0, 2).join()).toContain(one("s", "InvalidEvent"))
    expect(lines[2]).toContain("stream sealed")
    expect(lines.join()).not.toContain("secret")
  })

  test("in promises: logged at once, and told by close, which rejects", async () => {
    const { layer, lines } = logging()
    const log = await Varve.open({ events: Session, storage: layer })
    log.record("s", chunk(1 as never))
    await expect(log.close()).rejects.toMatchObject({ _tag: "RecordFailed" })
    expect(lines).toHaveLength(1)
  })

  test("with onFailure nothing is logged: it is told", async () => {
    const { layer, lines } = logging()
    const told: Array<unknown> = []
    const onFailure = ({ cause }: { readonly cause: unknown }) => void told.push(cause)
    const log = await Varve.open({ events: Session, storage: layer, onFailure })
    log.record("s", chunk(1 as never))
    await expect(log.close()).rejects.toMatchObject({ _tag: "RecordFailed" })
    expect([lines, told]).toMatchObject([[], [{ _tag: "InvalidEvent" }]])
  })
})

test("C6 slow-is-alone: an onListenerError that throws stops nothing, and is uncaught", async () => {
  using errors = uncaught()
  const log = await Varve.open({
    events: Session,
    storage: MemoryStorage.layer,
    onListenerError: throwing,
    onFailure: throwing
  })
  log.listen(throwing)
  for (const text of ["a", "b"]) await log.append("s", chunk(text))
  log.record("other", chunk(1 as never))
  expect(await all(log.read("s"))).toHaveLength(2)
  await expect(log.close()).rejects.toMatchObject({ _tag: "RecordFailed" })
  expect(errors.thrown).toHaveLength(3)
})

describe("S6 quiet", () => {
  test("a foreign cause's message, which may hold payload, is not repeated", async () => {
    let cause: unknown
    try {
      JSON.parse("sk-secret")
    } catch (error) {
      cause = error
    }
    await using log = await answering({ _tag: "Failed", reached: "unknown", cause })
    const error = (await log.append("s", chunk("a")).catch((e: unknown) => e)) as Error
    expect(error.message).not.toContain("secret")
    expect(error.message).toContain("SyntaxError")
  })
})

describe("fromPromises", () => {
  /** MemoryStorage behind promises: what an author without Effect writes. */
  const promised = (more: Partial<PromiseStorage> = {}): PromiseStorage => {
    const memory = MemoryStorage.make()
    const run = Effect.runPromise
    return {
      supports: memory.supports,
      limits: memory.limits,
      append: (groups: ReadonlyArray<Group>) => run(memory.append(groups)),
      heads: (selection) => run(memory.heads(selection)),
      epochs: async (stream) => {
        const [head] = await run(memory.heads({ streams: [stream] }))
        return head === undefined ? [] : [{ epoch: head.cursor.epoch, first: 1 }]
      },
      read: async (stream, fromSeq, toSeq) => {
        const batches = await run(Stream.runCollect(memory.query({ streams: [stream], fromSeq, toSeq })))
        return batches.flatMap((batch) => batch.events)
      },
      snapshots: {
        load: (projection, streams) => run(memory.snapshots.load(projection, streams)),
        save: (snapshots) => run(memory.snapshots.save(snapshots)),
        drop: (projection) => run(memory.snapshots.drop(projection))
      },
      remove: (stream) => run(memory.remove(stream)),
      sync: () => run(memory.sync),
      ...more
    }
  }
  const openPromised = (more: Partial<PromiseStorage> = {}) =>
    Varve.open({ events: Session, storage: fromPromises(() => promised(more)) })

  test("a log over it, and its closing", async () => {
    let closed = false
    const log = await openPromised({ close: async () => void (closed = true) })
    await log.append("s", [chunk("a"), chunk("b")])
    expect((await log.state("s", Transcript)).text).toBe("ab")
    await log.close()
    expect(closed).toBe(true)
  })

  test("what it throws becomes a typed failure: unknown for an append, StorageError for a read, Busy as it is", async () => {
    const fail = () => Promise.reject(new Error("no"))
    await using log = await openPromised({
      append: fail,
      heads: fail,
      remove: (stream) => Promise.reject(new Busy({ stream, owner: "x" }))
    })
    await expect(log.append("s", chunk("a"))).rejects.toMatchObject({ _tag: "AppendUnknown" })
    await expect(log.heads()).rejects.toMatchObject({ _tag: "StorageError", operation: "heads" })
    await expect(log.remove("s")).rejects.toMatchObject({ _tag: "Busy" })
    const broken = Varve.open({ events: Session, storage: fromPromises(fail) })
    await expect(broken).rejects.toMatchObject({ _tag: "OpenFailed", reason: "unreachable" })
  })
})
