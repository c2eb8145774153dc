/** V1: a removed stream is gone with all that is its own, and nothing else is. */
import type { Progress, StoredEvent } from "@varve/core"
import * as fc from "fast-check"
import { must, mustEqual } from "../Broken.ts"
import { event, events } from "../generators/events.ts"
import { streamName } from "../generators/names.ts"
import { law } from "../Law.ts"
import type { Store } from "../Store.ts"
import { tellOutcome } from "../tell.ts"

const save = async (store: Store, stream: string): Promise<void> => {
  const { cursor } = (await store.head(stream))!
  await store.save([{ stream, projection: "rows", version: 1, cursor, state: "[1]", check: "check" }])
}

const v1Remove = law(
  "V1 remove",
  "remove takes a stream with its events, head, attributes and snapshots, answers true, and false when there is none.",
  async (bench) => {
    const store = await bench.store()
    mustEqual("Removing a stream that never was", await store.remove("s"), false)
    await store.append("s", [...events(3), event("end", { seals: true })], { attributes: { project: "p" } })
    await save(store, "s")
    mustEqual("Removing a stream", await store.remove("s"), true)
    mustEqual("Its head", await store.head("s"), undefined)
    mustEqual("All heads", await store.heads({}), [])
    mustEqual(
      "Its events",
      (await store.query({ streams: ["s"] })).map((b) => [b.events, b.head]),
      [[[], undefined]]
    )
    mustEqual("All events", await store.query({}), [])
    mustEqual("Streams under its attribute", await store.events({ attributes: { project: "p" } }), [])
    mustEqual("Its snapshots", await store.load("rows", ["s"]), [])
    mustEqual("Removing it again", await store.remove("s"), false)
  }
)

const v1Recreate = law(
  "V1 recreate",
  "A stream that is created again starts at seq 1 and inherits nothing: no id, no seal, no attribute, no snapshot, no epoch.",
  async (bench) => {
    const store = await bench.store()
    const all = [...events(3), event("end", { seals: true })]
    const old = await store.append("s", all, { attributes: { project: "p" } })
    await save(store, "s")
    await store.remove("s")
    const { seqs, duplicates, head } = await store.append(
      "s",
      [event("e3", { data: '"other"', at: 5 }), event("e1")],
      { expected: 0 }
    )
    mustEqual(
      "The receipt of ids that were there before",
      { seqs, duplicates },
      { seqs: [1, 2], duplicates: [] }
    )
    const { writtenAt: _, synced: _synced, cursor, ...rest } = head!
    mustEqual("The new head", rest, { stream: "s", sealed: false, minAt: 0, maxAt: 5, attributes: {} })
    must(cursor.epoch !== old.head!.cursor.epoch, "The stream has the epoch of the one that was removed")
    mustEqual("Its snapshots", await store.load("rows", ["s"]), [])
    mustEqual(
      "Its events",
      (await store.read("s")).map((e) => [e.seq, e.id, e.data]),
      [
        [1, "e3", '"other"'],
        [2, "e1", "{}"]
      ]
    )
    // An index of ids that was left behind says where they stood.
    const late = await store.offer({ stream: "s", events: [event("e2")] })
    must(
      late._tag === "Appended" && late.duplicates.length === 0 && late.seqs[0] === 3,
      () => `An id of the removed stream is still known: it was answered ${tellOutcome(late)}`
    )
  }
)

/** A name to remove, and one that a careless pattern, path or comparison takes with it. */
const alike: ReadonlyArray<readonly [string, string]> = [
  ["a", "ab"],
  ["a", "a/b"],
  ["a", "A"],
  ["A", "a"],
  ["ab", "a"],
  ["a%", "ab"],
  ["a_", "ab"],
  ["a*", "ab"],
  ["[ab]", "a"],
  ["a ", "a"],
  ["\u00e9", "e\u0301"],
  ["e\u0301", "\u00e9"],
  ["b/../a", "a"],
  [".", "a"]
]

const v1Neighbours = law(
  "V1 neighbours",
  "remove takes no other stream, however alike the names: prefixes, case twins, wildcards, paths.",
  async (bench) => {
    const removesOne = async (store: Store, name: string, rest: ReadonlyArray<string>) => {
      for (const stream of [name, ...rest]) {
        await store.append(stream, events(2))
        await save(store, stream)
      }
      const others = async () => ({
        heads: await store.heads({ streams: rest }),
        events: await store.events({ streams: rest }),
        snapshots: (await store.load("rows", rest)).toSorted((a, b) => (a.stream < b.stream ? -1 : 1))
      })
      const before = await others()
      mustEqual("Removing one of these streams", await store.remove(name), true)
      mustEqual("The others after it", await others(), before)
      mustEqual("Its head", await store.head(name), undefined)
    }
    const known = await bench.store()
    for (const [i, [name, other]] of alike.entries()) {
      known.forgetHistory()
      await removesOne(known, `${i}/${name}`, [`${i}/${other}`])
    }
    await bench.property(
      fc.uniqueArray(streamName, { minLength: 2, maxLength: 6 }),
      async (store, names) => {
        const [name, ...rest] = names
          .map((one) => store.name(one))
          .filter((one) => new TextEncoder().encode(one).length <= 1024)
        if (name !== undefined) await removesOne(store, name, rest)
      },
      { share: 0.2 }
    )
  }
)

const v1AtomicForReaders = law(
  "V1 atomic-for-readers",
  "A reader under way gets of a stream that is removed what it was, or its end: never events of the one created again in its place. Its query goes on to its end.",
  async (bench) => {
    const store = await bench.store()
    for (const recreate of [true, false]) {
      const streams = ["a", "b", "c"]
      for (const stream of streams) await store.append(stream, events(6, "old "))
      const answered = new Set<string>()
      const seen: Array<StoredEvent> = []
      let progress: Progress | undefined
      let removed = false
      for await (const batch of store.pull({
        streams,
        batchEvents: 2,
        onProgress: (now) => (progress = now)
      })) {
        answered.add(batch.stream)
        seen.push(...batch.events)
        if (removed) continue
        removed = true
        // The one that is being read, and one that comes later.
        for (const stream of ["a", "b"]) {
          await store.remove(stream)
          if (recreate) await store.append(stream, events(6, "new "))
        }
      }
      for (const stream of streams) {
        const own = seen.filter((e) => e.stream === stream)
        const mixed = own.filter((e) => e.epoch !== own[0]!.epoch).map((e) => [e.seq, e.id])
        mustEqual(`Events of another life of stream ${stream} in one answer`, mixed, [])
      }
      mustEqual("The stream that stayed", seen.filter((e) => e.stream === "c").length, 6)
      mustEqual("The streams answered, all of them named", [...answered], streams)
      mustEqual("Its progress at the end", progress?.done, progress?.total)
      for (const stream of streams) await store.remove(stream)
    }
  }
)

export const removeLaws = [v1Remove, v1Recreate, v1Neighbours, v1AtomicForReaders]
