/** What a head says is what the stream's events say (`Head`; law Q7 has the bounds of queries). */
import * as fc from "fast-check"
import { must, mustEqual } from "../Broken.ts"
import { event, time } from "../generators/events.ts"
import { law } from "../Law.ts"
import { tell } from "../tell.ts"

const day = 86_400_000

const headsTrue = law(
  "heads true",
  "A head tells what its stream's events tell: the last cursor, the least and greatest `at` in whatever order times came, sealed or not.",
  (bench) =>
    bench.property(
      fc.tuple(
        fc.array(fc.array(time, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 }),
        fc.boolean()
      ),
      async (store, [groups, sealed]) => {
        const stream = store.name("s")
        for (const [g, times] of groups.entries()) {
          const all = times.map((at, i) =>
            event(`${g}.${i}`, { at, seals: sealed && g === groups.length - 1 && i === times.length - 1 })
          )
          const { head } = await store.append(stream, all)
          mustEqual("The head of the receipt, and the one that heads answers", head, await store.head(stream))
        }
        const stored = await store.read(stream)
        const { cursor, minAt, maxAt, sealed: isSealed, attributes } = (await store.head(stream))!
        const times = groups.flat().sort((a, b) => a - b)
        const last = stored.at(-1)!
        mustEqual(
          "The head, by the stream's events",
          { cursor, minAt, maxAt, sealed: isSealed, attributes },
          {
            cursor: { epoch: last.epoch, seq: times.length },
            minAt: times[0],
            maxAt: times.at(-1),
            sealed,
            attributes: {}
          }
        )
      },
      { share: 0.5 }
    )
)

const writtenAt = law(
  "heads writtenAt",
  "Every event tells when it was written, by the storage's clock: one time for its group, in epoch ms, and the head tells the last.",
  async (bench) => {
    const store = await bench.store()
    await store.append("s", [event("e1", { at: -5 }), event("e2", { at: 9e15 })])
    const { head } = await store.append("s", [event("e3")])
    const [one, two, three] = (await store.read("s")).map((e) => e.writtenAt)
    mustEqual("writtenAt of the two events of a group", two, one)
    mustEqual("writtenAt of the head, and of the last event", head?.writtenAt, three)
    must(
      Number.isSafeInteger(one) && Math.abs(one! - Date.now()) < day,
      () => `writtenAt is a time in epoch ms, about now: ${tell(one)}`
    )
  }
)

const headsSelected = law(
  "heads selected",
  "heads answers exactly the streams that exist among those asked for, each once, by name in code-point order.",
  (bench) =>
    bench.property(
      fc.tuple(
        fc.uniqueArray(fc.constantFrom<Array<string>>("a", "b", "ab", "abc", "c"), { minLength: 1 }),
        fc.constantFrom("", "a", "ab", "x")
      ),
      async (store, [streams, prefix]) => {
        const stored = ["a", "ab", "c"]
        for (const stream of stored) await store.append(store.name(stream), [event("e1")])
        const asked = async (selection: { streams?: ReadonlyArray<string>; prefix?: string }) =>
          (await store.heads(selection)).map((head) => head.stream)
        const names = streams.map((stream) => store.name(stream))
        const named = stored.filter((stream) => streams.includes(stream))
        const prefixed = stored.filter((stream) => stream.startsWith(prefix))
        const full = (all: ReadonlyArray<string>) => all.map((stream) => store.name(stream))
        mustEqual(
          "Streams that are named, some of them twice",
          await asked({ streams: [...names, ...names] }),
          full(named)
        )
        mustEqual("Streams by prefix", await asked({ prefix: store.name(prefix) }), full(prefixed))
        mustEqual(
          "Named streams by prefix",
          await asked({ streams: names, prefix: store.name(prefix) }),
          full(named.filter((s) => prefixed.includes(s)))
        )
        mustEqual("No streams", await asked({ streams: [] }), [])
      },
      { share: 0.2 }
    )
)

export const headLaws = [headsTrue, writtenAt, headsSelected]
