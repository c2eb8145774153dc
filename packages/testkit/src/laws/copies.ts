/** D5 as copies keep it. */
import type { CopyOptions } from "@varve/core"
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
  ),
  law(
    "D5 mapped-copy",
    "A copy under a map holds what the map answers, in order: changed events under their ids, others as they are stored, nothing of those left out; begun again, it adds nothing.",
    (bench) =>
      bench.property(
        fc.array(fc.constantFrom("keep", "change", "leave"), { minLength: 1, maxLength: 12 }),
        async (store, fates) => {
          const [from, to] = [store.name("from"), store.name("to")]
          const map: CopyOptions<typeof Session>["map"] = (event) => {
            const fate = fates[event.seq - 1]
            if (event.type !== "Chunk" || fate === "keep") return event
            return fate === "leave" ? undefined : { ...event, data: { ...event.data, text: "***" } }
          }
          const left = fates.filter((fate) => fate !== "leave").length
          await withShelf(store, async ({ log }) => {
            await log.append(from, chunks(fates.length))
            const first = await log.copy(from, to, { map })
            mustEqual("copied", [first.copied, first.duplicates], [left, 0])
            const again = await log.copy(from, to, { map })
            mustEqual("copied again", [again.copied, again.duplicates], [0, left])
          })
          const wanted = (await store.read(from)).flatMap(({ at, data, id }, i) =>
            fates[i] === "leave" ? [] : [{ id, at, data: fates[i] === "change" ? '{"text":"***"}' : data }]
          )
          mustEqual(
            "the copy",
            (await store.read(to)).map(({ at, data, id }) => ({ id, at, data })),
            wanted
          )
        },
        { share: 0.3 }
      )
  )
]
