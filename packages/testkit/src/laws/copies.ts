/** D5 as copies keep it. */
import * as fc from "fast-check"
import { mustEqual } from "../Broken.ts"
import { type Law, law } from "../Law.ts"
import { chunks } from "../projections.ts"
import { Session } from "../Session.ts"
import { withShelf } from "../Shelf.ts"

export const copyLaws: ReadonlyArray<Law> = [
  law(
    "D5 copy",
    "A copy holds the events as they are stored, up to where it was asked for, with the seal and attributes; cut off and begun again, it adds what is missing and nothing twice.",
    (bench) =>
      bench.property(
        fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 14 }), fc.boolean()),
        async (store, [count, cut, sealed]) => {
          const [from, to] = [store.name("from"), store.name("to")]
          const events = [...chunks(count), ...(sealed ? [Session.Ended()] : [])]
          await withShelf(store, async ({ log }) => {
            await log.append(from, events, { attributes: { project: "p" } })
            const most = Math.min(cut, events.length)
            const part = await log.copy(from, to, { upTo: cut })
            mustEqual("copied up to the cut", [part.copied, part.duplicates], [most, 0])
            const rest = await log.copy(from, to)
            mustEqual("copied by the second", [rest.copied, rest.duplicates], [events.length - most, most])
            mustEqual("the head", [rest.head?.sealed, rest.head?.attributes], [sealed, { project: "p" }])
          })
          const strip = async (stream: string) =>
            (await store.read(stream)).map(({ id, seq, type, version, at, data, meta, seals }) => ({
              id,
              seq,
              type,
              version,
              at,
              data,
              meta,
              seals
            }))
          mustEqual("the copy", await strip(to), await strip(from))
        },
        { share: 0.3 }
      )
  )
]
