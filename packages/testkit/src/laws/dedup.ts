/** docs/laws.md, section 3: one id, one event, for ever. */
import * as fc from "fast-check"
import { must, mustEqual } from "../Broken.ts"
import { event, events } from "../generators/events.ts"
import { differing, jsonText, respelled } from "../generators/json.ts"
import { hostileNames } from "../generators/names.ts"
import { law, lawWhere } from "../Law.ts"
import { byCodePoint } from "../Model.ts"
import { durabilityIsTrue } from "../Side.ts"
import { tellOutcome } from "../tell.ts"

const d1SameAgain = law(
  "D1 same-again",
  "The same id and content again: the original seq, nothing written, and not acknowledged below the durability asked.",
  (bench) =>
    bench.property(
      fc.tuple(fc.integer({ min: 1, max: 4 }), fc.array(fc.nat(3), { minLength: 1, maxLength: 6 }), jsonText),
      async (store, [count, again, data]) => {
        const stream = store.name("s")
        const all = events(count, "e", { data })
        await store.append(stream, all)
        const before = { head: await store.head(stream), events: await store.read(stream) }
        const indices = again.map((i) => i % count)
        const group = indices.map((i) => all[i]!)
        const receipt = await store.append(stream, group, { durability: "synced" })
        mustEqual(
          "The original seqs",
          receipt.seqs,
          indices.map((i) => i + 1)
        )
        mustEqual(
          "All of them named as duplicates",
          receipt.duplicates,
          indices.map((_, i) => i)
        )
        durabilityIsTrue(store.supports, { durability: "synced" }, receipt)
        const { synced: _, ...head } = (await store.head(stream))!
        const { synced: _before, ...headBefore } = before.head!
        mustEqual("The head after duplicates", head, headBefore)
        mustEqual("The stream after duplicates", await store.read(stream), before.events)
      },
      { share: 0.5 }
    )
)

const d2OtherContent = law(
  "D2 same-id-other-content",
  "An id taken by other content, in type, version or data, is an IdConflict that names id and seq; nothing is written.",
  async (bench) => {
    const store = await bench.store()
    const plain = event("e1")
    const pairs = differing.flatMap(([data, other]) => [
      [event("e1", { data }), event("e1", { data: other })],
      [event("e1", { data: other }), event("e1", { data })]
    ])
    pairs.push([plain, { ...plain, type: "Chunk" }], [plain, { ...plain, version: 2 }])
    for (const [i, [first, second]] of pairs.entries()) {
      store.forgetHistory()
      const stream = `s${i}`
      await store.append(stream, [event("e0"), first!])
      const outcome = await store.offer({ stream, events: [event("e2"), second!] })
      mustEqual("The same id with other content", outcome, { _tag: "IdConflict", id: "e1", seq: 2 })
      const kept = await store.append(stream, [second!], { onIdConflict: "keep" })
      mustEqual(
        'The same under onIdConflict "keep"',
        { seqs: kept.seqs, kept: kept.kept },
        { seqs: [2], kept: [0] }
      )
      const stored = (await store.read(stream)).map((e) => [e.id, e.type, e.version, e.data])
      mustEqual("The stream after it", stored, [
        ["e0", "chunk", 1, "{}"],
        ["e1", first!.type, first!.version, first!.data]
      ])
    }
  }
)

const d2SameMeaning = law(
  "D2 same-meaning",
  "Content is compared by meaning: spacing, key order, escapes, `at` and `meta` make no other event. The first stays as it was.",
  (bench) =>
    bench.property(respelled, async (store, [data, again]) => {
      const stream = store.name("s")
      await store.append(stream, [event("e1", { data, at: 1, meta: '{"agent":"a"}' })])
      const outcome = await store.offer({
        stream,
        events: [event("e1", { data: again, at: 2, meta: undefined })]
      })
      must(outcome._tag === "Appended", () => `The same meaning is a duplicate, not ${tellOutcome(outcome)}`)
      mustEqual(
        "Its receipt",
        { seqs: outcome.seqs, duplicates: outcome.duplicates },
        { seqs: [1], duplicates: [0] }
      )
      const stored = (await store.read(stream)).map((e) => [e.data, e.at, e.meta])
      mustEqual("The event as stored", stored, [[data, 1, '{"agent":"a"}']])
    })
)

const d2Lifted = law(
  "D2 lifted",
  "Where a group says how to compare (`sameContent`, which lifts old versions first), that decides, on what is stored and what is offered.",
  async (bench) => {
    const store = await bench.store()
    await store.append("s", [event("e1", { version: 1, data: '"old form"' })])
    const asked: Array<unknown> = []
    const offer = (id: string, answer: boolean) =>
      store.offer({
        stream: "s",
        events: [event(id, { version: 2, data: '"new form"' })],
        sameContent: (stored, offered) => {
          asked.push([stored.type, stored.version, stored.data, offered.version, offered.data])
          return answer
        }
      })
    const same = await offer("e1", true)
    must(
      same._tag === "Appended" && same.duplicates.length === 1,
      () => `sameContent says same, so a duplicate, not ${tellOutcome(same)}`
    )
    mustEqual("What sameContent was given", asked, [["chunk", 1, '"old form"', 2, '"new form"']])
    const other = await offer("e1", false)
    mustEqual("sameContent says other", other, { _tag: "IdConflict", id: "e1", seq: 1 })
  }
)

const d3ForEver = law(
  "D3 for-ever",
  "An id is known however many came after it: no window in count (tried over 3,000 ids), no cache that forgets.",
  async (bench) => {
    const store = await bench.store()
    const all = events(3_000)
    const step = Math.min(500, store.limits.groupEvents)
    for (let i = 0; i < all.length; i += step) await store.append("s", all.slice(i, i + step))
    for (const i of [0, 1, 499, 1_234, 2_999]) {
      const { seqs, duplicates } = await store.append("s", [all[i]!])
      mustEqual(`Event ${i + 1} of 3,000 again`, { seqs, duplicates }, { seqs: [i + 1], duplicates: [0] })
    }
    const other = await store.offer({ stream: "s", events: [event("e1", { data: '"other"' })] })
    mustEqual("The first id with other content", other, { _tag: "IdConflict", id: "e1", seq: 1 })
    mustEqual("The head after all of it", (await store.head("s"))?.cursor.seq, 3_000)
  }
)

const d3Reopened = lawWhere(
  ["reopen"],
  "D3 reopened",
  "Ids are known after closing and opening again, and so are seals and places.",
  async (bench) => {
    const store = await bench.store()
    const all = [...events(20), event("end", { seals: true })]
    await store.append("s", all.slice(0, 10))
    await store.reopen()
    const { seqs, duplicates } = await store.append("s", all, { expected: 10 })
    mustEqual(
      "Ten old and eleven new ones",
      { seqs, duplicates },
      { seqs: all.map((_, i) => i + 1), duplicates: all.slice(0, 10).map((_, i) => i) }
    )
    await store.reopen()
    mustEqual("Them all again", (await store.append("s", all)).duplicates.length, 21)
    const other = await store.offer({ stream: "s", events: [event("e3", { data: "1" })] })
    mustEqual("Other content", other, { _tag: "IdConflict", id: "e3", seq: 3 })
    mustEqual("A new one behind the seal", await store.offer({ stream: "s", events: [event("e99")] }), {
      _tag: "Sealed",
      seq: 21
    })
  }
)

const d4IdsExact = law(
  "D4 ids-exact",
  "Ids are compared code point by code point: case, composition, blanks and wildcards tell them apart.",
  async (bench) => {
    const store = await bench.store()
    const ids = hostileNames.filter((name) => new TextEncoder().encode(name).length <= 512)
    const all = ids.map((id) => event(id))
    for (const one of all) {
      const { seqs, duplicates } = await store.append("s", [one])
      mustEqual(`A new id, unlike any before: ${JSON.stringify(one.id)}`, duplicates, [])
      must(seqs[0]! > 0, "It has a seq")
    }
    const again = await store.append("s", all)
    mustEqual(
      "All of them again",
      again.seqs,
      all.map((_, i) => i + 1)
    )
    mustEqual(
      "The ids as read",
      (await store.read("s")).map((e) => e.id),
      ids
    )
    const types = ids.filter((id) => new TextEncoder().encode(id).length <= 256)
    await store.append(
      "t",
      types.map((type, i) => event(`${i}`, { type }))
    )
    for (const type of ["a", "A", "\u00e9", "a%", "_", "a "]) {
      const found = await store.events({ streams: ["t"], types: [type] })
      mustEqual(
        `The events of type ${JSON.stringify(type)}`,
        found.map((e) => e.type),
        [type]
      )
    }
  }
)

const d4CodePointOrder = law(
  "D4 code-point-order",
  "Streams are answered by name in code-point order, which the sort of JavaScript and most collations is not.",
  (bench) =>
    bench.property(
      fc.uniqueArray(
        fc.constantFrom(
          "\u{1f600}",
          "\uff5e",
          "\ue000",
          "\u{10ffff}",
          "Z",
          "a",
          "\u00e9",
          "e",
          "e\u0301",
          "a\u{1f600}",
          "a\uff5e"
        ),
        { minLength: 2, maxLength: 6 }
      ),
      async (store, names) => {
        for (const name of names) await store.append(store.name(name), [event("e1")])
        const wanted = names.toSorted(byCodePoint).map((name) => store.name(name))
        mustEqual(
          "heads",
          (await store.heads({ prefix: store.scope })).map((head) => head.stream),
          wanted
        )
        mustEqual(
          "A query by prefix",
          (await store.events({ prefix: store.scope })).map((e) => e.stream),
          wanted
        )
        mustEqual(
          "A query by names",
          (await store.events({ streams: names.map((name) => store.name(name)) })).map((e) => e.stream),
          wanted
        )
      },
      { share: 0.5 }
    )
)

const d5PerStream = law(
  "D5 per-stream",
  "The same id in two streams is two events: forks copy history.",
  async (bench) => {
    const store = await bench.store()
    const all = events(3)
    await store.append("a", all)
    const { seqs, duplicates } = await store.append("b", [...all].reverse())
    mustEqual("The same ids in another stream", { seqs, duplicates }, { seqs: [1, 2, 3], duplicates: [] })
    const [one, two] = await store.offerAll([
      { stream: "c", events: [event("e1", { data: "1" })] },
      { stream: "d", events: [event("e1", { data: "2" })] }
    ])
    mustEqual(
      "The same id in two streams of one call, with other content",
      [one?._tag, two?._tag],
      ["Appended", "Appended"]
    )
    for (const by of ["-", "/", ":", ".", "|", " ", "#", "\u00a0"]) {
      const [left, right] = await store.offerAll([
        { stream: `x${by}y`, events: [event("z")] },
        { stream: "x", events: [event(`y${by}z`)] }
      ])
      const told = [left, right].map((one) => one?._tag === "Appended" && one.duplicates.length === 0)
      mustEqual(`Streams and ids that give one text when "${by}" joins them, both new`, told, [true, true])
    }
    mustEqual(
      "The one stream",
      (await store.read("a")).map((e) => e.id),
      ["e1", "e2", "e3"]
    )
    mustEqual(
      "The other",
      (await store.read("b")).map((e) => e.id),
      ["e3", "e2", "e1"]
    )
  }
)

export const dedupLaws = [
  d1SameAgain,
  d2OtherContent,
  d2SameMeaning,
  d2Lifted,
  d3ForEver,
  d3Reopened,
  d4IdsExact,
  d4CodePointOrder,
  d5PerStream
]
