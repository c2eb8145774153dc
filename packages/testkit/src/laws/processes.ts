/** docs/laws.md, section 7, two processes at one store: what both may do, and who writes where only one does. */
import type { Head } from "@varve/core"
import * as fc from "fast-check"
import { must, mustEqual } from "../Broken.ts"
import { event, events } from "../generators/events.ts"
import { type Bench, lawWhere } from "../Law.ts"
import type { Ask, Store } from "../Store.ts"
import { tellOutcome } from "../tell.ts"
import { everything } from "./everything.ts"

const two = async (bench: Bench): Promise<readonly [Store, Store]> => {
  const store = await bench.store()
  return [store, await store.beside()]
}

/** Offers what another process must be told to own. */
const refused = async (store: Store, ask: Ask): Promise<void> => {
  const outcome = await store.offer(ask)
  must(
    outcome._tag === "Claimed" && outcome.owner !== "",
    () =>
      `A stream that another process writes is Claimed, with its owner's name, not ${tellOutcome(outcome)}`
  )
}

const m3Readers = lawWhere(
  ["secondProcess"],
  "M3 readers-are-harmless",
  "What one process was told to be stored, another reads: events, heads, labels, removals. Reading doesn't keep the first from writing.",
  (bench) =>
    bench.property(
      fc.array(fc.constantFrom("append", "label", "remove", "seal"), { minLength: 1, maxLength: 8 }),
      async (writer, steps) => {
        const reader = await writer.beside()
        const stream = writer.name("s")
        let head: Head | undefined
        for (const [i, step] of steps.entries()) {
          if (step === "remove") {
            await writer.remove(stream)
            head = undefined
          } else if (head?.sealed !== true) {
            const attributes = step === "label" ? { step: `${i}` } : undefined
            const one = event(`e${i}`, { seals: step === "seal" })
            head = (await writer.append(stream, [one], { attributes })).head
          }
          mustEqual("The head as its receipt told it", await reader.head(stream), head)
          mustEqual("What the other process sees", await everything(reader), await everything(writer))
        }
      },
      { share: 0.1 }
    )
)

const m1OneWriter = lawWhere(
  ["claims", "secondProcess"],
  "M1 one-writer",
  "While one process writes a stream, an append by another is Claimed with the owner's name and changes nothing; other streams are free to it.",
  async (bench) => {
    const [one, other] = await two(bench)
    await one.append("s", events(2))
    const before = await everything(one)
    await refused(other, { stream: "s", events: [event("e3")] })
    await refused(other, { stream: "s", events: [event("e3")], expected: 2, durability: "synced" })
    await refused(other, { stream: "s", events: [], attributes: { title: "theirs" } })
    mustEqual("After the other process was refused", await everything(one), before)
    const outcomes = await other.offerAll([
      { stream: "s", events: [event("e3")] },
      { stream: "t", events: [event("e1")] }
    ])
    mustEqual(
      "A stream that is owned and one that is free, in one call",
      outcomes.map(({ _tag }) => _tag),
      ["Claimed", "Appended"]
    )
    await refused(one, { stream: "t", events: [event("e2")] })
    mustEqual("The next seq of the owner", (await one.append("s", [event("e3")])).seqs, [3])
  }
)

const m1Handover = lawWhere(
  ["claims", "secondProcess"],
  "M1 handover",
  "A stream that its writer released belongs to whoever appends next, who knows all of it: ids, places, cursors, seals. The one before is then refused in turn.",
  async (bench) => {
    const [one, other] = await two(bench)
    let writer = one
    let waiting = other
    let length = 0
    let cursor = undefined
    for (let turn = 0; turn < 4; turn++) {
      const fresh = events(3, `${turn}.`)
      const { head } = await writer.append("s", fresh, { expected: cursor ?? 0 })
      await refused(waiting, { stream: "s", events: [event("theirs")] })
      await writer.release("s")
      const more = { expected: head!.cursor }
      const again = await waiting.append("s", [...fresh, event(`${turn}.more`)], more)
      length += 4
      mustEqual(
        "What the process before had written, and one more, appended by the next",
        { duplicates: again.duplicates, seqs: again.seqs },
        { duplicates: [0, 1, 2], seqs: [3, 2, 1, 0].map((back) => length - back) }
      )
      const rest = await waiting.events({ streams: ["s"], after: new Map([["s", head!.cursor]]) })
      mustEqual(
        "Behind the cursor that the process before was given",
        rest.map(({ seq }) => seq),
        [length]
      )
      cursor = again.head!.cursor
      ;[writer, waiting] = [waiting, writer]
    }
    await writer.append("s", [event("end", { seals: true })], { expected: cursor })
    await writer.release("s")
    mustEqual(
      "A new event behind the other's seal",
      await waiting.offer({ stream: "s", events: [event("late")] }),
      {
        _tag: "Sealed",
        seq: length + 1
      }
    )
  }
)

export const processLaws = [m3Readers, m1OneWriter, m1Handover]
