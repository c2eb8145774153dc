/** docs/laws.md, section 2: ordering across coalescing. What was recorded comes out in its order, in few writes. */
import { Projection, RecordFailed } from "@varve/core"
import { Effect, Exit, Schema } from "effect"
import * as fc from "fast-check"
import { must, mustEqual } from "../Broken.ts"
import { type Desk, openDesk } from "../Desk.ts"
import { type Law, law, lawWhere } from "../Law.ts"
import { anyPlan, chunk, follow, step, stepAlone, streams } from "../LogPlan.ts"
import { Session } from "../Session.ts"
import type { Store } from "../Store.ts"

const prompt = (text: string) => Session.Prompt({ text }, { id: text })

/** The ids of the groups that reached the storage, a list a group. */
const groupsOf = (desk: Desk, stream: string): ReadonlyArray<ReadonlyArray<string>> =>
  desk.calls.flatMap((groups) =>
    groups.filter((group) => group.stream === stream).map((group) => group.events.map((event) => event.id))
  )

const storedIds = async (store: Store, stream: string): Promise<ReadonlyArray<string>> =>
  (await store.read(stream)).map((event) => event.id)

/** Does something with a desk on the store and closes it, whatever came of it. */
const atDesk = async (
  store: Store,
  use: (desk: Desk) => Promise<void>,
  options?: Parameters<typeof openDesk>[1]
): Promise<void> => {
  const desk = await openDesk(store, options)
  try {
    await use(desk)
  } finally {
    await desk.close().catch(() => undefined)
  }
}

/** A projection that shows order: the texts, one behind the other. */
const Text = Projection.make(Session, {
  name: "text",
  version: 1,
  state: Schema.String,
  initial: () => "",
  any: (state, event) => `${state}${event.type}:${event.type === "Chunk" ? event.data.text : ""};`,
  on: {}
})

export const orderingLaws: ReadonlyArray<Law> = [
  law(
    "O1 order",
    "Whatever is recorded and appended, however it is flushed, and whatever fails on the way: each stream's stored " +
      "order is the order of the calls, nothing acknowledged is missing, nothing refused is there, nothing is twice.",
    (bench) =>
      bench.property(anyPlan, async (store, [plan, trouble]) => {
        const desk = await openDesk(store)
        desk.trouble.push(...trouble)
        const name = (stream: number): string => store.name(`s${stream}`)
        const told = await follow(desk, name, plan)
        for (let stream = 0; stream < streams; stream++) {
          const stored = await storedIds(store, name(stream))
          const calls = told.handed[stream]!
          mustEqual(
            "the stored events in the order of the calls",
            stored,
            calls.filter((id) => stored.includes(id))
          )
          for (const id of calls) {
            if (told.unknown.has(id)) continue
            must(
              stored.includes(id) === told.stored.has(id),
              () => `${id} is ${told.stored.has(id) ? "acknowledged and missing" : "refused and stored"}`
            )
          }
          const notified = desk.notifications
            .filter((n) => n.stream === name(stream))
            .flatMap((n) => n.events.map((e) => e.id))
          mustEqual(
            "the notified events",
            notified,
            stored.filter((id) => !told.unknown.has(id))
          )
        }
      })
  ),
  law(
    "O2 groups",
    "Between two barriers of one stream, n flushes make at most n groups, and a group is one notification. No group is empty.",
    (bench) =>
      bench.property(fc.array(stepAlone, { minLength: 1, maxLength: 40 }), async (store, plan) => {
        const desk = await openDesk(store)
        const name = (stream: number): string => store.name(`s${stream}`)
        await follow(desk, name, plan)
        const groups = desk.calls.flat()
        must(
          groups.every((group) => group.events.length > 0),
          "an empty group was written"
        )
        for (let stream = 0; stream < streams; stream++) {
          const asks = plan.filter((s) => "stream" in s && (s.stream === stream || s.stream === undefined))
          const flushes = plan.filter(
            (s) =>
              s.do === "tick" ||
              s.do === "flushSync" ||
              (s.do === "flush" && (s.stream === stream || s.stream === undefined))
          )
          const alone = asks.filter(
            (s) => s.do === "append" || (s.do === "record" && s.kind !== "Chunk" && s.kind !== "Typing")
          )
          const made = groups.filter((group) => group.stream === name(stream)).length
          // Each barrier and each append is a group, and flushes what is before it; closing flushes once more.
          const most = flushes.length + 2 * alone.length + 1
          must(
            made <= most,
            () => `${flushes.length} flushes and ${alone.length} barriers made ${made} groups`
          )
          const told = desk.notifications.filter(
            (n) => n.stream === name(stream) && n.events.length > 0
          ).length
          mustEqual("notifications, one a group", told, made)
        }
      })
  ),
  law(
    "O2 groups: a, b, ID, c",
    "Plain events around a barrier make the groups [a b] [ID] [c].",
    async (bench) => {
      const store = await bench.store()
      await atDesk(store, async (desk) => {
        const s = store.name("s")
        for (const made of [chunk("a"), chunk("b"), prompt("ID"), chunk("c")]) desk.log.record(s, made)
        await Effect.runPromise(desk.log.flush())
        mustEqual("groups", groupsOf(desk, s), [["a", "b"], ["ID"], ["c"]])
      })
    }
  ),
  law(
    "O3 barrier-now",
    "A barrier flushes what its stream holds and goes through at once, without waiting for the tick; what other streams hold stays.",
    async (bench) => {
      const store = await bench.store()
      await atDesk(store, async (desk) => {
        const [s, other] = [store.name("s"), store.name("other")]
        desk.log.record(other, chunk("x"))
        desk.log.record(s, chunk("a"))
        desk.log.record(s, prompt("b"))
        await desk.answered()
        mustEqual("stored without a tick", await storedIds(store, s), ["a", "b"])
        mustEqual("the other stream", await storedIds(store, other), [])
        await desk.tick()
        await desk.answered()
        mustEqual("the other stream after the tick", await storedIds(store, other), ["x"])
      })
    }
  ),
  law(
    "O4 same-result",
    "A projection of coalesced events equals the projection of the same events appended one by one.",
    (bench) =>
      bench.property(
        fc.array(fc.tuple(fc.constantFrom("Chunk", "Prompt", "TurnEnded"), fc.boolean()), { maxLength: 20 }),
        async (store, plan) =>
          atDesk(store, async (desk) => {
            const [together, single] = [store.name("together"), store.name("single")]
            let i = 0
            for (const [kind, tick] of plan as ReadonlyArray<readonly ["Chunk", boolean]>) {
              const made = Session[kind]({ text: `t${i}` }, { id: `e${i++}`, at: 0 })
              desk.log.record(together, made)
              await Effect.runPromise(desk.log.append(single, made))
              if (tick) await desk.tick()
            }
            const [a, b] = await Promise.all([
              Effect.runPromise(desk.log.state(together, Text)),
              Effect.runPromise(desk.log.state(single, Text))
            ])
            mustEqual("the state of the coalesced stream", a, b)
          })
      )
  ),
  law(
    "O5 readers-see-all",
    "Reads, states, queries, heads, appends and closing of a log see what it recorded before.",
    async (bench) => {
      const store = await bench.store()
      const s = store.name("s")
      await atDesk(store, async (desk) => {
        const { log } = desk
        const asks: ReadonlyArray<Effect.Effect<number | undefined, unknown>> = [
          Effect.map(log.state(s, Text), (text) => text.split(";").length - 1),
          Effect.map(log.head(s), (head) => head?.cursor.seq),
          Effect.map(log.append(s, []), (receipt) => receipt.head?.cursor.seq)
        ]
        for (const [i, ask] of asks.entries()) {
          log.record(s, chunk(`e${i}`))
          mustEqual("events seen right after record", await Effect.runPromise(ask), i + 1)
        }
        log.record(s, chunk("last"))
      })
      mustEqual("events stored after close", (await storedIds(store, s)).length, 4)
    }
  ),
  law(
    "O6 fewer",
    "Storage calls and notifications do not grow with the number of plain events a tick: 15 streams x 15 events are one call.",
    async (bench) => {
      const store = await bench.store()
      await atDesk(store, async (desk) => {
        for (let i = 0; i < 15; i++)
          for (let s = 0; s < 15; s++) desk.log.record(store.name(`s${s}`), chunk(`e${i}`))
        mustEqual("timers set", desk.timers(), 1)
        await desk.tick()
        await desk.answered()
        mustEqual("storage calls", desk.calls.length, 1)
        mustEqual("groups in it", desk.calls[0]!.length, 15)
        mustEqual("notifications", desk.notifications.length, 15)
        mustEqual("timers left when idle", desk.timers(), 0)
      })
    }
  ),
  law(
    "O7 pressure",
    "Above the high-water mark record answers false, at the hard limit it throws and takes nothing; what it took is stored.",
    async (bench) => {
      const store = await bench.store()
      const s = store.name("s")
      const limits = { highWater: { events: 3 }, hardLimit: { events: 5 } }
      await atDesk(
        store,
        async (desk) => {
          const answers = Array.from({ length: 5 }, (_, i) => desk.log.record(s, chunk(`e${i}`)))
          mustEqual("answers of record", answers, [true, true, true, false, false])
          let refusal: unknown
          try {
            desk.log.record(s, chunk("over"))
          } catch (error) {
            refusal = error
          }
          must(
            (refusal as { _tag?: string } | undefined)?._tag === "QueueFull",
            "record beyond the hard limit throws QueueFull"
          )
          await Effect.runPromise(desk.log.flush())
          must(desk.log.record(s, chunk("after")), "after a flush there is room again")
          await Effect.runPromise(desk.log.flush())
          mustEqual("stored", await storedIds(store, s), ["e0", "e1", "e2", "e3", "e4", "after"])
        },
        limits
      )
    }
  ),
  law(
    "O7 pressure: a failed event is told",
    "A recorded event that failed rejects the next append, flush or close of its stream, once, with stream and id, and is told to onFailure.",
    async (bench) => {
      for (const ask of ["append", "flush", "close"] as const) {
        const store = await bench.store()
        const s = store.name("s")
        const desk = await openDesk(store)
        desk.log.record(s, chunk("good"))
        desk.log.record(s, { ...chunk("bad"), data: { text: 1 as never } })
        const failing: Effect.Effect<unknown, unknown> =
          ask === "append"
            ? desk.log.append(s, chunk("next"))
            : ask === "flush"
              ? desk.log.flush(s)
              : desk.log.close
        const error = await Effect.runPromise(Effect.flip(failing))
        must(error instanceof RecordFailed, () => `${ask} fails with RecordFailed, not with ${String(error)}`)
        mustEqual(
          `${ask} reports`,
          error.failures.map(({ stream, ids }) => [stream, ids]),
          [[s, ["bad"]]]
        )
        mustEqual(
          "told to onFailure",
          desk.failures.map((f) => f.events.map((e) => e.id)),
          [["bad"]]
        )
        if (ask !== "close") await Effect.runPromise(desk.log.append(s, chunk("again")))
        await desk.close().catch(() => undefined)
        mustEqual("stored", await storedIds(store, s), ask === "close" ? ["good"] : ["good", "again"])
      }
    }
  ),
  law(
    "O7 pressure: neighbours of a refused event are stored",
    "An id conflict takes only the event that has it.",
    async (bench) => {
      const store = await bench.store()
      const s = store.name("s")
      await atDesk(store, async (desk) => {
        await Effect.runPromise(desk.log.append(s, chunk("taken")))
        for (const id of ["a", "taken", "b"]) desk.log.record(s, Session.Chunk({ text: `${id}!` }, { id }))
        await Effect.runPromise(Effect.flip(desk.log.flush()))
        mustEqual(
          "told to onFailure",
          desk.failures.map((f) => f.events.map((e) => e.id)),
          [["taken"]]
        )
        mustEqual("stored", await storedIds(store, s), ["taken", "a", "b"])
      })
    }
  ),
  law(
    "A9 drain",
    "Closing settles everything that was taken: recorded events are written, appends are answered, also with a slow storage.",
    (bench) =>
      bench.property(
        fc.tuple(
          fc.array(step, { maxLength: 15 }),
          fc.array(fc.record({ turns: fc.nat(3) }), { maxLength: 5 })
        ),
        async (store, [plan, trouble]) => {
          const desk = await openDesk(store)
          desk.trouble.push(...trouble)
          const name = (stream: number): string => store.name(`s${stream}`)
          const told = await follow(desk, name, plan)
          for (let stream = 0; stream < streams; stream++) {
            mustEqual(
              "stored",
              await storedIds(store, name(stream)),
              told.handed[stream]!.filter((id) => told.stored.has(id))
            )
          }
          const late = await Effect.runPromiseExit(desk.log.append(name(0), chunk("late")))
          must(Exit.isFailure(late), "an append after close is refused")
        }
      )
  ),
  lawWhere(
    ["appendSync"],
    "A9 drain: flushSync",
    "flushSync settles what was recorded before it returns, where the storage can write synchronously.",
    async (bench) => {
      const store = await bench.store()
      const s = store.name("s")
      await atDesk(store, async (desk) => {
        for (const made of [chunk("a"), prompt("b"), chunk("c")]) desk.log.record(s, made)
        mustEqual("streams left", desk.log.flushSync(), [])
        mustEqual("stored", await storedIds(store, s), ["a", "b", "c"])
      })
    }
  ),
  law(
    "C6 slow-is-alone",
    "A listener that throws stops neither the log nor other listeners.",
    async (bench) => {
      const store = await bench.store()
      const s = store.name("s")
      await atDesk(store, async (desk) => {
        desk.log.listen(() => {
          throw new Error("a listener's own mistake")
        })
        const told: Array<string> = []
        desk.log.listen(({ events }) => void told.push(...events.map((event) => event.id)))
        for (const id of ["a", "b"])
          await Effect.runPromise(Effect.timeout(desk.log.append(s, chunk(id)), 1000))
        mustEqual("told to the other listener", told, ["a", "b"])
      })
    }
  ),
  law(
    "volatile",
    "Volatile events reach listeners in their place and nothing else: no seq, no write, no projection.",
    async (bench) => {
      const store = await bench.store()
      const s = store.name("s")
      await atDesk(store, async (desk) => {
        const typing = Session.Typing({ text: "t" }, { id: "v" })
        desk.log.record(s, typing)
        await Effect.runPromise(desk.log.flush())
        mustEqual("storage calls", desk.calls.length, 0)
        for (const made of [chunk("a"), typing, chunk("b")]) desk.log.record(s, made)
        await Effect.runPromise(desk.log.flush())
        mustEqual("stored", await storedIds(store, s), ["a", "b"])
        mustEqual(
          "told",
          desk.notifications.map((n) => [n.events.map((e) => e.id), n.volatile.map((e) => e.id)]),
          [
            [[], ["v"]],
            [["a", "b"], ["v"]]
          ]
        )
        const refused = await Effect.runPromise(Effect.flip(desk.log.append(s, typing as never)))
        mustEqual("an append of it", refused._tag, "InvalidEvent")
      })
    }
  )
]
