/** Follows and views as their user meets them: both faces, their ends, and what fails. The laws are in the testkit. */
import {
  EventSet,
  event,
  type Head,
  LogStorage,
  MemoryStorage,
  Projection,
  StorageError,
  type StorageService,
  type StoredEvent,
  scan,
  Varve,
  type ViewStatus
} from "@varve/core"
import { Effect, Layer, Schema, Stream } from "effect"
import { describe, expect, test } from "vitest"
import { chunk, Session, Transcript } from "./session.ts"

const open = (service: Partial<StorageService> = {}, options: { readonly poll?: number } = {}) =>
  Varve.open({
    ...options,
    events: Session,
    storage: Layer.succeed(LogStorage, { ...MemoryStorage.make(), ...service }),
    onListenerError: () => undefined
  })

/** Waits until it holds; a test that hangs here has failed. */
const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}

test("O4 same-result: what listeners, follows and views are told as it happens is what a read answers", async () => {
  class Imported extends EventSet.make({
    Raw: event.json(),
    Typed: { at: Schema.Date, note: Schema.optional(Schema.String) }
  }) {}
  const Last = Projection.make(Imported, {
    name: "last",
    version: 1,
    state: Schema.Array(Schema.Unknown),
    initial: () => [],
    on: {
      Raw: (_, { data, meta }) => [data, meta],
      Typed: (_, { data, meta }) => [data, meta]
    }
  })
  await using log = await Varve.open({ events: Imported, storage: MemoryStorage.layer })
  const told: Array<unknown> = []
  log.listen(({ events }) => void told.push(...events))
  using view = log.view("s", Last)
  view.subscribe(() => undefined)
  const items = log.follow("s")[Symbol.asyncIterator]()
  await items.next()
  await until(() => view.getSnapshot().status === "live")
  const meta = { agent: "a", job: undefined }
  for (const made of [
    Imported.Raw('{\n"a":\r\n1}', { meta }),
    Imported.Typed({ at: new Date(1e12), note: undefined }, { meta })
  ]) {
    await log.append("s", made)
    const stored = (await Effect.runPromise(Stream.runCollect(log.effect.read("s")))).at(-1)
    expect(told.at(-1)).toStrictEqual(stored)
    expect(await items.next()).toMatchObject({ value: { _tag: "Events", events: [stored] } })
    expect(view.getSnapshot().state).toStrictEqual([stored?.data, stored?.meta])
  }
  await items.return?.()
})

describe("follow", () => {
  test("in promises: what is stored, the marker, what comes; leaving the loop stops it", async () => {
    await using log = await open()
    await log.append("s", [chunk("a"), chunk("b")])
    const told: Array<string> = []
    for await (const item of log.follow("s")) {
      told.push(item._tag === "Events" ? item.events.map(({ seq }) => seq).join() : item._tag)
      if (item._tag === "CaughtUp") {
        log.record("s", chunk("c"))
        log.record("s", Session.Typing({ on: true }))
      }
      if (item._tag === "Volatile") break
    }
    expect(told).toEqual(["1,2", "CaughtUp", "3", "Volatile"])
  })

  test("`return` ends one that waits", async () => {
    await using log = await open()
    const items = log.follow("s")[Symbol.asyncIterator]()
    expect(await items.next()).toEqual({ done: false, value: { _tag: "CaughtUp", cursor: undefined } })
    const waiting = items.next()
    await items.return?.()
    expect(await waiting).toMatchObject({ done: true })
  })

  test("closing the log ends it without an error, behind what was recorded", async () => {
    const log = await open()
    const told: Array<number> = []
    const following = (async () => {
      for await (const item of log.follow("s")) if (item._tag === "Events") told.push(item.cursor.seq)
    })()
    await new Promise((resolve) => setTimeout(resolve, 20))
    log.record("s", chunk("a"))
    await log.close()
    await following
    expect(told).toEqual([1])
  })

  test("refusals are typed", async () => {
    await using log = await open()
    const first = (stream: string, options = {}) => log.follow(stream, options)[Symbol.asyncIterator]().next()
    await expect(first("")).rejects.toMatchObject({ _tag: "InvalidName" })
    await expect(first("s", { bufferEvents: 0 })).rejects.toMatchObject({ _tag: "InvalidOption" })
    await expect(first("s", { replayCap: -1 })).rejects.toMatchObject({ _tag: "InvalidOption" })
    expect(() => log.view("", Transcript)).toThrow(expect.objectContaining({ _tag: "InvalidName" }))
  })

  test("in Effect: storage that fails is a typed failure, and the cursor goes on in another follow", async () => {
    const memory = MemoryStorage.make()
    let failing = false
    const query: StorageService["query"] = (asked) =>
      failing ? Stream.fail(new StorageError({ operation: "query", cause: "away" })) : memory.query(asked)
    await using log = await open({ ...memory, query })
    await log.append("s", chunk("a"))
    failing = true
    const failed = await Effect.runPromise(Effect.flip(Stream.runDrain(log.effect.follow("s"))))
    expect(failed).toMatchObject({ _tag: "StorageError" })
    failing = false
    const [first] = await Effect.runPromise(Stream.runCollect(Stream.take(log.effect.follow("s"), 1)))
    expect(first).toMatchObject({ _tag: "Events", cursor: { seq: 1 } })
  })

  test("C3 epochs: events lost in a takeover are a resync behind what survived, and no place before it is", async () => {
    const event = (seq: number, epoch: string): StoredEvent => ({
      ...EventSet.encode(Session, "s", chunk(`${epoch}${seq}`)),
      stream: "s",
      seq,
      epoch,
      writtenAt: 0
    })
    let [epochs, events] = [[{ epoch: "A", first: 1 }], [1, 2, 3, 4, 5].map((seq) => event(seq, "A"))]
    const heads: StorageService["heads"] = () =>
      Effect.sync(() => {
        const { epoch, seq } = events.at(-1)!
        const rest = { synced: 0, sealed: false, minAt: 0, maxAt: 0, writtenAt: 0, attributes: {} }
        return [{ stream: "s", cursor: { epoch, seq }, ...rest }]
      })
    const query: StorageService["query"] = (asked) =>
      scan(asked, {
        heads,
        epochs: () => Effect.sync(() => epochs),
        read: (_, from, to) => Effect.sync(() => events.slice(from - 1, to))
      })
    await using log = await open({ heads, query }, { poll: 5 })
    const [all, three] = [
      log.follow("s")[Symbol.asyncIterator](),
      log.follow("s", { after: { epoch: "A", seq: 3 } })[Symbol.asyncIterator]()
    ]
    const view = log.view("s", Transcript)
    view.subscribe(() => undefined)
    for (const items of [all, three])
      expect((await items.next()).value).toMatchObject({ cursor: { epoch: "A", seq: 5 } })
    await until(() => view.getSnapshot().status === "live")
    // Another process took the stream over: 4 and 5 were lost, and other events stand there.
    epochs = [...epochs, { epoch: "B", first: 4 }]
    events = [...events.slice(0, 3), ...[4, 5, 6].map((seq) => event(seq, "B"))]
    for (const items of [all, three]) {
      expect((await items.next()).value).toMatchObject({ _tag: "CaughtUp" })
      expect((await items.next()).value).toEqual({
        _tag: "Resync",
        reason: "lost",
        survived: { epoch: "A", seq: 3 },
        head: { epoch: "B", seq: 6 }
      })
      expect(await items.next()).toMatchObject({ done: true })
    }
    const again = log.follow("s", { after: { epoch: "A", seq: 3 } })[Symbol.asyncIterator]()
    expect((await again.next()).value).toMatchObject({ events: [{ seq: 4 }, { seq: 5 }, { seq: 6 }] })
    await again.return?.()
    await until(() => view.getSnapshot().cursor?.epoch === "B")
    expect(view.getSnapshot()).toMatchObject({ status: "live", state: { text: "A1A2A3B4B5B6" } })
  })

  test("what becomes safe from power loss is told, though no event comes", async () => {
    const memory = MemoryStorage.make()
    let synced = 0
    const heads: StorageService["heads"] = (selection) =>
      Effect.map(memory.heads(selection), (all) => all.map((head): Head => ({ ...head, synced })))
    await using log = await open({ ...memory, heads }, { poll: 5 })
    await log.append("s", chunk("a"))
    const items = log.follow("s")[Symbol.asyncIterator]()
    expect((await items.next()).value).toMatchObject({ synced: 0 })
    expect((await items.next()).value).toMatchObject({ _tag: "CaughtUp" })
    synced = 1
    expect((await items.next()).value).toMatchObject({ _tag: "Events", events: [], synced: 1 })
    await items.return?.()
  })
})

describe("view", () => {
  test("answers at once, loads, and goes on while the log is open", async () => {
    const log = await open()
    await log.append("s", chunk("Hel"))
    const view = log.view("s", Transcript)
    expect(view.getSnapshot()).toMatchObject({ status: "loading", state: { text: "" } })
    const statuses: Array<ViewStatus> = []
    view.subscribe(() => statuses.push(view.getSnapshot().status))
    await until(() => view.getSnapshot().status === "live")
    log.record("s", chunk("lo"))
    await log.flush()
    expect(view.getSnapshot()).toMatchObject({ state: { text: "Hello" }, cursor: { seq: 2 } })
    await log.close()
    expect(statuses).toEqual(["live", "live", "closed"])
    expect(view.getSnapshot().state.text).toBe("Hello")
    expect(log.view("s", Transcript).getSnapshot().status).not.toBe("live")
  })

  test("storage that fails is told, and asked again", async () => {
    const memory = MemoryStorage.make()
    let failing = true
    const query: StorageService["query"] = (asked) =>
      failing ? Stream.fail(new StorageError({ operation: "query", cause: "away" })) : memory.query(asked)
    await using log = await open({ ...memory, query })
    await log.append("s", chunk("a"))
    const view = log.view("s", Transcript)
    view.subscribe(() => undefined)
    await until(() => view.getSnapshot().status === "failed")
    expect(view.getSnapshot().error).toMatchObject({ _tag: "StorageError" })
    failing = false
    await until(() => view.getSnapshot().status === "live")
    expect(view.getSnapshot()).toMatchObject({ state: { text: "a" }, error: undefined })
  })

  test("a handler that throws fails its view, which keeps what it showed, and harms nobody else", async () => {
    const Fragile = Projection.make(Session, {
      name: "fragile",
      version: 1,
      state: Schema.Struct({ seen: Schema.Number }),
      initial: () => ({ seen: 0 }),
      on: {
        MessageChunk: (state, { data }) => {
          if (data.text === "bad") throw new Error("a handler's own mistake")
          state.seen++
        }
      }
    })
    await using log = await open()
    await log.append("s", chunk("a"))
    const [fragile, sound, all] = [log.view("s", Fragile), log.view("s", Transcript), log.viewAll(Fragile)]
    fragile.subscribe(() => fragile.getSnapshot())
    await until(() => fragile.getSnapshot().status === "live" && sound.getSnapshot().status === "live")
    await until(() => all.getSnapshot().status === "live")
    await log.append("s", chunk("bad"))
    expect(fragile.getSnapshot()).toMatchObject({ status: "failed", state: { seen: 1 } })
    expect(String(fragile.getSnapshot().error)).toContain("own mistake")
    expect(sound.getSnapshot()).toMatchObject({ status: "live", state: { text: "abad" } })
    await until(() => all.getSnapshot().status === "failed")
    expect(all.getSnapshot().streams.get("s")?.state).toEqual({ seen: 1 })
    await log.append("s", chunk("b"))
    expect(sound.getSnapshot().state.text).toBe("abadb")
  })

  test("disposed of, it stops unless somebody listens; looked at again, it goes on", async () => {
    await using log = await open()
    await log.append("s", chunk("a"))
    let stop: () => void
    {
      using view = log.view("s", Transcript)
      stop = view.subscribe(() => undefined)
      await until(() => view.getSnapshot().status === "live")
    }
    const view = log.view("s", Transcript)
    expect(view.getSnapshot().status).toBe("live")
    stop()
    view[Symbol.dispose]()
    await log.append("s", chunk("b"))
    expect(view.getSnapshot()).toMatchObject({ status: "loading", state: { text: "a" } })
    await until(() => view.getSnapshot().status === "live")
    expect(view.getSnapshot().state.text).toBe("ab")
  })

  test("a view of all tells a slice of what is pending, and keeps unchanged streams the same objects", async () => {
    await using log = await open()
    for (const stream of ["a", "b"]) await log.append(stream, chunk("x"))
    using all = log.viewAll(Transcript)
    await until(() => all.getSnapshot().status === "live")
    const before = all.getSnapshot().streams.get("a")
    const ended = all.select(({ streams }) => [...streams].filter(({ state }) => state.turns > 0).length)
    let told = 0
    ended.subscribe(() => told++)
    await log.append("b", chunk("y"))
    await log.append("b", Session.TurnEnded({ stopReason: "end" }))
    await until(() => ended.getSnapshot() === 1)
    await log.remove("b")
    await until(() => ended.getSnapshot() === 0)
    expect(all.getSnapshot().streams.get("a")).toBe(before)
    expect(all.getSnapshot().streams.size).toBe(1)
    expect(told).toBe(2)
  })
})

describe("attention", () => {
  test("begins where it says, and goes on from cursors", async () => {
    await using log = await open()
    await log.append("s", chunk("a"))
    const lane = log.attention()[Symbol.asyncIterator]()
    const began = await lane.next()
    expect(began.value).toMatchObject({ _tag: "Began" })
    await lane.return?.()
  })
})
