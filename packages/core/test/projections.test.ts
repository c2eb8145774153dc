/** States of projections as a user meets them: what is read, what is stored, and what is told. */
import {
  allStreams,
  type CopyOptions,
  decision,
  EventSet,
  event,
  type LogOptions,
  LogStorage,
  MemoryStorage,
  Projection,
  snapshotCheck,
  StorageError,
  type StorageService,
  type StoredSnapshot,
  Varve,
  WrongDecision
} from "@varve/core"
import { Effect, Layer, Schema } from "effect"
import { describe, expect, expectTypeOf, test } from "vitest"
import { chunk, Session, Transcript } from "./session.ts"

const open = (storage: StorageService, options: Partial<LogOptions<typeof Session>> = {}) =>
  Varve.open({ events: Session, storage: Layer.succeed(LogStorage, storage), ...options })

/** What a storage was asked since the last look. */
const watched = (storage: StorageService) => {
  let [queries, events] = [0, 0]
  return () => {
    const now = storage.counters!()
    const since = { queries: now.queries - queries, events: now.eventsRead - events }
    ;[queries, events] = [now.queries, now.eventsRead]
    return since
  }
}

const stored = (storage: StorageService, stream: string, projection = "transcript") =>
  Effect.runPromise(storage.snapshots.load(projection, [stream])).then(([one]) => one)

const chunks = (count: number) => Array.from({ length: count }, () => chunk("x"))

describe("state", () => {
  test("a long tail is folded once; the next process begins at its snapshot", async () => {
    const storage = MemoryStorage.make()
    const look = watched(storage)
    {
      await using log = await open(storage)
      await log.append("s", chunks(1000))
      expect((await log.state("s", Transcript)).text).toBe("x".repeat(1000))
      expect(look()).toEqual({ queries: 1, events: 1000 })
      await log.append("s", chunk("y"))
      expect((await log.state("s", Transcript)).text).toBe(`${"x".repeat(1000)}y`)
      expect(look()).toEqual({ queries: 1, events: 1 })
    }
    await using log = await open(storage)
    await log.append("s", chunk("z"))
    expect((await log.state("s", Transcript)).text).toBe(`${"x".repeat(1000)}yz`)
    expect(look()).toEqual({ queries: 1, events: 2 })
  })

  test("the same state is the same object until there is something new, and then it stays as it was", async () => {
    await using log = await open(MemoryStorage.make())
    await log.append("s", chunk("a"))
    const one = await log.state("s", Transcript)
    expect(await log.state("s", Transcript)).toBe(one)
    await log.append("s", chunk("b"))
    expect((await log.state("s", Transcript)).text).toBe("ab")
    expect(one.text).toBe("a")
  })

  test("of a stream that doesn't exist, or was removed: the initial state", async () => {
    await using log = await open(MemoryStorage.make())
    expect(await log.state("s", Transcript)).toEqual({ text: "", turns: 0 })
    await log.append("s", chunk("a"))
    await log.state("s", Transcript)
    await log.remove("s")
    expect(await log.state("s", Transcript)).toEqual({ text: "", turns: 0 })
    await log.append("s", chunk("b"))
    expect((await log.state("s", Transcript)).text).toBe("b")
  })

  test("a handler that throws spoils neither the log nor the state of others", async () => {
    const Fragile = Projection.make(Session, {
      name: "fragile",
      version: 1,
      state: Schema.Array(Schema.String),
      initial: () => [],
      on: {
        MessageChunk: (texts, { data }) => {
          texts.push(data.text)
          if (data.text === "boom") throw new Error("boom")
        }
      }
    })
    await using log = await open(MemoryStorage.make())
    await log.append("s", chunk("a"))
    expect(await log.state("s", Fragile)).toEqual(["a"])
    await log.append("s", chunk("boom"))
    await expect(log.state("s", Fragile)).rejects.toThrow("boom")
    await expect(log.state("s", Fragile)).rejects.toThrow("boom")
    expect((await log.state("s", Transcript)).text).toBe("aboom")
  })

  test("no more states are kept than asked for, the least recently used goes first", async () => {
    const storage = MemoryStorage.make()
    await using log = await open(storage, { statesInMemory: 2 })
    for (const stream of ["a", "b", "c"]) await log.append(stream, chunk(stream))
    const look = watched(storage)
    for (const stream of ["a", "b", "a", "c"]) await log.state(stream, Transcript)
    expect(look().events).toBe(3)
    await log.state("a", Transcript)
    expect(look().events).toBe(0)
    await log.state("b", Transcript)
    expect(look().events).toBe(1)
  })

  test("states of many streams: one query for all tails, by name, with progress; snapshots spare the rest", async () => {
    const storage = MemoryStorage.make()
    const look = watched(storage)
    await using log = await open(storage)
    for (const stream of ["b", "a", "c"]) await log.append(stream, chunks(300), { attributes: { p: "1" } })
    await log.append("other", chunk("o"))
    const progress: Array<number> = []
    const states = await log.states({ attributes: { p: "1" } }, Transcript, {
      onProgress: ({ done, total }) => progress.push(done / total)
    })
    expect(Array.from(states, ([stream, { text }]) => [stream, text.length])).toEqual([
      ["a", 300],
      ["b", 300],
      ["c", 300]
    ])
    expect(look()).toEqual({ queries: 1, events: 900 })
    expect(progress.at(-1)).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 5))
    await log.append("c", chunk("y"))
    const again = await log.states({ prefix: "" }, Transcript)
    expect(Array.from(again, ([stream, { text }]) => [stream, text.length])).toEqual([
      ["a", 300],
      ["b", 300],
      ["c", 301],
      ["other", 1]
    ])
    expect(look()).toEqual({ queries: 1, events: 2 })
  })

  test("volatile events reach no state, lifted ones do, unrecognized ones are counted and passed by", async () => {
    const storage = MemoryStorage.make()
    const encoded = { version: 1, at: 1, meta: undefined, seals: false }
    const events = [
      { ...encoded, id: "1", type: "Gone", data: "{}" },
      { ...encoded, id: "2", type: "ToolCallUpdated", data: '{"id":"c","out":7}' },
      { ...encoded, id: "3", type: "ToolCallUpdated", data: '{"id":7}' }
    ]
    await Effect.runPromise(storage.append([{ stream: "s", events, durability: "written" }]))
    const told: Array<string> = []
    await using log = await open(storage, {
      onUnrecognized: ({ data, seq }) => told.push(`${seq} ${data.type} ${data.problem}`)
    })
    log.record("s", Session.Typing({ on: true }))
    const Outputs = Projection.make(Session, {
      name: "outputs",
      version: 1,
      state: Schema.Array(Schema.String),
      initial: () => [],
      on: { ToolCallUpdated: (outputs, { data }) => void outputs.push(data.output) }
    })
    expect(await log.state("s", Outputs)).toEqual(["7"])
    expect(told).toEqual(["1 Gone unknown-type", "3 ToolCallUpdated undecodable"])
    expect(log.unrecognized()).toBe(2)
  })
})

describe("snapshots", () => {
  test("on demand, checked over every field", async () => {
    const storage = MemoryStorage.make()
    await using log = await open(storage)
    await log.append("s", chunk("a"))
    await log.snapshot("s", Transcript)
    const one = (await stored(storage, "s"))!
    expect(JSON.parse(one.state)).toEqual({ text: "a", turns: 0 })
    expect(one.check).toBe(snapshotCheck(one))
    const others: ReadonlyArray<Partial<StoredSnapshot>> = [
      { stream: "t" },
      { projection: "u" },
      { version: 2 },
      { cursor: { ...one.cursor, seq: 2 } },
      { cursor: { ...one.cursor, epoch: "e" } },
      { state: one.state.replace("a", "b") }
    ]
    expect(new Set(others.map((other) => snapshotCheck({ ...one, ...other }))).add(one.check).size).toBe(7)
  })

  test("closing saves what pays, also what failed to be saved before", async () => {
    const memory = MemoryStorage.make()
    let broken = true
    const failures: Array<unknown> = []
    const save: StorageService["snapshots"]["save"] = (all) =>
      broken
        ? Effect.fail(new StorageError({ operation: "save snapshots", cause: new Error("full") }))
        : memory.snapshots.save(all)
    const storage = { ...memory, snapshots: { ...memory.snapshots, save } }
    const log = await open(storage, { onSnapshotFailure: (failure) => failures.push(failure) })
    await log.append("s", chunks(300))
    await log.state("s", Transcript)
    await expect
      .poll(() => failures)
      .toMatchObject([{ stream: "s", projection: "transcript", cause: { _tag: "StorageError" } }])
    await expect(log.snapshot("s", Transcript)).rejects.toMatchObject({ _tag: "StorageError" })
    broken = false
    await log.close()
    expect(failures).toHaveLength(1)
    expect((await stored(memory, "s"))!.cursor.seq).toBe(300)
  })

  test("a state waits for no save but those of its own stream and projection", async () => {
    const memory = MemoryStorage.make()
    await using log = await open(memory)
    for (const stream of ["slow", "s"]) await log.append(stream, chunks(300))
    await log.snapshot("s", Transcript)
    let begun = 0
    let end = (): void => undefined
    const save: StorageService["snapshots"]["save"] = (all) => {
      if (begun++ > 0) return memory.snapshots.save(all)
      const under = Effect.callback<void>((resume) => void (end = () => resume(Effect.void)))
      return Effect.andThen(under, memory.snapshots.save(all))
    }
    await using other = await open(
      { ...memory, snapshots: { ...memory.snapshots, save } },
      { statesInMemory: 1 }
    )
    await other.state("slow", Transcript)
    await expect.poll(() => begun).toBe(1)
    expect((await other.state("s", Transcript)).text).toHaveLength(300)
    let answered = false
    const again = other.state("slow", Transcript).then(() => (answered = true))
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(answered).toBe(false)
    end()
    await again
  })

  test("a state that doesn't fit its schema is told, without what it holds, and is answered all the same", async () => {
    const Secret = Projection.make(Session, {
      name: "secret",
      version: 1,
      state: Schema.Struct({ n: Schema.Number }),
      initial: () => ({ n: 0 }),
      on: { MessageChunk: () => ({ n: "sk-secret" }) as never }
    })
    const failures: Array<{ readonly cause: unknown }> = []
    const storage = MemoryStorage.make()
    await using log = await open(storage, { onSnapshotFailure: (failure) => failures.push(failure) })
    await log.append("s", chunks(300))
    expect(await log.state("s", Secret)).toEqual({ n: "sk-secret" })
    await expect.poll(() => failures).toHaveLength(1)
    expect(failures[0]!.cause).toMatchObject({ _tag: "InvalidState", projection: "secret" })
    expect(String(failures[0]!.cause)).not.toContain("sk-")
    await expect(log.snapshot("s", Secret)).rejects.toMatchObject({ _tag: "InvalidState" })
    expect(await stored(storage, "s", "secret")).toBeUndefined()
  })

  test("one that cannot be loaded is told, and folded", async () => {
    const memory = MemoryStorage.make()
    const failures: Array<unknown> = []
    const load = () => Effect.die(new Error("unreadable"))
    await using log = await open(
      { ...memory, snapshots: { ...memory.snapshots, load } },
      { onSnapshotFailure: (failure) => failures.push(failure) }
    )
    await log.append("s", chunk("a"))
    expect((await log.state("s", Transcript)).text).toBe("a")
    expect(failures).toMatchObject([{ stream: "s", projection: "transcript" }])
  })
})

const Usage = Projection.make(Session, {
  name: "usage",
  version: 1,
  state: Schema.Record(Schema.String, Schema.Number),
  initial: () => ({}),
  on: {
    MessageChunk: (usage, { data, stream }) => {
      usage[stream] = (usage[stream] ?? 0) + data.text.length
    }
  }
})

describe("stateOfAll", () => {
  test("reads what is new since its checkpoint, in this process and the next", async () => {
    const storage = MemoryStorage.make()
    const look = watched(storage)
    {
      await using log = await open(storage)
      for (const stream of ["a", "b"]) await log.append(stream, chunks(200))
      expect(await log.stateOfAll(Usage)).toEqual({ a: 200, b: 200 })
      expect(look().events).toBe(400)
      await log.append("b", chunks(3))
      expect(await log.stateOfAll(Usage)).toEqual({ a: 200, b: 203 })
      expect(look().events).toBe(3)
    }
    expect((await stored(storage, allStreams, "usage"))!.cursor).toEqual({ epoch: "", seq: 400 })
    await using log = await open(storage)
    await log.append("c", chunks(2))
    expect(await log.stateOfAll(Usage)).toEqual({ a: 200, b: 203, c: 2 })
    expect(look().events).toBe(5)
    const progress: Array<number> = []
    const rebuilt = await log.stateOfAll(Usage, {
      rebuild: true,
      onProgress: ({ done }) => progress.push(done)
    })
    expect(rebuilt).toEqual({ a: 200, b: 203, c: 2 })
    expect(look().events).toBe(405)
    expect(progress.at(-1)).toBe(405)
  })

  test("where a stream was removed all is folded anew", async () => {
    await using log = await open(MemoryStorage.make())
    for (const stream of ["a", "b"]) await log.append(stream, chunks(2))
    expect(await log.stateOfAll(Usage)).toEqual({ a: 2, b: 2 })
    await log.remove("a")
    expect(await log.stateOfAll(Usage)).toEqual({ b: 2 })
    await log.append("b", chunk("x"))
    await log.remove("b")
    await log.append("b", chunk("x"))
    expect(await log.stateOfAll(Usage)).toEqual({ b: 1 })
  })

  test("where the last stream was removed, what is stored holds nothing of it any more", async () => {
    const storage = MemoryStorage.make()
    await using log = await open(storage)
    await log.append("a", chunks(300))
    expect(await log.stateOfAll(Usage)).toEqual({ a: 300 })
    await expect.poll(() => stored(storage, allStreams, Usage.name)).toMatchObject({ cursor: { seq: 300 } })
    await log.remove("a")
    expect(await log.stateOfAll(Usage)).toEqual({})
    await expect.poll(() => stored(storage, allStreams, Usage.name)).toMatchObject({ cursor: { seq: 0 } })
    expect((await stored(storage, allStreams, Usage.name))?.state).not.toContain("300")
  })
})

describe("decide", () => {
  test("appends what is chosen, nothing where nothing is, and fails by name", async () => {
    const storage = MemoryStorage.make()
    await using log = await open(storage)
    const first = await log.decide("s", Transcript, ({ text }) => (text === "" ? chunk("a") : undefined))
    expect(first?.events.map(({ seq }) => seq)).toEqual([1])
    expect(await log.decide("s", Transcript, ({ text }) => (text === "" ? [chunk("a")] : []))).toBeUndefined()
    await expect(log.decide("s", Transcript, () => chunk("b"), { tries: 0 })).rejects.toMatchObject({
      _tag: "InvalidOption"
    })
    // A rival that is always faster.
    let turns = 0
    const raced = log.decide(
      "s",
      Transcript,
      () => {
        turns++
        void log.append("s", chunk("rival"))
        return chunk("late")
      },
      { tries: 3 }
    )
    await expect(raced).rejects.toMatchObject({ _tag: "DecisionFailed", stream: "s", tries: 3 })
    expect(turns).toBe(3)
    expect((await log.state("s", Transcript)).text).not.toContain("late")
    await log.append("s", Session.Ended())
    await expect(log.decide("s", Transcript, () => chunk("c"))).rejects.toMatchObject({ _tag: "Sealed" })
  })

  test("100 decisions side by side in one log take turns", async () => {
    await using log = await open(MemoryStorage.make())
    const claim = () => log.decide("s", Transcript, ({ text }) => (text.length < 60 ? [chunk("x")] : []))
    const claims = await Promise.all(Array.from({ length: 100 }, claim))
    expect(claims.filter((claimed) => claimed !== undefined)).toHaveLength(60)
    expect((await log.state("s", Transcript)).text).toHaveLength(60)
  })

  test("decision: given, when, then; what differs is told", () => {
    const limit = decision(Transcript, ({ turns }, most: number) =>
      turns < most ? Session.TurnEnded({ stopReason: "end" }) : undefined
    )
    const turn = Session.TurnEnded({ stopReason: "x" })
    limit.when(1).then([Session.TurnEnded({ stopReason: "end" })])
    limit.given([turn]).given([turn]).when(2).then([])
    expect(() => limit.given([turn]).when(2).then([])).toThrow(WrongDecision)
    expect(() => limit.when(1).then([turn])).toThrow(
      'Expected to be decided:\n  TurnEnded {"stopReason":"x"}\nWas decided:\n  TurnEnded {"stopReason":"end"}'
    )
  })
})

describe("copy", () => {
  const all = async (storage: StorageService, stream: string) => {
    const log = await open(storage)
    const events: Array<unknown> = []
    for await (const { id, seq, type, data, at, meta } of log.read(stream))
      events.push({ id, seq, type, data, at, meta })
    return events
  }

  test("a fork holds the beginning, and goes its own way", async () => {
    const storage = MemoryStorage.make()
    await using log = await open(storage)
    await log.append("s", [chunk("a"), chunk("b"), chunk("c"), Session.Ended()], {
      attributes: { project: "p" }
    })
    const told: Array<string> = []
    log.listen(({ stream, head }) => told.push(`${stream} ${head?.cursor.seq}`))
    expect(await log.copy("s", "fork", { upTo: 2 })).toMatchObject({
      copied: 2,
      duplicates: 0,
      head: { cursor: { seq: 2 }, sealed: false, attributes: { project: "p" } }
    })
    expect(told).toContain("fork 2")
    await log.append("fork", chunk("d"))
    expect((await log.state("fork", Transcript)).text).toBe("abd")
    expect((await log.state("s", Transcript)).text).toBe("abc")
    await expect(log.copy("none", "x")).rejects.toMatchObject({ _tag: "StreamNotFound" })
    for (const upTo of [-1, 0.5, Number.NaN])
      await expect(log.copy("s", "x", { upTo })).rejects.toMatchObject({ _tag: "InvalidOption" })
    expect(await log.copy("s", "x", { upTo: 0 })).toEqual({ copied: 0, duplicates: 0, head: undefined })
  })

  test("to another log, of another set: unknown types, ids, times and the seal as they are; again it adds nothing", async () => {
    class Other extends EventSet.make({ Foreign: event.json() }) {}
    const [from, to] = [MemoryStorage.make(), MemoryStorage.make()]
    await using source = await Varve.open({ events: Other, storage: Layer.succeed(LogStorage, from) })
    await using target = await open(to)
    const events = Array.from({ length: 1500 }, (_, i) =>
      Other.Foreign(`{ "n": ${i} }`, { id: `${i}`, at: i, meta: { source: "x" } })
    )
    await source.append("s", events)
    expect(await source.copy("s", "t", { target, upTo: 700 })).toMatchObject({ copied: 700 })
    expect(await source.copy("s", "t", { target })).toMatchObject({ copied: 800, duplicates: 700 })
    expect(await source.copy("s", "t", { target })).toMatchObject({ copied: 0, duplicates: 1500 })
    expect(await all(to, "t")).toEqual(await all(from, "s"))
    // The same id with other content in its place is not overwritten in silence.
    await target.append("u", chunk("mine", { id: "3" }))
    await expect(source.copy("s", "u", { target })).rejects.toMatchObject({ _tag: "IdConflict", id: "3" })
    expectTypeOf(source.copy).returns.resolves.toHaveProperty("copied")
  })

  test("one that fails half-way tells how far it came, and what stopped it, in both faces", async () => {
    await using log = await open(MemoryStorage.make())
    const count = 1100
    await log.append(
      "s",
      Array.from({ length: count }, (_, i) => chunk("secret", { id: `${i}` }))
    )
    for (const copy of [
      (to: string) => log.copy("s", to),
      (to: string) => Effect.runPromise(log.effect.copy("s", to))
    ]) {
      const to = `t${Math.random()}`
      await log.append(to, chunk("mine", { id: "1050" }))
      const error = await copy(to).catch((failure: unknown) => failure)
      const head = (await log.head(to))?.cursor
      const copied = (head?.seq ?? 0) - 1
      expect(copied).toBeGreaterThan(0)
      expect(error).toMatchObject({ _tag: "CopyFailed", stream: to, copied, head })
      expect(error).toMatchObject({ cause: { _tag: "IdConflict", stream: to, id: "1050" } })
      expect((error as Error).message).not.toContain("secret")
      expect((error as Error).message).toContain(`${copied} events`)
    }
    const misfit = (seq: number) =>
      log.copy("s", "u", { map: (one) => (one.seq === seq ? ({ ...one, data: 1 } as never) : one) })
    await expect(misfit(1)).rejects.toMatchObject({ _tag: "InvalidEvent", stream: "u" })
    await expect(misfit(count)).rejects.toMatchObject({ _tag: "CopyFailed", cause: { stream: "u" } })
    expect(await log.copy("s", "u")).toMatchObject({ head: { cursor: { seq: count } } })
  })

  test("mapped: what is changed is stored in its place, what is left out is not, the rest stays as it is", async () => {
    const storage = MemoryStorage.make()
    await using log = await open(storage)
    const secret = chunk("my password", { id: "secret", at: 7, meta: { agent: "a" } })
    const events = [chunk("a"), secret, chunk("b", { id: "aside" }), Session.Ended()]
    await log.append("s", events, { attributes: { title: "my password" } })
    const options: CopyOptions<typeof Session> = {
      map: (one) => {
        if (one.type === "MessageChunk" && one.id === "secret")
          return { ...one, data: { ...one.data, text: "***" } }
        return one.id === "aside" ? undefined : one
      },
      attributes: { title: "***" }
    }
    expect(await log.copy("s", "t", options)).toMatchObject({
      copied: 3,
      duplicates: 0,
      head: { cursor: { seq: 3 }, sealed: true, attributes: { title: "***" } }
    })
    const [first, , , last] = await all(storage, "s")
    expect(await all(storage, "t")).toEqual([
      first,
      { ...secret, seq: 2, data: { ...secret.data, text: "***" } },
      { ...(last as object), seq: 3 }
    ])
    // Again it adds nothing, in Effect neither.
    expect(await log.copy("s", "t", options)).toMatchObject({ copied: 0, duplicates: 3 })
    expect(await Effect.runPromise(log.effect.copy("s", "t", options))).toMatchObject({ duplicates: 3 })
    const effect = log.effect.copy("s", "u", { ...options, target: log.effect })
    expect(await Effect.runPromise(effect)).toMatchObject({ copied: 3 })
    // Left out as a whole, it makes no stream.
    expect(await log.copy("s", "none", { map: () => undefined })).toEqual({
      copied: 0,
      duplicates: 0,
      head: undefined
    })
    expect(await log.head("none")).toBeUndefined()
  })

  test("mapped: what does not fit its definition is refused, and what nobody can read is handed on", async () => {
    class Other extends EventSet.make({ Foreign: event.json() }) {}
    const storage = MemoryStorage.make()
    await using other = await Varve.open({ events: Other, storage: Layer.succeed(LogStorage, storage) })
    await other.append("s", Other.Foreign("[ 1 ]"))
    await using log = await open(storage)
    const types: Array<string> = []
    expect(
      await log.copy("s", "t", {
        map: (one) => {
          types.push(one.type)
          return one
        }
      })
    ).toMatchObject({ copied: 1 })
    expect(types).toEqual(["varve/Unrecognized"])
    for await (const one of other.read("t")) expect(one.data).toBe("[ 1 ]")
    await expect(log.copy("s", "u", { map: (one) => ({ ...one }) })).rejects.toMatchObject({
      _tag: "InvalidEvent",
      stream: "u"
    })
    for (const attributes of [{ "": "x" }, { x: "\ud800" }])
      await expect(log.copy("s", "u", { attributes })).rejects.toMatchObject({ _tag: "InvalidName" })
  })

  test("mapped: what is left out at the end leaves the copy synced all the same", async () => {
    const storage = MemoryStorage.make()
    const asked: Array<string> = []
    await using log = await open({
      ...storage,
      append: (groups) => {
        for (const { durability, events } of groups) asked.push(`${events.length} ${durability}`)
        return storage.append(groups)
      }
    })
    await log.append("s", chunks(1200))
    asked.length = 0
    await log.copy("s", "t", { map: (one) => (one.seq > 1000 ? undefined : one) })
    expect(asked).toEqual(["512 written", "488 synced"])
  })
})
