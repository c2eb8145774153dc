/** docs/laws.md, section 6 as a log keeps it: follows and views, also when appends race them. */
import { type Cursor, Projection, type ResyncReason, StorageError } from "@varve/core"
import { Effect, Queue, Schema, Stream } from "effect"
import * as fc from "fast-check"
import { must, mustEqual } from "../Broken.ts"
import { type Law, law } from "../Law.ts"
import { Session } from "../Session.ts"
import { type Followed, inOrder, type Schedule, Stage, turn } from "../Stage.ts"
import type { Store } from "../Store.ts"

const chunk = (id: string) => Session.Chunk({ text: id }, { id })

/** A projection that shows order: the ids, one behind the other. */
const Ids = Projection.make(Session, {
  name: "ids",
  version: 1,
  state: Schema.Struct({ ids: Schema.Array(Schema.String) }),
  initial: () => ({ ids: [] }),
  any: (state, event) => void state.ids.push(event.id),
  on: {}
})

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

/** What views showed, at each notification. */
interface Viewed {
  readonly stream: string
  readonly shown: Array<{ readonly ids: ReadonlyArray<string>; readonly seq: number; readonly live: boolean }>
  readonly current: () => ReadonlyArray<string>
}

const viewOf = ({ log }: Stage, name: string): Viewed => {
  const view = log.view(name, Ids)
  const shown: Array<Viewed["shown"][number]> = []
  let last = view.getSnapshot()
  view.subscribe(() => {
    const snapshot = view.getSnapshot()
    must(snapshot !== last, "A view tells of something new")
    must(snapshot === view.getSnapshot(), "Until then it shows the same object")
    last = snapshot
    const { cursor, state, status } = snapshot
    shown.push({ ids: state.ids, seq: cursor?.seq ?? 0, live: status === "live" })
  })
  return {
    stream: name,
    shown,
    current: () => {
      must(view.getSnapshot().status === "live", "A view that has had time is live")
      return view.getSnapshot().state.ids
    }
  }
}

const idsOf = async (stage: Stage, name: string): Promise<ReadonlyArray<string>> =>
  (await stage.stored(name)).map((event) => event.id)

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
        if (existing > 0) await stage.elsewhere(name, ids(existing))
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

const c2 = law(
  "C2 follow-anywhere",
  "A follow from any cursor gets exactly the rest, what is stored and what comes.",
  async (bench) => {
    const store = await bench.store()
    await Stage.use(store, undefined, async (stage) => {
      for (const size of [1, 3, 2]) await stage.elsewhere("s", ids(size))
      const all: Array<Followed> = []
      for (let from = 0; from <= 6; from++) all.push(await stage.follow("s", from))
      await stage.settle()
      await stage.log.append("s", [chunk("x"), chunk("y")])
      await stage.settle()
      for (const one of all) await stage.mustHaveAll(one)
      mustEqual(
        "Items of who begins at the head: caught up, then the group",
        all[6]!.items.map((item) => [item._tag, item._tag === "Events" ? item.events.length : 0]),
        [
          ["CaughtUp", 0],
          ["Events", 2]
        ]
      )
    })
  }
)

let made = 0
const ids = (count: number): ReadonlyArray<string> => Array.from({ length: count }, () => `i${made++}`)

const resyncOf = (followed: Followed): unknown => followed.items.map(({ ...item }) => item).at(-1)

const c4 = law(
  "C4 follow-foreign-cursor",
  "A follow from a cursor that cannot go on is told why, and ends; so is one whose stream is removed while it follows.",
  async (bench) => {
    const store = await bench.store()
    await Stage.use(store, undefined, async (stage) => {
      await stage.elsewhere("s", ids(3))
      const { cursor } = (await store.head("s"))!
      await stage.elsewhere("gone", ids(2))
      const gone = (await store.head("gone"))!.cursor
      await store.remove("gone")
      const cases: ReadonlyArray<
        readonly [
          stream: string,
          after: unknown,
          reason: ResyncReason,
          survived?: Cursor | undefined,
          head?: Cursor
        ]
      > = [
        ["s", { ...cursor, seq: 4 }, "future", cursor, cursor],
        ["s", { epoch: "of another store", seq: 1 }, "unknown-epoch", undefined, cursor],
        ["s", { epoch: cursor.epoch, seq: -1 }, "malformed", undefined, cursor],
        ["s", "no cursor", "malformed", undefined, cursor],
        ["gone", gone, "unknown-stream"]
      ]
      for (const [name, after, reason, survived, head] of cases) {
        const followed = stage.followAfter(name, after as Cursor)
        await stage.settle()
        mustEqual(`A follow of ${name} after ${JSON.stringify(after)}`, followed.items, [
          { _tag: "Resync", reason, survived, head }
        ])
        mustEqual("It ends", followed.state(), "ended")
      }
      const here = await stage.follow("s")
      const other = await stage.follow("s")
      await stage.settle()
      await stage.log.remove("s")
      await stage.settle()
      await store.append("s", [])
      mustEqual("A stream that is removed through this log", resyncOf(here), {
        _tag: "Resync",
        reason: "unknown-stream"
      })
      mustEqual("All its followers are told", resyncOf(other), { _tag: "Resync", reason: "unknown-stream" })
      await stage.elsewhere("s", ids(2))
      const again = await stage.follow("s")
      await stage.settle()
      await store.remove("s")
      await stage.elsewhere("s", ids(2))
      await stage.wait()
      const head = (await store.head("s"))!.cursor
      mustEqual("A stream that another removed and made again", resyncOf(again), {
        _tag: "Resync",
        reason: "unknown-epoch",
        head
      })
    })
  }
)

const c5 = law(
  "C5 replay-cap",
  "A gap equal to the cap is replayed; one more event gets a resync that says from where to where.",
  async (bench) => {
    const store = await bench.store()
    await Stage.use(store, undefined, async (stage) => {
      await stage.elsewhere("s", ids(7))
      const all = await stage.stored("s")
      const cursorAt = (seq: number) => ({ epoch: all[seq - 1]!.epoch, seq })
      for (const from of [0, 1, 6, 7]) {
        const gap = 7 - from
        const enough = await stage.follow("s", from, { replayCap: gap })
        await stage.settle()
        await stage.mustHaveAll(enough)
        if (gap === 0) continue
        const short = await stage.follow("s", from, { replayCap: gap - 1 })
        await stage.settle()
        const survived = from === 0 ? undefined : cursorAt(from)
        mustEqual(`A gap of ${gap}, one over the cap`, short.items, [
          { _tag: "Resync", reason: "too-far", survived, head: cursorAt(7) }
        ])
        mustEqual("It ends", short.state(), "ended")
      }
      const sleeper = await stage.follow("s", 7, { replayCap: 2, bufferEvents: 2 })
      await stage.settle()
      sleeper.asleep = true
      await stage.log.append("s", chunk("a"))
      await stage.settle()
      for (const id of ["b", "c", "d"]) await stage.log.append("s", chunk(id))
      sleeper.asleep = false
      await stage.settle()
      await stage.settle()
      mustEqual(
        "One who slept over more than the cap",
        sleeper.items.map(({ _tag }) => _tag),
        ["CaughtUp", "Events", "Lagged", "Resync"]
      )
    })
  }
)

const c6 = law(
  "C6 slow-follower",
  "A follower that sleeps, a listener that throws and one that vanishes hold up neither appends nor others. What waits for a sleeper is bounded; it is told how much was dropped, and reads all of it when it comes back.",
  async (bench) => {
    const store = await bench.store()
    await Stage.use(store, undefined, async (stage) => {
      const { log } = stage
      await log.append("s", chunk("first"))
      const sleeper = await stage.follow("s", 0, { bufferEvents: 5 })
      const gone = await stage.follow("s")
      const awake = await stage.follow("s")
      const view = log.view("s", Ids)
      let told = 0
      view.subscribe(() => {
        throw new Error("a listener's own mistake")
      })
      view.subscribe(() => void told++)
      await stage.settle()
      told = 0
      sleeper.asleep = true
      await log.append("s", chunk("taken"))
      await stage.settle()
      gone.stop()
      for (let i = 0; i < 8; i++) await log.append("s", [chunk(`a${i}`), chunk(`b${i}`)])
      await stage.settle()
      await stage.mustHaveAll(awake)
      mustEqual("Notifications of a view beside one that throws, one a group", told, 9)
      const ended = gone.items.length
      sleeper.asleep = false
      await stage.settle()
      await stage.settle()
      await stage.mustHaveAll(sleeper)
      mustEqual("Who left is told nothing more", gone.items.length, ended)
      // 2 groups of 2 fit into 5; the third and all behind it are dropped with them.
      mustEqual(
        "What a sleeper is told",
        sleeper.items.filter(({ _tag }) => _tag === "Lagged"),
        [{ _tag: "Lagged", dropped: 16 }]
      )
    })
  }
)

const c7 = law(
  "C7 hints-are-hints",
  "What other processes write is found by a poll, without any hint; with a hint it is found before. While nobody follows nothing is polled, and one poll serves all.",
  async (bench) => {
    const store = await bench.store()
    const hints = Effect.runSync(Queue.unbounded<string>())
    let polls = 0
    let failing = false
    const service = {
      ...store.service,
      hints: Stream.fromQueue(hints),
      heads: (selection: Parameters<typeof store.service.heads>[0]) =>
        Effect.suspend(() => {
          polls++
          return failing
            ? Effect.fail(new StorageError({ operation: "heads", cause: "away" }))
            : store.service.heads(selection)
        })
    }
    const use = async (stage: Stage): Promise<void> => {
      must(stage.waiting === 0, "Nothing is polled while nobody follows")
      await stage.elsewhere("s", ids(1))
      const followed = [await stage.follow("s"), await stage.follow("s"), await stage.follow("t")]
      await stage.settle()
      mustEqual("Timers while somebody follows", stage.waiting, 1)
      await stage.elsewhere("s", ids(2))
      await stage.elsewhere("t", ids(2))
      await stage.settle()
      polls = 0
      stage.tick()
      await stage.settle()
      mustEqual("Polls for three followers of two streams", polls, 1)
      for (const one of followed) await stage.mustHaveAll(one)

      await stage.elsewhere("t", ids(1))
      Queue.offerUnsafe(hints, "a stream that nobody follows")
      Queue.offerUnsafe(hints, "t")
      await stage.settle()
      await stage.mustHaveAll(followed[2]!)

      failing = true
      await stage.elsewhere("s", ids(1))
      stage.tick()
      await stage.settle()
      failing = false
      await stage.wait()
      for (const one of followed) await stage.mustHaveAll(one)
      for (const one of followed) one.stop()
      await stage.settle()
      mustEqual("Timers when nobody follows any more", stage.waiting, 0)

      const all = stage.log.viewAll(Ids)
      all.subscribe(() => undefined)
      await stage.settle()
      await stage.elsewhere("s", ids(2))
      await stage.elsewhere("u", ids(2))
      await stage.wait()
      for (const name of ["s", "t", "u"])
        mustEqual(`What a view of all shows of ${name}`, all.getSnapshot().streams.get(name)?.state.ids, [
          ...(await idsOf(stage, name))
        ])
    }
    await Stage.use(store, undefined, use, { service })
  }
)

const c8 = law(
  "C8 contiguous",
  "What is told of other streams, of attention or of volatile events moves no cursor: a follower that goes on from any cursor it was given misses nothing.",
  (bench) =>
    bench.property(
      fc.array(
        fc.tuple(
          fc.constantFrom("s", "t"),
          fc.constantFrom("Chunk", "Asked", "Typing", "elsewhere", "asked elsewhere")
        ),
        {
          maxLength: 10
        }
      ),
      async (store, steps) =>
        Stage.use(store, undefined, async (stage) => {
          const { log } = stage
          const name = store.name("s")
          const followed = await stage.follow(name)
          const lane: Array<string> = []
          const asking = log.attention()[Symbol.asyncIterator]()
          void (async () => {
            for (let item = await asking.next(); item.done !== true; item = await asking.next())
              if (item.value._tag === "Attention") lane.push(`${item.value.stream} ${item.value.event.seq}`)
          })()
          await stage.settle()
          for (const [i, [at, kind]] of steps.entries()) {
            const text = `${i}`
            if (kind.endsWith("elsewhere"))
              await stage.elsewhere(store.name(at), [text], kind === "elsewhere" ? "Chunk" : "Asked")
            else log.record(store.name(at), Session[kind as "Chunk"]({ text }, { id: text }))
            if (i % 3 === 2) stage.tick()
            await stage.settle()
          }
          await stage.wait()
          await stage.mustHaveAll(followed)
          const stored = await stage.stored(name)
          for (const item of followed.items) {
            if (item._tag !== "Events") continue
            const again = stage.followAfter(name, item.cursor, { from: item.cursor.seq })
            await stage.settle()
            await stage.mustHaveAll(again)
            again.stop()
          }
          const wanted = [...stored, ...(await stage.stored(store.name("t")))]
            .filter(({ type }) => type === "Asked")
            .map(({ seq, stream: asked }) => `${asked} ${seq}`)
          mustEqual("The attention events that were told", [...new Set(lane)].sort(), wanted.sort())
          await asking.return?.()
        }),
      { share: 0.4 }
    )
)

const c12 = law(
  "C12 caught-up-marker",
  "A follow says when it has caught up, also on a stream that doesn't exist, and then goes on with its first event.",
  async (bench) => {
    const store = await bench.store()
    await Stage.use(store, undefined, async (stage) => {
      const empty = await stage.follow("empty")
      await stage.elsewhere("full", ids(3))
      const full = await stage.follow("full")
      await stage.settle()
      mustEqual("On an empty stream", empty.items, [{ _tag: "CaughtUp" }])
      mustEqual(
        "Behind what is stored",
        full.items.map((item) => [item._tag, item._tag === "CaughtUp" ? item.cursor?.seq : undefined]),
        [
          ["Events", undefined],
          ["CaughtUp", 3]
        ]
      )
      await stage.log.append("empty", chunk("first"))
      await stage.settle()
      await stage.mustHaveAll(empty)
      mustEqual("Told once", empty.items.filter(({ _tag }) => _tag === "CaughtUp").length, 1)
    })
  }
)

const o4 = law(
  "O4 views",
  "A view shows, after every group and whatever is coalesced, what folding the stored events one by one gives; a view that begins in the middle, or again after it was let go, shows the same.",
  (bench) =>
    bench.property(
      fc.array(fc.tuple(fc.constantFrom("Chunk", "Prompt", "tick", "elsewhere", "again"), fc.nat(3)), {
        maxLength: 12
      }),
      async (store, steps) =>
        Stage.use(store, undefined, async (stage) => {
          const { log } = stage
          const name = store.name("s")
          const first = viewOf(stage, name)
          for (const [i, [kind, count]] of steps.entries()) {
            const all = Array.from({ length: count }, (_, at) => `${i}.${at}`)
            if (kind === "tick") stage.tick()
            else if (kind === "again") {
              const again = log.view(name, Ids)
              again.subscribe(() => undefined)()
            } else if (kind === "elsewhere") {
              if (count > 0) await stage.elsewhere(name, all)
            } else for (const text of all) log.record(name, Session[kind as "Chunk"]({ text }, { id: text }))
            await stage.settle()
          }
          await stage.wait()
          const stored = await idsOf(stage, name)
          mustEqual("A view from the start", first.current(), stored)
          for (const one of first.shown) mustEqual("What it showed", one.ids, stored.slice(0, one.seq))
        }),
      { share: 0.3 }
    )
)

const o5 = law(
  "O5 live-sees-all",
  "A follow and a view that are asked for show what was recorded before them, before they say that they are current.",
  async (bench) => {
    const store = await bench.store()
    await Stage.use(store, undefined, async (stage) => {
      const { log } = stage
      for (const id of ["a", "b", "c"]) log.record("s", chunk(id))
      const followed = stage.followAfter("s", undefined)
      const view = log.view("s", Ids)
      const all = log.viewAll(Ids)
      const firstLive: Array<ReadonlyArray<string>> = []
      view.subscribe(() => {
        if (view.getSnapshot().status === "live") firstLive.push(view.getSnapshot().state.ids)
      })
      await stage.settle()
      mustEqual(
        "What a follow was told",
        followed.items.map((item) =>
          item._tag === "Events" ? item.events.map((event) => event.id) : item._tag
        ),
        [["a", "b", "c"], "CaughtUp"]
      )
      mustEqual("What a view showed when it said that it is live", firstLive[0], ["a", "b", "c"])
      mustEqual("What a view of all shows", all.getSnapshot().streams.get("s")?.state.ids, ["a", "b", "c"])
    })
  }
)

const o6 = law(
  "O6 fewer-live",
  "However many plain events a tick brings, a follower gets one item and a view one notification; a selector none while its slice stays; views of one stream and projection are one, also when a listener comes, goes and comes again.",
  async (bench) => {
    const store = await bench.store()
    await Stage.use(store, undefined, async (stage) => {
      const { log } = stage
      const followed = await stage.follow("s")
      const view = log.view("s", Ids)
      must(view === log.view("s", Ids), "Views of one stream and projection are one")
      must(view.getSnapshot().status === "loading", "A view answers at once")
      const all = log.viewAll(Ids)
      let [told, count, all1, parity] = [0, 0, 0, 0]
      // StrictMode subscribes twice.
      view.subscribe(() => void told++)()
      view.subscribe(() => void told++)
      all.subscribe(() => void all1++)
      const many = view.select(({ state }) => state.ids.length > 20)
      many.subscribe(() => void parity++)
      const size = view.select(
        ({ state }) => ({ size: state.ids.length }),
        (a, b) => a.size === b.size
      )
      size.subscribe(() => void count++)
      await stage.settle()
      stage.tick()
      await stage.settle()
      must(size.getSnapshot() === size.getSnapshot(), "A slice stays the same object")
      followed.items.length = 0
      for (const events of [1, 10, 100]) {
        ;[told, count, all1] = [0, 0, 0]
        followed.items.length = 0
        for (let i = 0; i < events; i++) log.record("s", chunk(`${events}.${i}`))
        stage.tick()
        await stage.settle()
        mustEqual(`Items of a follower for ${events} events`, followed.items.length, 1)
        mustEqual(
          `Notifications of a view and of a slice that changed, for ${events} events`,
          [told, count],
          [1, 1]
        )
        stage.tick()
        await stage.settle()
        mustEqual(`Notifications of a view of all for ${events} events`, all1, 1)
      }
      mustEqual("Notifications of a slice that changed once", parity, 1)
    })
  }
)

export const liveLaws: ReadonlyArray<Law> = [c1, c1All, c1AnyMoment, c2, c4, c5, c6, c7, c8, c12, o4, o5, o6]
