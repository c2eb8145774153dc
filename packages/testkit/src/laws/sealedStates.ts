/** N5: what is folded of a sealed stream is stored, and served without a scan from then on. */
import { must, mustEqual } from "../Broken.ts"
import { type Law, law } from "../Law.ts"
import { eventOf, Page, pageOf, told } from "../projections.ts"
import { Session } from "../Session.ts"
import { withShelf } from "../Shelf.ts"

export const sealedStateLaws: ReadonlyArray<Law> = [
  law(
    "N5 sealed-cache",
    "On a sealed stream a projection is folded once, stored, and then served with no scan, in this process and in the next, also when it was not asked between the seal and the end of the process; on an unsealed one every new event shows. A label changes nothing of it.",
    async (bench) => {
      const store = await bench.store()
      const s = store.name("s")
      await withShelf(store, async ({ log, look }) => {
        const texts: Array<string> = []
        for (const text of ["a", ".", "b"]) {
          await log.append(s, eventOf(text))
          texts.push(text)
          mustEqual("before the seal", told(await log.state(s, Page)), pageOf(texts))
        }
        await log.append(s, Session.Ended())
        mustEqual("sealed", told(await log.state(s, Page)), pageOf(texts))
        look()
        mustEqual("sealed, again", told(await log.state(s, Page)), pageOf(texts))
        await log.label(s, { title: "t" })
        mustEqual("labelled", told(await log.state(s, Page)), pageOf(texts))
        mustEqual("what was read for it", look(), { queries: 0, events: 0 })
        const other = store.name("other")
        await log.append(other, [eventOf("a"), Session.Ended()])
        for (const events of [2, 0]) {
          const all = await log.states({ streams: [other] }, Page)
          mustEqual("one of many", Array.from(all.values(), told), [pageOf(["a"])])
          mustEqual("events read for it", look().events, events)
        }
        // Sealed, and closed before anybody asks again.
        for (const how of ["append", "record"] as const) {
          const left = store.name(how)
          await log.append(left, eventOf("a"))
          await log.state(left, Page)
          await log[how](left, Session.Ended())
        }
      })
      await withShelf(store, async ({ log, look, saved }) => {
        const wanted = pageOf(["a", ".", "b"])
        mustEqual("in the next process", told(await log.state(s, Page)), wanted)
        const all = await log.states({ streams: [s] }, Page)
        mustEqual("among others", Array.from(all.values(), told), [wanted])
        for (const how of ["append", "record"])
          mustEqual(`sealed by ${how} and left`, told(await log.state(store.name(how), Page)), pageOf(["a"]))
        mustEqual("what was read for it", look(), { queries: 0, events: 0 })
        mustEqual("what was stored for it", saved, [])
      })
    }
  ),
  law(
    "N5 write-back",
    "A snapshot that cannot be saved is told and delays no answer; the next ask saves it.",
    async (bench) => {
      const store = await bench.store()
      const s = store.name("s")
      await withShelf(store, async (shelf) => {
        const { failures, log, look, saved } = shelf
        await log.append(s, [eventOf("a"), Session.Ended()])
        shelf.failing = true
        mustEqual("the state", told(await log.state(s, Page)), pageOf(["a"]))
        await soon(() => failures.length === 1, "the failure is told")
        mustEqual("what is told", [failures[0]!.stream, failures[0]!.projection], [s, Page.name])
        shelf.failing = false
        look()
        mustEqual("the state, again", told(await log.state(s, Page)), pageOf(["a"]))
        await soon(() => saved.length === 1, "the snapshot is saved at the next ask")
        mustEqual("what was read for it", look(), { queries: 0, events: 0 })
      })
    }
  )
]

const soon = async (holds: () => boolean, what: string): Promise<void> => {
  for (let i = 0; i < 200 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 5))
  must(holds(), `Within a second ${what}`)
}
