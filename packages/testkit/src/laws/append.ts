/** docs/laws.md, section 1, what is written: whole groups, in order, as they were, as durable as told. */
import type { Appended, EncodedEvent, Group } from "@varve/core"
import * as fc from "fast-check"
import { must, mustEqual } from "../Broken.ts"
import { anyEvents, event, events } from "../generators/events.ts"
import { hostileJson } from "../generators/json.ts"
import { attributes } from "../generators/names.ts"
import { law, lawWhere } from "../Law.ts"
import { durabilityIsTrue } from "../Side.ts"
import type { Store } from "../Store.ts"
import { tellOutcome } from "../tell.ts"
import { everything } from "./everything.ts"

const a1DurabilityTold = law(
  "A1 durability-told",
  "A receipt tells the durability that was reached: never more than the storage has, never less than was asked where it has it.",
  (bench) =>
    bench.property(
      fc.array(
        fc.tuple(
          fc.constantFrom("a", "b"),
          fc.constantFrom("written", "synced"),
          fc.integer({ min: 0, max: 5 })
        ),
        {
          minLength: 1,
          maxLength: 6
        }
      ),
      async (store, appends) => {
        for (const [stream, durability, first] of appends) {
          const group = {
            stream: store.name(stream),
            durability,
            events: [event(`${first}`), event(`${first + 1}`)]
          }
          durabilityIsTrue(store.supports, group, await store.append(group.stream, group.events, group))
        }
        for (const head of await store.heads({ prefix: store.scope })) {
          const label = {
            stream: head.stream,
            durability: appends[0]![1],
            attributes: { of: `${head.cursor.seq}` }
          }
          durabilityIsTrue(store.supports, label, await store.append(label.stream, [], label))
        }
        await store.sync()
        for (const head of await store.heads({ prefix: store.scope })) {
          const wanted = store.supports.durability === "power" ? head.cursor.seq : 0
          mustEqual("head.synced after sync", head.synced, wanted)
        }
      },
      { share: 0.3 }
    )
)

const a1Reopened = lawWhere(
  ["reopen"],
  "A1 reopened",
  "What was acknowledged is there after closing and opening again: events, heads, attributes and snapshots, as they were; no less of it is synced.",
  (bench) =>
    bench.property(
      fc.array(
        fc.tuple(fc.constantFrom("a", "b", "c"), anyEvents(3), fc.option(attributes, { nil: undefined })),
        { minLength: 1, maxLength: 4 }
      ),
      async (store, appends) => {
        for (const [stream, all, labels] of appends)
          await store.offer({ stream: store.name(stream), events: all, attributes: labels })
        const snapshots = (await store.heads({ prefix: store.scope })).map(({ stream, cursor }) => {
          return { stream, projection: "p", version: 1, cursor, state: "[ 1 ]", check: "c" }
        })
        await store.save(snapshots)
        const before = await everything(store)
        await store.reopen()
        const after = await everything(store)
        // Closing may secure more.
        const heads = after.heads.map((head, i) => {
          const synced = before.heads[i]?.synced ?? 0
          return { ...head, synced: head.synced >= synced ? synced : head.synced }
        })
        mustEqual("After opening again", { ...after, heads }, before)
        const streams = before.heads.map((head) => head.stream)
        mustEqual(
          "The snapshots after opening again",
          byStream(await store.load("p", streams)),
          byStream(snapshots)
        )
      },
      { share: 0.1 }
    )
)

const byStream = <T extends { readonly stream: string }>(all: ReadonlyArray<T>): ReadonlyArray<T> =>
  [...all].sort((a, b) => (a.stream < b.stream ? -1 : 1))

const a2AtomicGroup = law(
  "A2 atomic-group",
  "A group is stored wholly or not at all, and no reader ever sees a part of one.",
  (bench) =>
    bench.property(
      fc.tuple(fc.integer({ min: 2, max: 5 }), fc.integer({ min: 1, max: 4 })),
      async (store, [size, groups]) => {
        const stream = store.name("s")
        const writes = Array.from({ length: groups }, (_, g) => store.append(stream, events(size, `g${g}e`)))
        const seen: Array<number> = []
        for (let i = 0; i < 3; i++)
          seen.push((await store.read(stream)).length, (await store.head(stream))?.cursor.seq ?? 0)
        await Promise.all(writes)
        const half = seen.find((count) => count % size !== 0)
        must(half === undefined, () => `A reader beside the writer saw ${half} events of groups of ${size}`)

        const before = await everything(store)
        const refused = await store.offer({
          stream,
          events: [event("new"), event("g0e1", { data: '"other"' })]
        })
        must(
          refused._tag === "IdConflict",
          () => `An id taken by other content refuses its group, not ${tellOutcome(refused)}`
        )
        mustEqual("After a group was refused at its second event", await everything(store), before)
      },
      { share: 0.2 }
    )
)

const a3DenseOrder = law(
  "A3 dense-order",
  "A stream's events stand in the order in which they were appended, under seq 1, 2, 3, ... without a hole, and the receipt says which got which.",
  (bench) =>
    bench.property(
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 5 }),
      async (store, sizes) => {
        const stream = store.name("s")
        const wanted: Array<{ id: string; seq: number }> = []
        for (const [g, size] of sizes.entries()) {
          const group = events(size, `${g}.`)
          const { seqs } = await store.append(stream, group)
          for (const { id } of group) wanted.push({ id, seq: wanted.length + 1 })
          mustEqual(
            "The seqs of the receipt",
            seqs,
            wanted.slice(-size).map((e) => e.seq)
          )
          await store.offer({ stream, events: [event("refused")], expected: 1_000 })
        }
        mustEqual(
          "The stream as stored",
          (await store.read(stream)).map(({ id, seq }) => ({ id, seq })),
          wanted
        )
      }
    )
)

const a8RoundTrip = law(
  "A8 round-trip",
  "What was appended comes back as it was: id, type, version, at, seals and the texts of data and meta byte for byte.",
  async (bench) => {
    const comesBack = async (store: Store, stream: string, all: ReadonlyArray<EncodedEvent>) => {
      await store.append(stream, all, { durability: "synced" })
      const got = (await store.read(stream)).map(({ id, type, version, at, data, meta, seals }) => {
        return { id, type, version, at, data, meta, seals }
      })
      mustEqual("The events as read", got, all)
    }
    const known = await bench.store()
    for (const [i, data] of hostileJson.entries()) {
      known.forgetHistory()
      await comesBack(known, `s${i}`, [event("e1", { data })])
    }
    await bench.property(anyEvents(4), (store, all) => comesBack(store, store.name("s"), all))
  }
)

const a10Empty = law(
  "A10 empty",
  "Appending nothing writes nothing and creates no stream, whatever is expected.",
  (bench) =>
    bench.property(
      fc.constantFrom<Group["expected"]>(undefined, 0, 1, 7, "exists"),
      async (store, expected) => {
        const nothing = { seqs: [], duplicates: [], kept: [] }
        const shown = ({ seqs, duplicates, kept }: Appended) => ({ seqs, duplicates, kept })
        mustEqual(
          "The receipt for nothing",
          shown(await store.append(store.name("new"), [], { expected })),
          nothing
        )
        mustEqual("The streams after nothing was appended", await store.heads({ prefix: store.scope }), [])
        const { head } = await store.append(store.name("s"), events(2), { attributes: { a: "b" } })
        const receipt = await store.append(store.name("s"), [], { expected })
        mustEqual("The receipt for nothing", shown(receipt), nothing)
        mustEqual("Its head", receipt.head, head)
        mustEqual("The heads after nothing was appended", await store.heads({ prefix: store.scope }), [head])
      },
      { share: 0.1 }
    )
)

const a10LabelUnknown = law(
  "A10 label-unknown",
  "A label (a group of attributes and no events) on a stream that doesn't exist is refused and creates nothing.",
  async (bench) => {
    const store = await bench.store()
    const refuse = async () => {
      const outcome = await store.offer({ stream: "s", events: [], attributes: { title: "x" } })
      must(
        outcome._tag === "Conflict",
        () => `A label on an unknown stream is a Conflict, not ${tellOutcome(outcome)}`
      )
      mustEqual("The streams after it was refused", await store.heads({}), [])
    }
    await refuse()
    await store.append("s", [event("e1")], { attributes: { project: "p" } })
    await store.remove("s")
    await refuse()
  }
)

const s4GroupLimits = law(
  "S4 group-limits",
  "A group as large as `limits` allow is stored whole (tried up to 2,000 events, and 1 MB in one).",
  async (bench) => {
    const store = await bench.store()
    const { groupEvents, groupBytes } = store.limits
    const many = events(Math.min(2_000, groupEvents, Math.floor(groupBytes / 20)))
    const { seqs } = await store.append("many", many)
    mustEqual("The seqs of a large group", seqs.length, many.length)
    mustEqual("The last event of a large group", (await store.read("many")).at(-1)?.id, many.at(-1)?.id)
    const data = `"${"x".repeat(Math.min(1_000_000, groupBytes - 100))}"`
    await store.append("large", [event("e1", { data })])
    must((await store.read("large"))[0]?.data === data, "A large event comes back whole")
  }
)

export const appendLaws = [
  a1DurabilityTold,
  a1Reopened,
  a2AtomicGroup,
  a3DenseOrder,
  a8RoundTrip,
  a10Empty,
  a10LabelUnknown,
  s4GroupLimits
]
