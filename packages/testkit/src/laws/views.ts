/** O4 to O6 for what is live: views and follows tell what was coalesced, all of it, once a group. */
import * as fc from "fast-check"
import { must, mustEqual } from "../Broken.ts"
import { type Law, law } from "../Law.ts"
import { Session } from "../Session.ts"
import { Stage } from "../Stage.ts"
import { chunk, Ids, idsOf, viewOf } from "../Viewed.ts"

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

export const viewLaws: ReadonlyArray<Law> = [o4, o5, o6]
