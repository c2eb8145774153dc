/** docs/laws.md, section 1, what is refused: the wrong place, a sealed stream; and what a refusal leaves: nothing. */
import type { Outcome } from "@varve/core"
import * as fc from "fast-check"
import { must, mustEqual } from "../Broken.ts"
import { event, events } from "../generators/events.ts"
import { law } from "../Law.ts"
import { tellOutcome } from "../tell.ts"
import { everything } from "./everything.ts"

const a7Expected = law(
  "A7 expected",
  "An append whose `expected` isn't where the stream is answers Conflict with expected and actual, and has no effect at all, on the head neither.",
  (bench) =>
    bench.property(
      fc.tuple(
        fc.integer({ min: 0, max: 3 }),
        fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constantFrom(0, "exists" as const)),
        fc.boolean(),
        fc.integer({ min: 1, max: 3 })
      ),
      async (store, [length, wrong, asCursor, tries]) => {
        const stream = store.name("s")
        for (let i = 1; i <= length; i++) await store.append(stream, [event(`e${i}`)], { expected: i - 1 })
        const at = (await store.head(stream))?.cursor
        const fits = wrong === "exists" ? length > 0 : wrong === length
        const before = await everything(store)
        const expected =
          asCursor && at && wrong !== "exists" && wrong > 0 ? { epoch: at.epoch, seq: wrong } : wrong
        if (fits) {
          const { head } = await store.append(stream, [event("new")], { expected })
          mustEqual("The head after an append that was expected", head?.cursor.seq, length + 1)
          return
        }
        for (let i = 0; i < tries; i++) {
          const outcome = await store.offer({
            stream,
            events: [event("new")],
            expected,
            attributes: { a: "b" }
          })
          mustEqual(`An append expected at ${JSON.stringify(wrong)} of a stream at ${length}`, outcome, {
            _tag: "Conflict",
            expected,
            actual: at
          })
          mustEqual("After it was refused", await everything(store), before)
        }
        const { seqs } = await store.append(stream, [event("new")], { expected: length })
        mustEqual("The seq of the next append", seqs, [length + 1])
      }
    )
)

const a7OneWinner = law(
  "A7 one-winner",
  "Of several appends that race for one place, exactly one wins; the others answer Conflict.",
  (bench) =>
    bench.property(
      fc.tuple(fc.integer({ min: 2, max: 8 }), fc.integer({ min: 0, max: 2 }), fc.boolean()),
      async (store, [racers, length, asCursor]) => {
        const stream = store.name("s")
        if (length > 0) await store.append(stream, events(length))
        const at = (await store.head(stream))?.cursor
        const expected = asCursor ? (at ?? 0) : length
        const outcomes = await Promise.all(
          Array.from({ length: racers }, (_, i) =>
            store.offer({ stream, events: [event(`r${i}`)], expected })
          )
        )
        exactlyOne(outcomes)
        mustEqual("The events after the race", (await store.read(stream)).length, length + 1)
      },
      { share: 0.3 }
    )
)

/** One of these is Appended, all others are Conflicts. */
export const exactlyOne = (outcomes: ReadonlyArray<Outcome>): void => {
  const tags = outcomes.map((outcome) => outcome._tag).sort()
  mustEqual("The outcomes of the race", tags, ["Appended", ...outcomes.slice(1).map(() => "Conflict")])
}

const a7OtherEpoch = law(
  "A7 other-epoch",
  "A cursor of another epoch never passes as `expected`, though its seq be right: that of a removed stream, of another store, of none.",
  async (bench) => {
    const store = await bench.store()
    const other = await bench.store()
    const elsewhere = (await other.append("s", [event("e1")])).head!.cursor
    const removed = (await store.append("s", [event("e1")])).head!.cursor
    const refuse = async (epoch: string, actual: unknown) => {
      const expected = { epoch, seq: 1 }
      const outcome = await store.offer({ stream: "s", events: [event("e2")], expected })
      mustEqual("An append expected at seq 1 of another epoch", outcome, {
        _tag: "Conflict",
        expected,
        actual
      })
    }
    await store.remove("s")
    await refuse(removed.epoch, undefined)
    const now = (await store.append("s", [event("e1")])).head!.cursor
    for (const epoch of [removed.epoch, elsewhere.epoch, "", "__proto__"]) await refuse(epoch, now)
    await store.append("s", [event("e2")], { expected: now })
  }
)

const a11Sealed = law(
  "A11 sealed",
  "After a seal new events are refused, with any `expected`, while duplicates stay duplicates.",
  (bench) =>
    bench.property(
      fc.tuple(fc.integer({ min: 0, max: 3 }), fc.constantFrom("none", "head", "wrong"), fc.boolean()),
      async (store, [length, expecting, newSeals]) => {
        const stream = store.name("s")
        const all = [...events(length), event("end", { seals: true })]
        await store.append(stream, all)
        const before = await everything(store)
        mustEqual("The head of a sealed stream", before.heads[0]?.sealed, true)
        const expected = expecting === "none" ? undefined : expecting === "head" ? all.length : all.length + 1
        const refused = await store.offer({ stream, events: [event("new", { seals: newSeals })], expected })
        mustEqual("A new event for a sealed stream", refused, { _tag: "Sealed", seq: all.length })
        const mixed = await store.offer({ stream, events: [all[0]!, event("new")], expected })
        mustEqual("A duplicate and a new event for a sealed stream", mixed, {
          _tag: "Sealed",
          seq: all.length
        })
        const { seqs, duplicates } = await store.append(stream, all, { expected })
        mustEqual(
          "Its own events again",
          { seqs, duplicates },
          { seqs: all.map((_, i) => i + 1), duplicates: all.map((_, i) => i) }
        )
        mustEqual("After all of these", await everything(store), before)
      },
      { share: 0.5 }
    )
)

const a11SealRace = law(
  "A11 seal-race",
  "A seal is checked where nothing can move: appends that race with it come before it or are refused.",
  (bench) =>
    bench.property(
      fc.tuple(fc.integer({ min: 1, max: 6 }), fc.nat(6)),
      async (store, [racers, place]) => {
        const stream = store.name("s")
        await store.append(stream, [event("e1")])
        const racing = Array.from({ length: racers }, (_, i) => event(`r${i}`))
        racing.splice(place, 0, event("end", { seals: true }))
        const outcomes = await Promise.all(racing.map((one) => store.offer({ stream, events: [one] })))
        const taken = racing.filter((_, i) => outcomes[i]!._tag === "Appended").map((one) => one.id)
        const stored = await store.read(stream)
        mustEqual("What stands behind the seal", stored.slice(stored.findIndex((e) => e.seals) + 1), [])
        mustEqual(
          "What is stored, and what was acknowledged",
          stored
            .slice(1)
            .map((e) => e.id)
            .sort(),
          taken.sort()
        )
        const refused = outcomes.filter((outcome) => outcome._tag !== "Appended")
        must(
          refused.every((outcome) => outcome._tag === "Sealed"),
          () => `The others are Sealed: ${refused.map(tellOutcome).join("; ")}`
        )
      },
      { share: 0.3 }
    )
)

const a12FailedAppendForgets = law(
  "A12 failed-append-forgets",
  "After a refused append neither the head nor the memory of ids has moved: the same events are taken as new when they fit.",
  (bench) =>
    bench.property(
      fc.constantFrom("conflict", "id conflict", "seal in the middle"),
      async (store, why) => {
        const stream = store.name("s")
        await store.append(stream, [event("e1")])
        const offered = [event("n1"), event("n2")]
        const refused = await store.offer(
          why === "conflict"
            ? { stream, events: offered, expected: 9 }
            : {
                stream,
                events:
                  why === "id conflict"
                    ? [...offered, event("e1", { data: "1" })]
                    : [event("n1", { seals: true }), event("n2")]
              }
        )
        must(refused._tag !== "Appended", () => `Refused because of a ${why}, not ${tellOutcome(refused)}`)
        mustEqual("The head after it was refused", (await store.head(stream))?.cursor.seq, 1)
        const { seqs, duplicates } = await store.append(stream, offered, { expected: 1 })
        mustEqual("The same events, tried again", { seqs, duplicates }, { seqs: [2, 3], duplicates: [] })
        mustEqual(
          "The stream after it",
          (await store.read(stream)).map((e) => e.id),
          ["e1", "n1", "n2"]
        )
      },
      { share: 0.2 }
    )
)

const a13GroupsApart = law(
  "A13 groups-apart",
  "The groups of one call neither fail nor commit because of each other, and are answered in their order.",
  (bench) =>
    bench.property(
      fc.shuffledSubarray(["new", "old", "conflict", "sealed", "taken", "duplicate", "nothing", "label"], {
        minLength: 2
      }),
      async (store, kinds) => {
        for (const kind of kinds) {
          if (kind === "new" || kind === "nothing") continue
          await store.append(store.name(kind), [event("e1", { seals: kind === "sealed" })])
        }
        const outcomes = await store.offerAll(
          kinds.map((kind) => {
            const stream = store.name(kind)
            if (kind === "duplicate") return { stream, events: [event("e1")] }
            if (kind === "taken") return { stream, events: [event("e2"), event("e1", { data: "1" })] }
            if (kind === "conflict") return { stream, events: [event("e2")], expected: 0 }
            if (kind === "nothing" || kind === "label")
              return { stream, events: [], ...(kind === "label" ? { attributes: { a: "b" } } : {}) }
            return { stream, events: [event("e2")] }
          })
        )
        const refusals: Record<string, string> = {
          conflict: "Conflict",
          sealed: "Sealed",
          taken: "IdConflict"
        }
        mustEqual(
          "The outcomes, by what was asked",
          outcomes.map((o) => o._tag),
          kinds.map((kind) => refusals[kind] ?? "Appended")
        )
        for (const kind of kinds) {
          const wanted: Record<string, ReadonlyArray<string>> = {
            new: ["e2"],
            old: ["e1", "e2"],
            nothing: []
          }
          mustEqual(
            `The stream of the group "${kind}"`,
            (await store.read(store.name(kind))).map((e) => e.id),
            wanted[kind] ?? ["e1"]
          )
        }
      },
      { share: 0.5 }
    )
)

export const refusalLaws = [
  a7Expected,
  a7OneWinner,
  a7OtherEpoch,
  a11Sealed,
  a11SealRace,
  a12FailedAppendForgets,
  a13GroupsApart
]
