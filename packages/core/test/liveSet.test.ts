/** A live set over a log in this process, as its user meets it. The laws are tried by schedules, in the testkit. */
import { EventSet, event, LiveSet, LogClosed, MemoryStorage, Projection, Varve } from "@varve/core"
import { Effect, Exit, Schema, Scope, Stream } from "effect"
import { describe, expect, test, vi } from "vitest"
import { chunk, Session, throwing, Transcript, uncaught } from "./session.ts"

const open = () => Varve.open({ events: Session, storage: MemoryStorage.layer })
const until = (check: () => void) => vi.waitFor(check, { interval: 1, timeout: 5000 })

describe("a live set", () => {
  test("in promises: follows what is open, pauses what has no room, and comes back", async () => {
    await using log = await open()
    await log.append("a", chunk("1"))
    await using live = await LiveSet.open(log.effect, Transcript, { capacity: 1 })
    const a = live.open("a")
    expect(a.getSnapshot()).toEqual({
      status: "paused",
      state: { text: "", turns: 0 },
      cursor: undefined,
      synced: 0,
      error: undefined
    })
    await until(() => expect(a.getSnapshot()).toMatchObject({ status: "live", state: { text: "1" } }))
    expect(a.getSnapshot()).toBe(a.getSnapshot())
    await log.append("a", chunk("2"))
    await until(() => expect(a.getSnapshot().state.text).toBe("12"))

    const b = live.open("b")
    expect(live.live()).toEqual(["b"])
    await until(() => expect([a, b].map((view) => view.getSnapshot().status)).toEqual(["paused", "live"]))
    await log.append("a", chunk("3"))
    expect(a.getSnapshot().state.text).toBe("12")
    expect(live.open("a")).toBe(a)
    await until(() => expect(a.getSnapshot()).toMatchObject({ status: "live", state: { text: "123" } }))

    live.release("a")
    await until(() => expect(b.getSnapshot().status).toBe("live"))
    await live.close()
    expect([a, b].map((view) => view.getSnapshot().status)).toEqual(["paused", "paused"])
    live.open("c")
    expect(live.live()).toEqual([])
  })

  test("in Effect: it ends with its scope", async () => {
    await using log = await open()
    const scope = Scope.makeUnsafe()
    const live = await Effect.runPromise(LiveSet.make(log.effect, Transcript).pipe(Scope.provide(scope)))
    const view = live.activate("s")
    await until(() => expect(view.getSnapshot().status).toBe("live"))
    await Effect.runPromise(Scope.close(scope, Exit.void))
    expect(view.getSnapshot().status).toBe("paused")
  })

  test("what makes no sense is refused by name", async () => {
    await using log = await open()
    for (const options of [{ capacity: 0 }, { capacity: 1.5 }, { keep: -1 }, { replayCap: NaN }]) {
      await expect(LiveSet.open(log.effect, Transcript, options)).rejects.toMatchObject({
        _tag: "InvalidOption"
      })
    }
  })

  test("C6 slow-is-alone: an onError that throws stops nothing: tries come with pauses, and go on", async () => {
    using errors = uncaught()
    await using log = await open()
    await log.append("s", chunk("a"))
    let tries = 0
    const follow: typeof log.effect.follow = (stream, options) =>
      ++tries < 4 ? Stream.fail(new LogClosed()) : log.effect.follow(stream, options)
    const backoff = { firstMs: 10, mostMs: 10 }
    const options = { backoff, onError: throwing }
    await using live = await LiveSet.open({ ...log.effect, follow }, Transcript, options)
    const begun = performance.now()
    const view = live.open("s")
    await until(() => expect(view.getSnapshot()).toMatchObject({ status: "live", state: { text: "a" } }))
    expect(performance.now() - begun).toBeGreaterThan(14)
    expect(errors.thrown).toHaveLength(3)
  })

  test("C5 replay-cap: a gap equal to the cap is replayed, one more is read as a state", async () => {
    await using log = await open()
    let states = 0
    const source = {
      ...log.effect,
      stateWithCursor: ((stream, projection) => {
        states++
        return log.effect.stateWithCursor(stream, projection)
      }) as typeof log.effect.stateWithCursor
    }
    await using live = await LiveSet.open(source, Transcript, { capacity: 1, replayCap: 3 })
    const a = live.open("a")
    await until(() => expect(a.getSnapshot().status).toBe("live"))
    let text = ""
    for (const gap of [3, 4]) {
      const b = live.open("b")
      await until(() => expect(b.getSnapshot().status).toBe("live"))
      const before = states
      for (let i = 0; i < gap; i++) await log.append("a", chunk("x"))
      text += "x".repeat(gap)
      live.open("a")
      await until(() => expect(a.getSnapshot()).toMatchObject({ status: "live", state: { text } }))
      expect(states - before).toBe(gap === 3 ? 0 : 1)
    }
  })

  test("keep bounds the states of what is paused; those that are looked at come back all the same", async () => {
    await using log = await open()
    await using live = await LiveSet.open(log.effect, Transcript, { capacity: 1, keep: 2 })
    const names = Array.from({ length: 20 }, (_, i) => `${i}`)
    for (const name of names) await log.append(name, chunk(name))
    const views: Array<LiveSet.LiveView<{ readonly text: string }>> = []
    for (const name of names) {
      const view = live.open(name)
      views.push(view)
      await until(() => expect(view.getSnapshot().status).toBe("live"))
    }
    const held = views.filter((view) => view.getSnapshot().state.text !== "")
    expect(held.map(({ stream }) => stream)).toEqual(["17", "18", "19"])
    live.open("0")
    await until(() => expect(views[0]!.getSnapshot()).toMatchObject({ status: "live", state: { text: "0" } }))
  })

  test("a projection that throws fails its own stream, until it is opened again", async () => {
    await using log = await open()
    let isBroken = true
    const picky = Projection.make(Session, {
      name: "picky",
      version: 1,
      state: Schema.String,
      initial: () => "",
      on: {
        MessageChunk: (state, event) => {
          if (isBroken && event.data.text === "bad") throw new Error("cannot")
          return state + event.data.text
        }
      }
    })
    await using live = await LiveSet.open(log.effect, picky, { capacity: 2 })
    const [a, b] = [live.open("a"), live.open("b")]
    await until(() => expect([a, b].every((view) => view.getSnapshot().status === "live")).toBe(true))
    await log.append("a", chunk("bad"))
    await log.append("b", chunk("good"))
    await until(() =>
      expect(a.getSnapshot()).toMatchObject({ status: "failed", error: { message: "cannot" }, state: "" })
    )
    await until(() => expect(b.getSnapshot()).toMatchObject({ status: "live", state: "good" }))
    isBroken = false
    live.open("a")
    await until(() =>
      expect(a.getSnapshot()).toMatchObject({ status: "live", state: "bad", error: undefined })
    )
  })

  test("C6 slow-is-alone: what listeners throw is reported, and hurts nobody", async () => {
    await using log = await open()
    const errors: Array<unknown> = []
    await using live = await LiveSet.open(log.effect, Transcript, {
      onError: (error) => errors.push(error),
      onVolatile: () => {
        throw new Error("volatile")
      }
    })
    const view = live.open("s")
    view.subscribe(() => {
      throw new Error("listener")
    })
    const slice = view.select(({ state }) => state.turns)
    let changes = 0
    slice.subscribe(() => changes++)
    await until(() => expect(view.getSnapshot().status).toBe("live"))
    log.record("s", Session.Typing({ on: true }))
    await log.append("s", chunk("a"))
    await until(() => expect(view.getSnapshot().state.text).toBe("a"))
    expect(changes).toBe(0)
    await log.append("s", Session.TurnEnded({ stopReason: "end" }))
    await until(() => expect(slice.getSnapshot()).toBe(1))
    expect(changes).toBe(1)
    expect(errors.map((error) => (error as Error).message)).toEqual(
      expect.arrayContaining(["listener", "volatile"])
    )
  })

  test("C11 attention: the next set goes on behind what this one was told", async () => {
    class Jobs extends EventSet.make({
      Asked: event({ question: Schema.String }, { attention: true })
    }) {}
    const Count = Projection.make(Jobs, {
      name: "count",
      version: 1,
      state: Schema.Number,
      initial: () => 0,
      on: { Asked: (count) => count + 1 }
    })
    await using log = await Varve.open({ events: Jobs, storage: MemoryStorage.layer })
    const ask = (stream: string, id: string) => log.append(stream, Jobs.Asked({ question: "?" }, { id }))
    const told: Array<string> = []
    let began: () => void = () => undefined
    const hasBegun = new Promise<void>((resolve) => (began = resolve))
    const options: LiveSet.LiveSetOptions<typeof Jobs> = {
      onAttention: ({ event, stream }) => told.push(`${stream} ${event.id}`),
      onAttentionBegan: began
    }
    await ask("a", "before")
    const first = await LiveSet.open(log.effect, Count, options)
    await hasBegun
    await ask("a", "1")
    await until(() => expect(told).toEqual(["a 1"]))
    await first.close()
    await ask("a", "2")
    await ask("b", "3")
    await using second = await LiveSet.open(log.effect, Count, {
      ...options,
      attentionAfter: first.attentionCursors()
    })
    await until(() => expect(told.toSorted()).toEqual(["a 1", "a 2", "b 3"]))
    expect(second.live()).toEqual([])
  })

  test("a listener that opens the next stream", async () => {
    await using log = await open()
    await using live = await LiveSet.open(log.effect, Transcript, { capacity: 1 })
    const views = ["a", "b", "c"].map((name) => live.open(name))
    const [a, b, c] = views as [(typeof views)[0], (typeof views)[0], (typeof views)[0]]
    c.subscribe(() => {
      if (c.getSnapshot().status === "live") live.open("b")
    })
    b.subscribe(() => {
      if (b.getSnapshot().status === "live") live.open("a")
    })
    await until(() => expect(a.getSnapshot().status).toBe("live"))
    expect(live.live()).toEqual(["a"])
  })
})
