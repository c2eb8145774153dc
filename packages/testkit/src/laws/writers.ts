/** Two writers on one store: laws of storages with `sharedWriters`, where the author can open a second one, here or in another process. */
import * as fc from "fast-check"
import { mustEqual } from "../Broken.ts"
import { event, events } from "../generators/events.ts"
import { type Bench, lawWhere } from "../Law.ts"
import type { Store } from "../Store.ts"
import { exactlyOne } from "./refusals.ts"

const two = async (bench: Bench): Promise<readonly [Store, Store]> => {
  const store = await bench.store()
  return [store, await store.beside()]
}

const a7TwoWriters = lawWhere(
  ["sharedWriters", "secondWriter"],
  "A7 two-writers",
  "Of appends through two writers that race for one place, exactly one wins.",
  async (bench) => {
    const [one, other] = await two(bench)
    for (let round = 0; round < 10; round++) {
      const racers = Array.from({ length: 6 }, (_, i) =>
        (i % 2 === 0 ? one : other).offer({ stream: "s", events: [event(`${round}.${i}`)], expected: round })
      )
      exactlyOne(await Promise.all(racers))
    }
    mustEqual(
      "The events after ten races",
      (await one.read("s")).map((e) => e.seq),
      Array.from({ length: 10 }, (_, i) => i + 1)
    )
  }
)

const a11TwoWriters = lawWhere(
  ["sharedWriters", "secondWriter"],
  "A11 two-writers",
  "A stream that one writer sealed takes nothing from the other.",
  async (bench) => {
    const [one, other] = await two(bench)
    await other.append("s", [event("e1")])
    await one.append("s", [event("end", { seals: true })])
    mustEqual("A new event through the other", await other.offer({ stream: "s", events: [event("e2")] }), {
      _tag: "Sealed",
      seq: 2
    })
  }
)

const d3TwoWriters = lawWhere(
  ["sharedWriters", "secondWriter"],
  "D3 two-writers",
  "An id that one writer stored is known to the other, however early that was opened.",
  async (bench) => {
    const [one, other] = await two(bench)
    await other.append("s", [event("e0")])
    await one.append("s", events(3))
    const { seqs, duplicates } = await other.append("s", [...events(3), event("e4")])
    mustEqual(
      "The same ids through the other",
      { seqs, duplicates },
      { seqs: [2, 3, 4, 5], duplicates: [0, 1, 2] }
    )
    const racing = await Promise.all(
      [one, other, one, other].map((store) => store.append("s", [event("once")]))
    )
    mustEqual(
      "The seqs of one id, raced",
      racing.map((receipt) => receipt.seqs),
      [[6], [6], [6], [6]]
    )
  }
)

const c2TwoWriters = lawWhere(
  ["sharedWriters", "secondWriter"],
  "C2 two-writers",
  "What one writer was told to be stored, the other reads: events, heads, cursors, labels, snapshots, removals.",
  (bench) =>
    bench.property(
      fc.array(fc.tuple(fc.boolean(), fc.constantFrom("append", "label", "remove", "save")), {
        minLength: 1,
        maxLength: 8
      }),
      async (first, steps) => {
        const second = await first.beside()
        const stream = first.name("s")
        for (const [i, [swap, step]] of steps.entries()) {
          const [writer, reader] = swap ? [second, first] : [first, second]
          if (step === "remove") await writer.remove(stream)
          else await writer.append(stream, [event(`e${i}`)])
          if (step === "label") await writer.append(stream, [], { attributes: { step: `${i}` } })
          const head = await writer.head(stream)
          if (head !== undefined)
            await writer.save([
              { stream, projection: "p", version: 1, cursor: head.cursor, state: `${i}`, check: "" }
            ])
          mustEqual("The head through both", await reader.head(stream), head)
          mustEqual("The events through both", await reader.read(stream), await writer.read(stream))
          mustEqual(
            "The snapshot through both",
            await reader.load("p", [stream]),
            await writer.load("p", [stream])
          )
        }
      },
      { share: 0.1 }
    )
)

const inThisProcess = [a7TwoWriters, a11TwoWriters, d3TwoWriters, c2TwoWriters]

/** The same laws, where the other writer is another process. */
const inTwoProcesses = inThisProcess.map(({ check, name, promise }) =>
  lawWhere(
    ["sharedWriters", "secondProcess"],
    name.replace("two-writers", "two-processes"),
    promise.replaceAll("writer", "process"),
    check
  )
)

export const writerLaws = [...inThisProcess, ...inTwoProcesses]
