/** C1: follows and views, while appends of this log and of others race them. */
import * as fc from "fast-check"
import { must, mustEqual } from "../Broken.ts"
import { type Law, law } from "../Law.ts"
import { Session } from "../Session.ts"
import { type Followed, inOrder, type Schedule, Stage, turn } from "../Stage.ts"
import type { Store } from "../Store.ts"
import { chunk, Ids, idsOf, newIds, type Viewed, viewOf } from "../Viewed.ts"

type Step =
  | { readonly do: "append" | "elsewhere"; readonly stream: number; readonly events: number }
  | { readonly do: "record"; readonly stream: number; readonly kind: "Chunk" | "Prompt" | "Typing" }
  | {
      readonly do: "follow"
      readonly stream: number
      readonly from: number
      readonly slow: boolean
      readonly bufferEvents: number
    }
  | { readonly do: "view"; readonly stream: number }
  | { readonly do: "viewAll" | "tick" }

const stream = fc.nat(1)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("append" as const, "elsewhere" as const),
      stream,
      events: fc.integer({ min: 1, max: 3 })
    })
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("record" as const),
      stream,
      kind: fc.constantFrom("Chunk" as const, "Chunk" as const, "Prompt" as const, "Typing" as const)
    })
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("follow" as const),
      stream,
      from: fc.nat(6),
      slow: fc.boolean(),
      bufferEvents: fc.constantFrom(1, 3, 4096)
    })
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("view" as const), stream }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("tick" as const) }) }
)
const viewAll: fc.Arbitrary<Step> = fc.record({ do: fc.constant("viewAll" as const) })

/** What is done, and how many storage calls go on behind it. */
const planOf = (steps: fc.Arbitrary<Step>) =>
  fc.array(fc.tuple(steps, fc.nat(4)), { minLength: 2, maxLength: 14 })

/** Runs a plan under a schedule and checks what everybody was told. */
const runPlan = async (
  store: Store,
  schedule: Schedule,
  steps: ReadonlyArray<readonly [Step, number]>
): Promise<void> =>
  Stage.use(store, schedule, async (stage) => {
    const { log } = stage
    const name = (at: number): string => store.name(`s${at}`)
    const followed: Array<Followed> = []
    const views: Array<Viewed> = []
    const all: Array<ReturnType<typeof log.viewAll<{ readonly ids: ReadonlyArray<string> }>>> = []
    const typed = new Map<string, Array<string>>()
    /** Where this log's own groups ended. */
    const written = new Map<string, number>()
    log.listen(({ head }) => void (head && written.set(head.stream, head.cursor.seq)))
    let n = 0
    const id = (): string => `e${n++}`
    for (const [one, calls] of steps) {
      switch (one.do) {
        case "append":
          void log.append(
            name(one.stream),
            Array.from({ length: one.events }, () => chunk(id()))
          )
          break
        case "elsewhere":
          await stage.elsewhere(name(one.stream), Array.from({ length: one.events }, id))
          break
        case "record": {
          const text = id()
          log.record(name(one.stream), Session[one.kind]({ text }, { id: text }))
          if (one.kind === "Typing")
            typed.set(name(one.stream), [...(typed.get(name(one.stream)) ?? []), text])
          break
        }
        case "follow":
          followed.push(await stage.follow(name(one.stream), one.from, one))
          break
        case "view":
          views.push(viewOf(stage, name(one.stream)))
          break
        case "viewAll": {
          const view = log.viewAll(Ids)
          view.subscribe(() => undefined)
          all.push(view)
          break
        }
        case "tick":
          stage.tick()
      }
      for (let i = 0; i < calls; i++) await stage.go()
    }
    await stage.settle()
    for (const { from, items, stream: at } of followed) {
      const last = items.findLast((item) => item._tag === "Events")?.cursor.seq ?? from
      must(last >= (written.get(at) ?? 0), "What this log wrote is told without waiting for a poll")
    }
    await stage.wait()
    for (const one of followed) {
      must(one.state() === "follows", () => `A follow ended: ${JSON.stringify(one.state())}`)
      await stage.mustHaveAll(one)
      const volatile = one.items.flatMap((item) =>
        item._tag === "Volatile" ? item.events.map((event) => event.id) : []
      )
      const known = typed.get(one.stream) ?? []
      mustEqual(
        "Volatile events come once and in order",
        volatile,
        known.filter((typing) => volatile.includes(typing))
      )
    }
    for (const { current, shown, stream: viewed } of views) {
      const ids = await idsOf(stage, viewed)
      mustEqual("What a view shows in the end", current(), ids)
      for (const one of shown) mustEqual("What a view showed", one.ids, ids.slice(0, one.seq))
    }
    for (const view of all) {
      const { status, streams } = view.getSnapshot()
      must(status === "live", "A view of all that has had time is live")
      for (const at of [0, 1])
        mustEqual(`What a view of all shows of ${name(at)}`, streams.get(name(at))?.state.ids ?? [], [
          ...(await idsOf(stage, name(at)))
        ])
    }
  })

const c1 = law(
  "C1 exactly-once-in-order",
  "However appends of this log and of others, follows and views overlap, and however old the storage's answers are when they come: each follower gets each event once, in order and as it is stored, learns when it has caught up, and each view shows what is stored.",
  (bench) =>
    bench.property(
      fc.tuple(fc.scheduler(), planOf(step)),
      (store, [schedule, steps]) => runPlan(store, schedule, steps),
      {
        share: 5
      }
    )
)

// A store of its own each: others' streams would be seen, too.
const c1All = law(
  "C1 view-of-all",
  "A view of all streams shows what is stored of each, however appends of this log and of others overlap with it.",
  (bench) =>
    bench.property(
      fc.tuple(
        fc.scheduler(),
        planOf(fc.oneof({ weight: 4, arbitrary: step }, { weight: 1, arbitrary: viewAll }))
      ),
      (store, [schedule, steps]) => runPlan(store, schedule, steps),
      { fresh: true, share: 0.2 }
    )
)

const c1AnyMoment = law(
  "C1 at-any-moment",
  "A group that is written at any moment while a follow or a view begins, whichever call is answered first, is told without waiting for a poll.",
  async (bench) => {
    const store = await bench.store()
    let n = 0
    for (const order of ["oldest", "youngest"] as const) {
      for (let moment = 0; moment < 24; moment++) await begin(`s${n++}`, order, (moment % 2) * 2, moment)
    }
    async function begin(name: string, order: "oldest" | "youngest", existing: number, moment: number) {
      await Stage.use(store, inOrder(order), async (stage) => {
        if (existing > 0) await stage.elsewhere(name, newIds(existing))
        const followed = await stage.follow(name)
        const viewed = viewOf(stage, name)
        const all = stage.log.viewAll(Ids)
        all.subscribe(() => undefined)
        for (let i = 0; i < moment; i++) await stage.go()
        void stage.log.append(name, [chunk("a"), chunk("b")])
        await turn()
        await stage.settle()
        stage.tick(16)
        await stage.settle()
        const wanted = await idsOf(stage, name)
        mustEqual("The events that are stored", wanted.slice(existing), ["a", "b"])
        await stage.mustHaveAll(followed)
        mustEqual("What a view shows", viewed.current(), wanted)
        mustEqual("What a view of all shows", all.getSnapshot().streams.get(name)?.state.ids, wanted)
      })
    }
  }
)

export const exactlyOnceLaws: ReadonlyArray<Law> = [c1, c1All, c1AnyMoment]
