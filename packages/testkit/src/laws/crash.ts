/** docs/laws.md, section 1 over a crash: what was acknowledged survives as promised, and nothing is there in part, twice or otherwise. */
import type { Appended, Cursor, EncodedEvent, Head } from "@varve/core"
import * as fc from "fast-check"
import { must, mustEqual } from "../Broken.ts"
import { event, events } from "../generators/events.ts"
import { type Bench, lawWhere } from "../Law.ts"
import type { Ask, Store } from "../Store.ts"
import { tellOutcome } from "../tell.ts"
import { everything } from "./everything.ts"
import { largeGroup } from "./underWay.ts"

interface PlannedGroup {
  readonly size: number
  readonly durability: "written" | "synced"
}

/** What happens to one stream until the crash: groups that are waited for, then some that it may overtake. */
interface PlannedStream {
  readonly settled: ReadonlyArray<PlannedGroup>
  readonly underWay: ReadonlyArray<PlannedGroup>
  readonly label: boolean
}

interface PlannedLife {
  readonly streams: ReadonlyArray<PlannedStream>
  /** Turns of the event loop between the last calls and the crash. */
  readonly turns: number
}

const group: fc.Arbitrary<PlannedGroup> = fc.record({
  size: fc.integer({ min: 1, max: 4 }),
  durability: fc.constantFrom("written", "synced")
})

const lives: fc.Arbitrary<ReadonlyArray<PlannedLife>> = fc.array(
  fc.record({
    streams: fc.array(
      fc.record({
        settled: fc.array(group, { maxLength: 3 }),
        underWay: fc.array(group, { maxLength: 2 }),
        label: fc.boolean()
      }),
      { minLength: 3, maxLength: 6 }
    ),
    turns: fc.nat(8)
  }),
  { minLength: 1, maxLength: 2 }
)

/** A group that was offered, and its receipt where it was acknowledged before the crash. */
interface Offered {
  readonly events: ReadonlyArray<EncodedEvent>
  readonly receipt: Appended | undefined
}

/** What was asked of a store over all its lives, by stream. */
type Ledger = ReadonlyMap<string, ReadonlyArray<Offered>>

/** Lives once, and crashes. The ledger holds what was known at the moment of the crash, not what was answered behind it. */
const live = async (
  store: Store,
  { streams, turns }: PlannedLife,
  life: number,
  ledger: Ledger
): Promise<Ledger> => {
  const next = new Map(ledger)
  const offered = new Map<
    string,
    Array<{ events: ReadonlyArray<EncodedEvent>; receipt: Appended | undefined }>
  >()
  const offer = async (stream: string, name: string, { durability, size }: PlannedGroup, label = false) => {
    const entry = { events: events(size, name), receipt: undefined as Appended | undefined }
    offered.get(stream)!.push(entry)
    const attributes = label ? { life: `${life}` } : undefined
    const outcome = await store.offer({ stream, events: entry.events, durability, attributes })
    if (outcome._tag === "Appended") entry.receipt = outcome
    return outcome
  }
  for (const [s, { label, settled }] of streams.entries()) {
    const stream = store.name(`s${s}`)
    offered.set(stream, [])
    for (const [g, planned] of settled.entries()) {
      const outcome = await offer(stream, `${life}.${g}.`, planned, label)
      must(outcome._tag === "Appended", () => `This append has to be taken, not ${tellOutcome(outcome)}`)
    }
  }
  for (const [s, { underWay }] of streams.entries()) {
    for (const [g, planned] of underWay.entries())
      offer(store.name(`s${s}`), `${life}.w${g}.`, planned).catch(() => undefined)
  }
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setTimeout(resolve))
  for (const [stream, entries] of offered)
    next.set(stream, [...(next.get(stream) ?? []), ...entries.map((entry) => ({ ...entry }))])
  await store.crash()
  return next
}

/** Whether a crash must leave what this receipt acknowledged. */
const survives = (store: Store, { durability }: Appended): boolean =>
  durability === "synced" || (durability === "written" && !store.powerCut)

/** A life or two and their crashes in one store, `check` behind each. */
const afterEachCrash = (
  bench: Bench,
  check: (store: Store, ledger: Ledger, isLast: boolean) => Promise<void>
): Promise<void> =>
  bench.property(
    lives,
    async (store, planned) => {
      let ledger: Ledger = new Map()
      for (const [i, life] of planned.entries()) {
        ledger = await live(store, life, i, ledger)
        await check(store, ledger, i === planned.length - 1)
      }
    },
    { fresh: true, share: 0.02 }
  )

const a1Crash = lawWhere(
  ["crash"],
  "A1 crash",
  "What was acknowledged is there after a crash, at its place, as durable as its receipt says: written survives the process, synced the power too. Crashing again changes nothing.",
  (bench) =>
    afterEachCrash(bench, async (store, ledger, isLast) => {
      for (const [stream, offered] of ledger) {
        const stored = await store.read(stream)
        const head = await store.head(stream)
        for (const { events: all, receipt } of offered) {
          if (receipt === undefined || !survives(store, receipt)) continue
          const there = receipt.seqs.map((seq) => stored[seq - 1])
          mustEqual(
            `What ${stream} acknowledged as ${receipt.durability}`,
            there.map((one) => one && { id: one.id, data: one.data, seq: one.seq }),
            all.map(({ data, id }, i) => ({ id, data, seq: receipt.seqs[i] }))
          )
          mustEqual("Its attributes", head?.attributes, { ...receipt.head!.attributes, ...head?.attributes })
        }
      }
      if (isLast) {
        const found = await everything(store)
        await store.crash()
        mustEqual("After a crash that nothing was written before", await everything(store), found)
      }
    })
)

/** Every group of a stream is there wholly or not at all, without a hole, at the place that its receipt told. */
const groupsAreWhole = async (
  store: Store,
  stream: string,
  offered: ReadonlyArray<Offered>
): Promise<number> => {
  const stored = await store.read(stream)
  mustEqual(
    `The seqs of ${stream}`,
    stored.map(({ seq }) => seq),
    stored.map((_, i) => i + 1)
  )
  const groupOf = new Map(offered.flatMap((entry) => entry.events.map(({ id }) => [id, entry] as const)))
  for (let at = 0; at < stored.length;) {
    const entry = groupOf.get(stored[at]!.id)
    must(entry !== undefined, () => `Nobody appended ${stored[at]!.id} to ${stream}`)
    const ids = entry.events.map(({ id }) => id)
    mustEqual(
      `The group of ${stored[at]!.id} in ${stream}`,
      stored.slice(at, at + ids.length).map(({ id }) => id),
      ids
    )
    if (entry.receipt !== undefined) mustEqual("Its first seq", at + 1, entry.receipt.seqs[0])
    at += ids.length
  }
  return stored.length
}

/** How often a call is killed while it is under way, whatever `runs` says: each costs a start. */
const moments = 4

/**
 * Kills the same call at moments spread over the time that it takes: a process alone is killed in the midst of one. `asks`
 * are of ids that begin with `name`.
 */
const killedUnderWay = async (
  bench: Bench,
  asks: (store: Store, name: string) => ReadonlyArray<Ask>,
  check: (store: Store, names: ReadonlyArray<string>) => Promise<void>
): Promise<void> => {
  const store = await bench.store()
  const names: Array<string> = []
  const call = (name: string) => {
    names.push(name)
    return store.offerAll(asks(store, name))
  }
  for (let moment = 0; moment < moments; moment++) {
    // The first of a process takes longer than those behind it.
    await call(`${moment}.first.`)
    const start = performance.now()
    await call(`${moment}.timed.`)
    const took = performance.now() - start
    call(`${moment}.killed.`).catch(() => undefined)
    await new Promise((resolve) => setTimeout(resolve, (took * (moment + 0.5)) / moments))
    await store.crash()
    await check(store, names)
  }
}

const a2Crash = lawWhere(
  ["crash"],
  "A2 crash",
  "After a crash every group is there wholly or not at all, without a hole: what was under way, too. Of a stream only the end may be lost. What is appended next is taken.",
  async (bench) => {
    await afterEachCrash(bench, async (store, ledger) => {
      for (const [stream, offered] of ledger) await groupsAreWhole(store, stream, offered)
    })
    await killedUnderWay(
      bench,
      (store, name) => [{ stream: "s", events: largeGroup(store, name), durability: "synced" }],
      async (store, names) => {
        const offered = names.flatMap((name) => [
          { events: largeGroup(store, name), receipt: undefined },
          { events: [event(`behind ${name}`)], receipt: undefined }
        ])
        const length = await groupsAreWhole(store, "s", offered)
        // What a half-written group left behind stands in the way, or is taken for stored.
        const { duplicates, seqs } = await store.append("s", [event(`behind ${names.at(-1)!}`)])
        mustEqual("A new event after the crash", { duplicates, seqs }, { duplicates: [], seqs: [length + 1] })
      }
    )
  }
)

const a13Crash = lawWhere(
  ["atomicAcrossStreams", "crash"],
  "A13 crash",
  "Where groups of one call commit together, a crash leaves all of them or none.",
  (bench) => {
    const streams = Array.from({ length: 50 }, (_, i) => `s${i}`)
    return killedUnderWay(
      bench,
      (_, name) => streams.map((stream) => ({ stream, events: events(4, name), durability: "synced" })),
      async (store) => {
        const heads = await store.heads({})
        const ends = streams.map((stream) => heads.find((head) => head.stream === stream)?.cursor.seq ?? 0)
        mustEqual(
          "The last seqs of streams that every call moved alike",
          ends,
          ends.map(() => ends[0])
        )
      }
    )
  }
)

const d3Crash = lawWhere(
  ["crash"],
  "D3 crash",
  "Whoever appends again after a crash doubles nothing: what is there is a duplicate at its place, the rest is stored once.",
  (bench) =>
    afterEachCrash(bench, async (store, ledger) => {
      for (const [stream, offered] of ledger) {
        const before = new Map((await store.read(stream)).map(({ id, seq }) => [id, seq]))
        for (const { events: all } of offered) {
          const { duplicates, seqs } = await store.append(stream, all)
          const there = all.flatMap(({ id }, i) => (before.has(id) ? [i] : []))
          mustEqual(`The duplicates among ${all.map(({ id }) => id).join(", ")}`, duplicates, there)
          mustEqual(
            "Their seqs",
            there.map((i) => seqs[i]),
            there.map((i) => before.get(all[i]!.id))
          )
        }
        mustEqual(
          `The ids of ${stream} after all was appended again`,
          (await store.read(stream)).map(({ id }) => id).toSorted(),
          offered.flatMap((entry) => entry.events.map(({ id }) => id)).toSorted()
        )
      }
    })
)

const c3Crash = lawWhere(
  ["crash"],
  "C3 crash",
  "A cursor of before a crash goes on where its event survived, and gets a resync where it was lost, also when new events have its seq. No seq is given twice under one epoch.",
  async (bench) => {
    await afterEachCrash(bench, async (store, ledger) => {
      for (const [stream, offered] of ledger) {
        const cursors = offered.flatMap(({ events: all, receipt }) =>
          receipt === undefined ? [] : [{ id: all.at(-1)!.id, cursor: receipt.head!.cursor }]
        )
        const survivors = new Set((await store.read(stream)).map(({ id }) => id))
        // More than was lost, so that every seq is taken again.
        for (const ids of offered) await store.append(stream, events(4, `after ${ids.events[0]!.id}`))
        const stored = await store.read(stream)
        for (const { cursor, id } of cursors) await goesOn(store, stream, cursor, survivors.has(id), stored)
      }
    })
  }
)

/** Whether reading behind a cursor goes on as it must. */
const goesOn = async (
  store: Store,
  stream: string,
  cursor: Cursor,
  survived: boolean,
  stored: ReadonlyArray<{ readonly seq: number; readonly epoch: string }>
): Promise<void> => {
  const batches = await store.query({ streams: [stream], after: new Map([[stream, cursor]]) })
  const resyncs = batches.some(({ resync }) => resync !== undefined)
  const where = `the cursor of seq ${cursor.seq} of ${stream}`
  must(
    resyncs !== survived,
    () => `Behind ${where} ${survived ? "reading goes on" : "is a resync, since its event was lost"}`
  )
  mustEqual(
    `The seqs behind ${where}`,
    batches.flatMap((batch) => batch.events.map(({ seq }) => seq)),
    survived ? stored.slice(cursor.seq).map(({ seq }) => seq) : []
  )
  const again = stored.some(({ epoch, seq }) => epoch === cursor.epoch && seq === cursor.seq)
  must(
    again === survived,
    () => `The seq and epoch of ${where} ${survived ? "stay" : "are given to no other event"}`
  )
}

const v1Crash = lawWhere(
  ["crash"],
  "V1 crash",
  "A removal that was answered stays done over a crash; one under way is done wholly or not at all. What is created again has another epoch.",
  (bench) =>
    bench.property(
      fc.nat(6),
      async (store, turns) => {
        const names = ["gone", "going", "stays"]
        const before = new Map<string, Head>()
        let lasts = true
        for (const name of names) {
          const receipt = await store.append(name, events(3), {
            durability: "synced",
            attributes: { of: name }
          })
          const { head } = receipt
          before.set(name, head!)
          lasts &&= survives(store, receipt)
          await store.save([
            { stream: name, projection: "p", version: 1, cursor: head!.cursor, state: "1", check: "c" }
          ])
        }
        mustEqual("Removing a stream", await store.remove("gone"), true)
        store.remove("going").catch(() => undefined)
        for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setTimeout(resolve))
        await store.crash()
        for (const name of names) {
          const head = await store.head(name)
          const is = head !== undefined
          must(
            name !== "gone" || !is,
            () => `Stream "gone" was removed before the crash, and is there again after it`
          )
          must(
            name !== "stays" || is || !lasts,
            () => `Stream "stays" was appended and never removed, and is gone after the crash`
          )
          mustEqual(
            `The events of ${name}`,
            (await store.read(name)).map(({ id }) => id),
            is ? events(3).map(({ id }) => id) : []
          )
          // The proof of a sync may be lost with the power.
          const { synced } = before.get(name)!
          if (is) mustEqual(`The head of ${name}`, { ...head, synced }, before.get(name))
          else mustEqual(`The snapshots of ${name}`, await store.load("p", [name]), [])
          if (is) continue
          const again = await store.append(name, [event("e1")])
          mustEqual(`The seq of an old id in ${name}, created again`, again.seqs, [1])
          must(
            again.head!.cursor.epoch !== before.get(name)!.cursor.epoch,
            () => `${name}, created again, has another epoch`
          )
        }
      },
      { fresh: true, share: 0.02 }
    )
)

export const crashLaws = [a1Crash, a2Crash, a13Crash, d3Crash, c3Crash, v1Crash]
