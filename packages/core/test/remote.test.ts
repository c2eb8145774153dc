/** A source behind a channel: the same answers as the log's, whatever happens to connections, and whatever peers say. */
import { PassThrough, Transform } from "node:stream"
import {
  Channel,
  type Cursor,
  EventSet,
  event,
  type FollowItem,
  LiveSet,
  MemoryStorage,
  Projection,
  Remote,
  Varve
} from "@varve/core"
import { Effect, Fiber, Schema, Stream } from "effect"
import * as fc from "fast-check"
import { describe, expect, test, vi } from "vitest"
import { chunk, Session, throwing, Transcript, uncaught } from "./session.ts"

const open = () => Varve.open({ events: Session, storage: MemoryStorage.layer })
type Log = Awaited<ReturnType<typeof open>>
type Item = FollowItem<typeof Session>

/** A server that takes connections, and can break them all. */
const listen = (log: Log, options: Remote.ServeOptions<typeof Session> = {}) => {
  const open = new Set<Channel.Channel>()
  const sent: Array<string> = []
  return {
    open,
    /** What went over to clients. */
    sent,
    connect: (): Channel.Channel => {
      const [near, far] = Channel.pair()
      open.add(far)
      far.onClose(() => open.delete(far))
      const served = { ...far, send: (text: string) => (sent.push(text), far.send(text)) }
      Remote.serve(Session, log.effect, served, { projections: [Transcript], ...options })
      return near
    },
    cut: () => open.forEach((channel) => channel.close())
  }
}

const quick = { backoff: { firstMs: 1, mostMs: 4 }, heartbeatMs: 0 }

/** Follows in the background, as an application does. */
const following = (source: Pick<Log["effect"], "follow">, stream: string, after?: Cursor) => {
  const items: Array<Item> = []
  const fiber = Effect.runFork(
    Stream.runForEach(source.follow(stream, after === undefined ? {} : { after }), (item) =>
      Effect.sync(() => void items.push(item))
    )
  )
  const ids = () => items.flatMap((item) => (item._tag === "Events" ? item.events.map(({ id }) => id) : []))
  return { items, ids, stop: () => Effect.runPromise(Fiber.interrupt(fiber)) }
}

const until = (check: () => void) => vi.waitFor(check, { interval: 1, timeout: 5000 })

describe("over a channel", () => {
  test("follow, state, attention and volatile events are what the log answers", async () => {
    await using log = await open()
    const server = listen(log)
    using remote = Remote.connect(Session, server.connect, quick)
    await log.append("s", [chunk("Hel", { id: "1", meta: { agent: "a" } }), chunk("lo", { id: "2" })])
    const near = following(log.effect, "s")
    const far = following(remote, "s")
    await until(() => expect(far.items.at(-1)?._tag).toBe("CaughtUp"))
    log.record("s", Session.Typing({ on: true }, { id: "v" }))
    await log.append("s", Session.TurnEnded({ stopReason: "end" }, { id: "3" }))
    await until(() => expect(far.ids()).toEqual(["1", "2", "3"]))
    await until(() => expect(near.items).toHaveLength(far.items.length))
    expect(far.items).toEqual(near.items)
    expect(await Effect.runPromise(remote.stateWithCursor("s", Transcript))).toEqual(
      await log.stateWithCursor("s", Transcript)
    )
    for (let i = 0; i < 200; i++) await log.append(`s-${i}`, chunk("x"))
    expect(await Effect.runPromise(remote.states({ prefix: "s" }, Transcript))).toEqual(
      await log.states({ prefix: "s" }, Transcript)
    )
    await near.stop()
    await far.stop()
  })

  test("C6 slow-is-alone: an onError that throws, on either side, stops nothing", async () => {
    using errors = uncaught()
    await using log = await open()
    await log.append("s", chunk("a"))
    const server = listen(log, { onError: throwing, allow: throwing })
    let tries = 0
    const connect = () => {
      if (++tries < 3) throw new Error("no connection")
      return server.connect()
    }
    using remote = Remote.connect(Session, connect, { ...quick, onError: throwing, onConnection: throwing })
    const state = Effect.runPromise(remote.stateWithCursor("s", Transcript))
    await expect(state).rejects.toMatchObject({ _tag: "StorageError" })
    expect(errors.thrown).toHaveLength(4)
  })

  test("C2, C4: a foreign cursor gets a resync, an empty stream its marker", async () => {
    await using log = await open()
    using remote = Remote.connect(Session, listen(log).connect, quick)
    await log.append("s", chunk("a"))
    for (const after of [
      { epoch: "of another store", seq: 1 },
      { epoch: "", seq: -1 },
      "nonsense" as never
    ]) {
      const far = following(remote, "s", after)
      const near = following(log.effect, "s", after.epoch === undefined ? ({} as never) : after)
      await until(() => expect(far.items[0]?._tag).toBe("Resync"))
      await until(() => expect(near.items).toEqual(far.items))
    }
    const empty = following(remote, "empty")
    await until(() => expect(empty.items).toEqual([{ _tag: "CaughtUp", cursor: undefined }]))
    await empty.stop()
  })

  test("failures keep their names", async () => {
    await using log = await open()
    using remote = Remote.connect(Session, listen(log).connect, quick)
    const bad = Effect.runPromise(Stream.runDrain(remote.follow("a\u0000")))
    await expect(bad).rejects.toMatchObject({ _tag: "InvalidName", kind: "stream" })
    const other = { ...Transcript, version: 7 }
    await expect(Effect.runPromise(remote.stateWithCursor("s", other))).rejects.toMatchObject({
      _tag: "Unsupported"
    })
  })

  test("C1, C2: connections break at any place, and each event comes once and in order", async () => {
    await using log = await open()
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom("cut", "wait")), {
          maxLength: 12
        }),
        fc.uuid(),
        async (steps, stream) => {
          const server = listen(log)
          using remote = Remote.connect(Session, server.connect, quick)
          const far = following(remote, stream)
          let appended = 0
          for (const step of steps) {
            if (step === "cut") server.cut()
            else if (step === "wait") await new Promise(setImmediate)
            else {
              const events = Array.from({ length: step as number }, () => chunk("x", { id: `${++appended}` }))
              await log.append(stream, events)
            }
          }
          const ids = Array.from({ length: appended }, (_, i) => `${i + 1}`)
          await until(() => expect(far.ids()).toEqual(ids))
          await far.stop()
          await until(() => expect(server.open.size).toBeLessThanOrEqual(1))
        }
      ),
      { numRuns: 60 }
    )
  })

  test("C5 replay-cap: a gap over the reader's cap or the server's gets a resync", async () => {
    await using log = await open()
    await log.append(
      "s",
      Array.from({ length: 4 }, () => chunk("x"))
    )
    using remote = Remote.connect(Session, listen(log).connect, quick)
    using strict = Remote.connect(Session, listen(log, { replayCap: 3 }).connect, quick)
    const first = (source: Pick<Log["effect"], "follow">, replayCap: number) =>
      Effect.runPromise(Stream.runCollect(Stream.take(source.follow("s", { replayCap }), 1)))
    expect(await first(remote, 4)).toMatchObject([{ _tag: "Events" }])
    expect(await first(remote, 3)).toMatchObject([{ _tag: "Resync", reason: "too-far", head: { seq: 4 } }])
    expect(await first(strict, Infinity)).toMatchObject([{ _tag: "Resync", reason: "too-far" }])
  })

  test("C12 synced-marker: what is cut off says so, and says when it is there again", async () => {
    await using log = await open()
    const server = listen(log)
    let isDown = false
    const connections: Array<boolean> = []
    using remote = Remote.connect(
      Session,
      () => {
        if (isDown) throw new Error("nobody listens")
        return server.connect()
      },
      { ...quick, onConnection: (stands) => connections.push(stands) }
    )
    await using live = await LiveSet.open(remote, Transcript)
    const view = live.open("s")
    await until(() => expect(view.getSnapshot().status).toBe("live"))
    isDown = true
    server.cut()
    await until(() => expect(view.getSnapshot().status).toBe("loading"))
    await log.append("s", chunk("meanwhile"))
    isDown = false
    await until(() =>
      expect(view.getSnapshot()).toMatchObject({ status: "live", state: { text: "meanwhile" } })
    )
    expect(connections).toEqual([true, false, true])
  })

  test("a side that died without a word is given up", async () => {
    let opened = 0
    using remote = Remote.connect(
      Session,
      () => {
        opened++
        return Channel.pair()[0]
      },
      { ...quick, heartbeatMs: 2 }
    )
    await until(() => expect(opened).toBeGreaterThan(2))
    remote.close()
    await expect(Effect.runPromise(remote.stateWithCursor("s", Transcript))).rejects.toMatchObject({
      _tag: "LogClosed"
    })
  })

  test("what isn't followed any more is ended over there too", async () => {
    await using log = await open()
    let now = 0
    const follow: (typeof log.effect)["follow"] = (stream, options) =>
      Stream.suspend(() => {
        now++
        return Stream.ensuring(
          log.effect.follow(stream, options),
          Effect.sync(() => now--)
        )
      })
    const channels: Array<Channel.Channel> = []
    using remote = Remote.connect(
      Session,
      () => {
        const [near, far] = Channel.pair()
        channels.push(near)
        Remote.serve(Session, { ...log.effect, follow }, far)
        return near
      },
      quick
    )
    const [a, b] = [following(remote, "a"), following(remote, "b")]
    await until(() => expect(now).toBe(2))
    await a.stop()
    await until(() => expect(now).toBe(1))
    // The old connection's follow ends, and the new one's begins.
    channels[0]!.close()
    await until(() => expect([channels.length, now]).toEqual([2, 1]))
    await b.stop()
    await until(() => expect(now).toBe(0))
  })

  test("C10, C11: a live set over a channel that breaks", async () => {
    await using log = await open()
    const server = listen(log)
    using remote = Remote.connect(Session, server.connect, quick)
    const told: Array<string> = []
    await using live = await LiveSet.open(remote, Transcript, {
      capacity: 2,
      onAttention: ({ event }) => told.push(event.id),
      backoff: { firstMs: 1, mostMs: 4 },
      onError: () => undefined
    })
    const streams = ["a", "b", "c", "d"]
    const views = streams.map((stream) => live.open(stream))
    const text = new Map(streams.map((stream) => [stream, ""]))
    for (let round = 0; round < 40; round++) {
      const stream = streams[(round * 7) % 4]!
      await log.append(stream, chunk(`${round} `))
      text.set(stream, `${text.get(stream)}${round} `)
      if (round % 3 === 0) live.open(streams[round % 4]!)
      if (round % 5 === 0) server.cut()
    }
    for (const [i, stream] of streams.entries()) {
      live.open(stream)
      await until(() =>
        expect(views[i]!.getSnapshot()).toMatchObject({ status: "live", state: { text: text.get(stream) } })
      )
    }
    expect(told).toEqual([])
  })
})

class Jobs extends EventSet.make({
  Ran: { job: Schema.String },
  ApprovalRequested: event({ question: Schema.String }, { barrier: true, attention: true })
}) {}

const Pending = Projection.make(Jobs, {
  name: "pending",
  version: 1,
  state: Schema.Number,
  initial: () => 0,
  on: { ApprovalRequested: (count) => count + 1 }
})

test("C11 attention: of every stream, once, over connections that break", async () => {
  await using log = await Varve.open({ events: Jobs, storage: MemoryStorage.layer })
  const open = new Set<Channel.Channel>()
  using remote = Remote.connect(
    Jobs,
    () => {
      const [near, far] = Channel.pair()
      open.add(far)
      Remote.serve(Jobs, log.effect, far, {
        projections: [Pending],
        allow: (stream) => stream !== "private"
      })
      return near
    },
    quick
  )
  const told: Array<string> = []
  const lane: Array<string> = []
  const raw = Effect.runFork(
    Stream.runForEach(remote.attention(), (item) =>
      Effect.sync(() => void (item._tag === "Attention" && lane.push(item.event.id)))
    )
  )
  await log.append("a", Jobs.ApprovalRequested({ question: "before" }, { id: "before" }))
  await using live = await LiveSet.open(remote, Pending, {
    capacity: 1,
    onAttention: ({ event, stream }) => told.push(`${stream} ${event.id}`),
    backoff: { firstMs: 1, mostMs: 4 },
    onError: () => undefined
  })
  const view = live.activate("a")
  await until(() => expect(live.attentionCursors().get("a")?.seq).toBe(1))
  const asked: Array<string> = []
  for (let i = 0; i < 60; i++) {
    const stream = ["a", "b", "c", "private"][i % 4]!
    await log.append(stream, [
      Jobs.Ran({ job: "x" }),
      Jobs.ApprovalRequested({ question: "?" }, { id: `${i}` })
    ])
    if (stream !== "private") asked.push(`${stream} ${i}`)
    if (i % 9 === 0) open.forEach((channel) => channel.close())
    if (i % 5 === 0) await new Promise(setImmediate)
  }
  await until(() => expect(told).toHaveLength(asked.length))
  expect(told.toSorted()).toEqual(asked.toSorted())
  await until(() => expect(view.getSnapshot()).toMatchObject({ status: "live", state: 16 }))
  // The lane itself goes on behind its cursors: nothing that came is sent again.
  const again = lane.filter((id, i) => lane.indexOf(id) < i)
  expect(again).toEqual([])
  await Effect.runPromise(Fiber.interrupt(raw))
})

test("C11 attention: a client that knows of very many streams comes back like any other", async () => {
  await using log = await open()
  const after = new Map(
    Array.from({ length: 20_000 }, (_, i) => [
      `"session"/${"\u00e9".repeat(50)}/${i}`,
      { epoch: "e", seq: i + 1 }
    ])
  )
  const asked: Array<unknown> = []
  const lengths: Array<number> = []
  const channels: Array<Channel.Channel> = []
  const attention: (typeof log.effect)["attention"] = (options) => {
    asked.push(options?.after)
    return Stream.never
  }
  const errors: Array<unknown> = []
  using remote = Remote.connect(
    Session,
    () => {
      const [near, far] = Channel.pair()
      channels.push(far)
      Remote.serve(Session, { ...log.effect, attention }, far)
      return { ...near, send: (text) => (lengths.push(text.length), near.send(text)) }
    },
    { ...quick, onError: (error) => errors.push(error) }
  )
  const lanes = [after, new Map<string, Cursor>(), undefined].map((cursors) =>
    Effect.runFork(Stream.runDrain(remote.attention(cursors === undefined ? {} : { after: cursors })))
  )
  await until(() => expect(asked).toHaveLength(3))
  expect(asked).toEqual([after, new Map(), undefined])
  channels[0]!.close()
  await until(() => expect(asked).toHaveLength(6))
  expect(asked.slice(3)).toEqual([after, new Map(), undefined])
  expect(Math.max(...lengths)).toBeLessThan(2 ** 18)
  expect(errors).toEqual([])
  for (const lane of lanes) await Effect.runPromise(Fiber.interrupt(lane))
})

describe("channels", () => {
  const bothWays = async ([near, far]: readonly [Channel.Channel, Channel.Channel]): Promise<void> => {
    await using log = await open()
    await log.append("s", chunk("line\nbreak \u2028 \ud83d\ude00"))
    let closed = 0
    far.onClose(() => closed++)
    Remote.serve(Session, log.effect, far, { projections: [Transcript] })
    using remote = Remote.connect(Session, () => near, quick)
    expect(await Effect.runPromise(remote.stateWithCursor("s", Transcript))).toEqual(
      await log.stateWithCursor("s", Transcript)
    )
    remote.close()
    await until(() => expect(closed).toBe(1))
  }

  test("a port", async () => {
    const { port1, port2 } = new MessageChannel()
    await bothWays([Channel.fromPort(port1), Channel.fromPort(port2)])
  })

  test("a pipe, whatever pieces its bytes come in", async () => {
    const small = () =>
      new Transform({
        transform(bytes: Buffer, _, done) {
          for (let i = 0; i < bytes.length; i += 3) this.push(bytes.subarray(i, i + 3))
          done()
        }
      })
    const [there, back] = [small(), small()]
    await bothWays([Channel.fromStreams(back, there), Channel.fromStreams(there, back)])
  })

  test("S4 bound: a line without an end closes a pipe", () => {
    const pipe = new PassThrough()
    const channel = Channel.fromStreams(pipe, new PassThrough(), 1000)
    let isClosed = false
    const heard: Array<string> = []
    channel.onClose(() => (isClosed = true))
    channel.onMessage((text) => heard.push(text))
    pipe.emit("data", "short\nx")
    for (let i = 0; i < 998; i++) pipe.emit("data", "x")
    expect([heard, isClosed]).toEqual([["short"], false])
    pipe.emit("data", "xx")
    expect([heard, isClosed]).toEqual([["short"], true])
  })
})

describe("C6 slow-is-alone: a peer that doesn't take what it asked for", () => {
  test("is told that it lagged, gets everything, and holds up nobody", async () => {
    await using log = await open()
    const server = listen(log)
    using remote = Remote.connect(Session, server.connect, quick)
    let release: () => void = () => undefined
    const gate = new Promise<void>((resolve) => (release = resolve))
    const items: Array<Item> = []
    const slow = Effect.runFork(
      Stream.runForEach(remote.follow("s"), (item) =>
        Effect.promise(async () => {
          items.push(item)
          if (items.length === 1) await gate
        })
      )
    )
    const fast = following(remote, "s")
    await until(() => expect(items).toHaveLength(1))
    const before = server.sent.length
    const count = 10_000
    for (let i = 0; i < count; i += 20)
      await log.append(
        "s",
        Array.from({ length: 20 }, (_, k) => chunk("x", { id: `${i + k + 1}` }))
      )
    await until(() => expect(fast.ids()).toHaveLength(count))
    // What was sent to the slow one is its credit and no more: 16 answers.
    const toFast = fast.items.length
    expect(server.sent.length - before - toFast).toBeLessThan(32)
    release()
    const ids = () =>
      items.flatMap((item) => (item._tag === "Events" ? item.events.map(({ seq }) => seq) : []))
    await until(() => expect(ids()).toHaveLength(count))
    expect(ids()).toEqual(Array.from({ length: count }, (_, i) => i + 1))
    expect(items.some((item) => item._tag === "Lagged")).toBe(true)
    await Effect.runPromise(Fiber.interrupt(slow))
    await fast.stop()
  })
})

/** A peer that says anything. */
const peer = (log: Log, options: Remote.ServeOptions<typeof Session> = {}) => {
  const [near, far] = Channel.pair()
  const heard: Array<any> = []
  let isClosed = false
  near.onMessage((text) => heard.push(JSON.parse(text)))
  near.onClose(() => (isClosed = true))
  Remote.serve(Session, log.effect, far, options)
  const say = (message: unknown): void => {
    try {
      near.send(typeof message === "string" ? message : JSON.stringify(message))
    } catch {
      // It was let go.
    }
  }
  return { heard, say, isClosed: () => isClosed, close: () => near.close() }
}

const hello = { _tag: "hello", protocol: 1 }

describe("S4 bound: hostile peers", () => {
  const hostile = fc.oneof(
    fc.string(),
    fc.json(),
    fc.constantFrom(
      "",
      "null",
      "[]",
      "{}",
      '{"_tag":"drop-table"}',
      '{"_tag":"follow"}',
      '{"_tag":"follow","id":-1,"stream":"s","credit":1}',
      '{"_tag":"follow","id":1e400,"stream":"s","credit":1}',
      '{"_tag":"follow","id":1,"stream":{"toString":1},"credit":1}',
      '{"_tag":"attention","id":1,"credit":1,"after":[["s"]]}',
      '{"__proto__":{"_tag":"ping"}}',
      "[".repeat(200_000),
      `"${"x".repeat(2 ** 20)}"`
    )
  )

  test("whatever a peer says, it is refused by name, let go, and nobody else notices", async () => {
    await using log = await open()
    await log.append("s", chunk("secret"))
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.array(hostile, { minLength: 1, maxLength: 4 }),
        async (polite, texts) => {
          const bad = peer(log)
          if (polite) bad.say(hello)
          for (const text of texts) bad.say(text)
          await until(() => expect(bad.isClosed()).toBe(true))
          const [last] = bad.heard.slice(-1)
          expect(last._tag).toBe("refused")
          expect(["malformed", "too-large", "no-hello"]).toContain(last.reason)
          expect(JSON.stringify(bad.heard)).not.toContain("secret")
        }
      ),
      { numRuns: 200 }
    )
    const good = peer(log, { projections: [Transcript] })
    good.say(hello)
    good.say({ _tag: "state", id: 1, stream: "s", projection: "transcript", version: 1 })
    await until(() => expect(good.heard.at(-1)).toMatchObject({ _tag: "state", id: 1 }))
    good.close()
  })

  test("any message of the right shape is answered or refused, and nothing throws", async () => {
    await using log = await open()
    await log.append("s", chunk("x"))
    const id = fc.nat({ max: 3 })
    const name = fc.oneof(
      fc.constantFrom("s", "t", "", "__proto__"),
      fc.string(),
      fc.constant("\ud800"),
      fc.constant("x".repeat(5000))
    )
    const message = fc.oneof(
      fc.record(
        {
          _tag: fc.constant("follow"),
          id,
          stream: name,
          after: fc.jsonValue(),
          replayCap: fc.nat(),
          credit: fc.nat()
        },
        { requiredKeys: ["_tag", "id", "stream", "credit"] }
      ),
      fc.record({ _tag: fc.constant("state"), id, stream: name, projection: name, version: fc.nat() }),
      fc.record({ _tag: fc.constant("attention"), id, credit: fc.nat() }),
      fc.record({
        _tag: fc.constantFrom("cursors", "attention"),
        id,
        after: fc.array(fc.tuple(name, fc.record({ epoch: fc.string(), seq: fc.nat() }))),
        credit: fc.nat()
      }),
      fc.record({
        _tag: fc.constant("states"),
        id,
        prefix: name,
        projection: fc.constantFrom("transcript", "?"),
        version: fc.constant(1),
        credit: fc.nat()
      }),
      fc.record({ _tag: fc.constant("credit"), id, more: fc.nat() }),
      fc.record({ _tag: fc.constant("cancel"), id }),
      fc.constant({ _tag: "ping" }),
      fc.constant(hello)
    )
    const thrown: Array<unknown> = []
    const catcher = (error: unknown): void => void thrown.push(error)
    process.on("unhandledRejection", catcher)
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 20 }), async (messages) => {
        const one = peer(log, { projections: [Transcript], asks: 2 })
        one.say(hello)
        for (const said of messages) one.say(said)
        one.say({ _tag: "ping" })
        await until(() => expect(one.isClosed() || one.heard.some(({ _tag }) => _tag === "pong")).toBe(true))
        one.close()
      }),
      { numRuns: 200 }
    )
    process.off("unhandledRejection", catcher)
    expect(thrown).toEqual([])
  })

  test.each([
    ["too-large", [hello, { _tag: "ping", padding: "x".repeat(2 ** 20) }]],
    ["no-hello", [{ _tag: "follow", id: 1, stream: "s", credit: 1 }]],
    ["protocol", [{ _tag: "hello", protocol: 2 }]]
  ])("%s", async (reason, messages) => {
    await using log = await open()
    const one = peer(log)
    for (const message of messages) one.say(message)
    await until(() => expect(one.isClosed()).toBe(true))
    expect(one.heard.at(-1)).toEqual({ _tag: "refused", reason })
    expect(one.heard.length).toBe(messages.length)
  })

  test("what a peer may hold is bounded", async () => {
    await using log = await open()
    await log.append(
      "s",
      Array.from({ length: 100 }, () => chunk("x".repeat(10_000)))
    )
    const many = peer(log, { asks: 3, allow: (stream) => stream !== "private" })
    many.say(hello)
    for (let id = 1; id <= 5; id++) many.say({ _tag: "follow", id, stream: "s", credit: 1_000_000 })
    await until(() => expect(many.heard.filter(({ _tag }) => _tag === "failed")).toHaveLength(2))
    many.say({ _tag: "cancel", id: 1 })
    many.say({ _tag: "follow", id: 9, stream: "private", credit: 1 })
    await until(() =>
      expect(many.heard.find(({ _tag, id }) => _tag === "failed" && id === 9)?.error.kind).toBe("Refused")
    )
    // What is no cursor, however deep, is told so.
    const deep = `{"_tag":"follow","id":1,"stream":"s","credit":1,"after":${"[".repeat(50_000)}${"]".repeat(50_000)}}`
    const odd = peer(log)
    odd.say(hello)
    odd.say(deep)
    await until(() => expect(odd.heard[1]).toMatchObject({ _tag: "resync", reason: "malformed" }))
    odd.close()
    // Without credit nothing is sent.
    const poor = peer(log)
    poor.say(hello)
    poor.say({ _tag: "follow", id: 1, stream: "s", credit: 0 })
    poor.say({ _tag: "ping" })
    await until(() => expect(poor.heard.at(-1)).toEqual({ _tag: "pong" }))
    expect(poor.heard).toHaveLength(2)
    poor.say({ _tag: "credit", id: 1, more: 1 })
    await until(() => expect(poor.heard).toHaveLength(3))
    // A long item comes in pieces.
    expect(JSON.stringify(poor.heard[2]).length).toBeLessThan(100_000)
    poor.say({ _tag: "follow", id: 1, stream: "s", credit: 1 })
    await until(() => expect(poor.heard.at(-1)).toEqual({ _tag: "refused", reason: "reused-id" }))
    many.close()
  })

  test("who reads nothing is let go", async () => {
    await using log = await open()
    const [near, far] = Channel.pair()
    let isClosed = false
    near.onClose(() => (isClosed = true))
    Remote.serve(Session, log.effect, { ...far, waiting: () => 2 ** 26 })
    near.send(JSON.stringify(hello))
    await until(() => expect(isClosed).toBe(true))
  })
})

describe("messages are as long as the channel takes", () => {
  const longest = 2 ** 18
  const pipes = (log: Log, served: Partial<Log["effect"]> = {}) => {
    const told = { connections: 0, server: [] as Array<unknown>, client: [] as Array<unknown> }
    const remote = Remote.connect(
      Session,
      () => {
        told.connections++
        const [there, back] = [new PassThrough(), new PassThrough()]
        Remote.serve(Session, { ...log.effect, ...served }, Channel.fromStreams(back, there, longest), {
          projections: [Transcript],
          onError: (error) => told.server.push(error)
        })
        return Channel.fromStreams(there, back, longest)
      },
      { ...quick, onError: (error) => told.client.push(error) }
    )
    return { remote, told }
  }

  test("states and the cursors of attention come in pieces", async () => {
    await using log = await open()
    for (let i = 0; i < 64; i++) await log.append(`s-${i}`, chunk('"'.repeat(20_000)))
    const after = new Map(
      Array.from({ length: 20_000 }, (_, i) => [`session-${"x".repeat(60)}-${i}`, { epoch: "e", seq: 1 }])
    )
    const attention: (typeof log.effect)["attention"] = ({ after: given } = {}) =>
      given === undefined ? Stream.succeed({ _tag: "Began", after }) : Stream.never
    const { remote, told } = pipes(log, { attention })
    expect(await Effect.runPromise(remote.states({}, Transcript))).toEqual(await log.states({}, Transcript))
    const began = await Effect.runPromise(Stream.runCollect(Stream.take(remote.attention(), 1)))
    expect(began).toEqual([{ _tag: "Began", after }])
    expect(told).toEqual({ connections: 1, server: [], client: [] })
    remote.close()
  })

  test("what alone is too long fails its ask, by name, and leaves the others alone", async () => {
    await using log = await open()
    await log.append("long", chunk("x".repeat(longest)))
    await log.append("short", chunk("x"))
    const { remote, told } = pipes(log)
    const failed = { _tag: "StorageError", cause: { _tag: "RemoteRefused" } }
    const names = Array.from({ length: 5000 }, (_, i) => `${"x".repeat(60)}${i}`)
    for (const asked of [
      remote.stateWithCursor("long", Transcript),
      remote.states({}, Transcript),
      Stream.runDrain(remote.follow("long")),
      remote.states({ streams: names }, Transcript)
    ]) {
      const error = await Effect.runPromise(Effect.flip(asked as Effect.Effect<unknown, Error>))
      expect(error).toMatchObject(failed)
      expect((error.cause as Error).message).toContain("longer")
    }
    expect((await Effect.runPromise(remote.stateWithCursor("short", Transcript))).state.text).toBe("x")
    expect(told).toMatchObject({ connections: 1, client: [] })
    expect(told.server).toHaveLength(3)
    remote.close()
  })

  test("a channel that closes for a reason tells it, on both sides", async () => {
    await using log = await open()
    const [there, back] = [new PassThrough(), new PassThrough()]
    const errors: Array<unknown> = []
    const onError = (error: unknown) => errors.push(error)
    Remote.serve(Session, log.effect, Channel.fromStreams(back, new PassThrough(), longest), { onError })
    const connected = () =>
      errors.length < 2 ? Channel.fromStreams(there, new PassThrough(), longest) : never
    const never = new Promise<Channel.Channel>(() => undefined)
    using _ = Remote.connect(Session, connected, { ...quick, onError })
    await new Promise(setImmediate)
    for (const side of [there, back]) side.write("x".repeat(longest + 1))
    await until(() => expect(errors).toHaveLength(2))
    for (const error of errors) expect((error as Error).message).toContain(`${longest} characters`)
  })
})
