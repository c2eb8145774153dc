/** N1, N6: a state is what folding all events gives, wherever it was cut and however many ask. */
import { allStreams, Projection } from "@varve/core"
import * as fc from "fast-check"
import { must, mustEqual } from "../Broken.ts"
import { type Law, law } from "../Law.ts"
import { chunks, eventOf, Page, pageOf, Tally, told } from "../projections.ts"
import { Session } from "../Session.ts"
import { freshState, withShelf } from "../Shelf.ts"

export const stateLaws: ReadonlyArray<Law> = [
  law(
    "N1 cut-anywhere",
    "Wherever snapshots are taken, and however often the log is closed and opened in between, a state is what folding all events from the start gives.",
    (bench) =>
      bench.property(
        fc.array(
          fc.record({
            texts: fc.array(fc.constantFrom("a", "b", "."), { maxLength: 5 }),
            next: fc.constantFrom("ask", "snapshot", "nothing", "close")
          }),
          { maxLength: 12 }
        ),
        async (store, steps) => {
          const s = store.name("s")
          const texts: Array<string> = []
          let left = steps
          while (left.length > 0) {
            const end = left.findIndex(({ next }) => next === "close")
            const part = end < 0 ? left : left.slice(0, end + 1)
            left = left.slice(part.length)
            await withShelf(store, async ({ log }) => {
              const asked: Array<readonly [Page, ReturnType<typeof pageOf>]> = []
              for (const { texts: more, next } of part) {
                for (const text of more) log.record(s, eventOf(text))
                texts.push(...more)
                if (next === "snapshot") await log.snapshot(s, Page)
                if (next === "ask") asked.push([await log.state(s, Page), pageOf(texts)])
              }
              // Only now: an answer stays as it was while the fold goes on.
              for (const [state, wanted] of asked) mustEqual("the state", told(state), wanted)
            })
          }
          mustEqual("the state, opened anew", told(await freshState(store, s, Page)), pageOf(texts))
          const states = await withShelf(store, ({ log }) => log.states({ streams: [s] }, Page))
          const wanted = texts.length === 0 ? [] : [pageOf(texts)]
          mustEqual("among the states of many", Array.from(states.values(), told), wanted)
        },
        { share: 0.5 }
      )
  ),
  law(
    "N1 over-all",
    "A projection over all streams, folded piece by piece over many openings, equals its rebuild and a count by hand; where a stream was removed, it tells what is left.",
    (bench) =>
      bench.property(
        fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.integer({ min: 1, max: 3 }), fc.boolean()), {
          minLength: 1,
          maxLength: 8
        }),
        async (store, steps) => {
          const counts: Record<string, number> = {}
          for (const [stream, count, remove] of steps) {
            await withShelf(store, async ({ log }) => {
              await log.append(stream, chunks(count))
              counts[stream] = (counts[stream] ?? 0) + count
              mustEqual("after more events", await log.stateOfAll(Tally), counts)
              if (!remove) return
              await log.remove(stream)
              delete counts[stream]
              mustEqual("after a removal", await log.stateOfAll(Tally), counts)
            })
          }
          await withShelf(store, async ({ log, look }) => {
            await log.append("long", chunks(300))
            counts["long"] = 300
            mustEqual("after a long tail", await log.stateOfAll(Tally), counts)
            look()
            mustEqual("asked again", await log.stateOfAll(Tally), counts)
            mustEqual("events read for it", look().events, 0)
            mustEqual("rebuilt", await log.stateOfAll(Tally, { rebuild: true }), counts)
          })
          await withShelf(store, async ({ log, look }) => {
            mustEqual("from its checkpoint", await log.stateOfAll(Tally), counts)
            mustEqual("events read for it", look().events, 0)
          })
          const [good] = await store.load(Tally.name, [allStreams])
          await store.save([{ ...good!, state: good!.state.replace("300", "301") }])
          await withShelf(store, async ({ log }) =>
            mustEqual("from a damaged one", await log.stateOfAll(Tally), counts)
          )
        },
        { fresh: true, share: 0.06 }
      )
  ),
  law(
    "N6 single-flight",
    "However many ask for one state at once, it is folded once; each sees what was recorded before it asked.",
    async (bench) => {
      const store = await bench.store()
      const s = store.name("s")
      let folded = 0
      const Counted = Projection.make(Session, {
        ...Page,
        any: () => {
          folded++
        }
      })
      await withShelf(store, async ({ log }) => {
        await log.append(s, chunks(200))
        const asks = Array.from({ length: 50 }, () => log.state(s, Counted))
        for (const page of await Promise.all(asks))
          mustEqual("a state", told(page), pageOf(["x".repeat(200)]))
        mustEqual("events folded for 50 asks", folded, 200)
        const later: Array<Promise<Page>> = []
        for (let i = 0; i < 20; i++) {
          log.record(s, eventOf("y"))
          later.push(log.state(s, Counted))
          if (i % 5 === 0) await Promise.resolve()
        }
        for (const [i, page] of (await Promise.all(later)).entries()) {
          const { length } = told(page).lines[0]!.text
          must(
            length >= 201 + i,
            () => `ask ${i} sees what was recorded before it: ${201 + i} events, not ${length}`
          )
        }
        mustEqual("events folded in all", folded, 220)
      })
    }
  )
]
