/** A7 as deciders meet it. */
import { DecisionFailed, type PromiseLog } from "@varve/core"
import { mustEqual } from "../Broken.ts"
import { type Law, law } from "../Law.ts"
import { Page } from "../projections.ts"
import { Session } from "../Session.ts"
import { withShelf } from "../Shelf.ts"

export const decisionLaws: ReadonlyArray<Law> = [
  law(
    "A7 decide",
    "Deciders of many logs on one stream, all at once, make a legal history: each decision was made on the state right before it.",
    async (bench) => {
      const store = await bench.store()
      const s = store.name("s")
      const seats = 24
      /** Takes a seat while there is one: its number is the state that was decided on. */
      const take = ({ lines }: Page) => {
        const taken = lines.size === 0 ? 0 : lines.at(0)!.text.length
        return taken < seats ? Session.Chunk({ text: String.fromCodePoint(65 + taken) }) : undefined
      }
      const decider = async (log: PromiseLog<typeof Session>): Promise<number> => {
        let taken = 0
        for (;;) {
          try {
            if ((await log.decide(s, Page, take)) === undefined) return taken
            taken++
          } catch (error) {
            if (!(error instanceof DecisionFailed)) throw error
          }
        }
      }
      const taken = await Promise.all(
        Array.from({ length: 4 }, () =>
          withShelf(store, ({ log }) => Promise.all([decider(log), decider(log)]), { slow: true })
        )
      )
      const wanted = Array.from({ length: seats }, (_, i) => String.fromCodePoint(65 + i))
      const texts = (await store.read(s)).map((event) => (JSON.parse(event.data) as { text: string }).text)
      mustEqual("the seats, in order", texts, wanted)
      const sum = taken.flat().reduce((one, other) => one + other, 0)
      mustEqual("decisions that were told as made", sum, seats)
    }
  )
]
