/** N7: what snapshots cost over the life of a stream. */
import type { StoredSnapshot } from "@varve/core"
import { must } from "../Broken.ts"
import { type Law, law } from "../Law.ts"
import { chunks, Page, Tally } from "../projections.ts"
import { Session } from "../Session.ts"
import { withShelf } from "../Shelf.ts"

export const growthLaws: ReadonlyArray<Law> = [
  law(
    "N7 growth",
    "All snapshots written over a stream's life, of a state that grows with it, stay under four times the last in bytes, however often the log is closed and opened and the state asked; of one that doesn't grow, they stay under the stream's own bytes beside that. And still no tail grows longer than half of what is stored.",
    async (bench) => {
      const store = await bench.store()
      const s = store.name("s")
      const size = { grows: 0, stays: 0 }
      const last = { grows: 0, stays: 0 }
      let tail = 0
      const note = (saved: ReadonlyArray<StoredSnapshot>): void => {
        for (const { projection, state } of saved) {
          const which = projection === Page.name ? "grows" : "stays"
          size[which] += state.length
          last[which] = state.length
        }
      }
      const text = "0123456789".repeat(4)
      for (let opening = 0; opening < 40; opening++) {
        await withShelf(store, async ({ log, look, saved }) => {
          await log.state(s, Page)
          tail = Math.max(tail, look().events / Math.max(512, 100 * opening))
          for (let i = 0; i < 4; i++) {
            await log.append(s, chunks(25, text))
            await log.state(s, Page)
            await log.stateOfAll(Tally)
            await log.state(s, Tally)
          }
          await log.close()
          note(saved.filter((one) => one.stream === s))
        })
      }
      await withShelf(store, async ({ log, saved }) => {
        await log.append(s, Session.Ended())
        await log.state(s, Page)
        await log.state(s, Tally)
        await log.close()
        note(saved)
      })
      must(last.grows > 4000 * text.length, "the last snapshot holds all")
      must(
        size.grows < 4 * last.grows,
        () => `${size.grows} bytes of snapshots were written, the last has ${last.grows}`
      )
      must(
        size.stays < 4 * last.stays + last.grows,
        () => `${size.stays} bytes of small snapshots were written, the last has ${last.stays}`
      )
      must(tail <= 0.5, () => `an opening folded a tail of ${tail} of the stream`)
    }
  )
]
