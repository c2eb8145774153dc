/** docs/laws.md, section 4, what a query answers. */
import type { Query } from "@varve/core"
import * as fc from "fast-check"
import { must, mustEqual } from "../Broken.ts"
import { event, events, time } from "../generators/events.ts"
import { law, lawWhere } from "../Law.ts"
import { readingPlan, runPlan } from "../Plan.ts"
import { wellFormed } from "../Side.ts"
import { filters, history, pages, place, write } from "./history.ts"

const equalsNaive =
  (backward: boolean, order?: Query["order"]): Parameters<typeof law>[2] =>
  async (bench) => {
    const { supports } = await bench.store()
    await bench.property(
      readingPlan({ ...supports, reverse: backward && supports.reverse }, order),
      (storage, commands) => runPlan(commands, { storage }),
      { fresh: true, share: 0.6 }
    )
  }

const q1EqualsNaive = law(
  "Q1 equals-naive",
  "Any filter, cursor, range and limit answers what filter and sort over the whole log would.",
  equalsNaive(false)
)

const q1Backward = lawWhere(
  ["reverse"],
  "Q1 backward",
  "A backward query answers exactly the forward result reversed, before the limit.",
  equalsNaive(true)
)

const q1Pages = law(
  "Q1 pages",
  "Pages that go on from each batch's `last` together answer what one query does, wherever the limit cuts.",
  (bench) =>
    bench.property(
      fc.tuple(history, filters, fc.integer({ min: 1, max: 4 })),
      async (store, [groups, filter, limit]) => {
        await write(store, groups)
        const query = { ...filter, prefix: store.scope }
        const whole = (await store.events(query)).map(place)
        const paged = await pages(store, { ...query, limit })
        mustEqual("The pages together, and the whole", paged.toSorted(), whole.toSorted())
        for (const stream of ["a", "b", "c"]) {
          const own = (all: ReadonlyArray<string>) =>
            all.filter((one) => one.startsWith(`${store.name(stream)} `))
          mustEqual(`The pages of stream ${stream}, in order`, own(paged), own(whole))
        }
      }
    )
)

const q1TotalOrder = lawWhere(
  ["totalOrder"],
  "Q1 total-order",
  "The total order is the order in which appends were taken, whatever their times; it keeps each stream's order and the same under every filter.",
  (bench) =>
    bench.property(
      fc.tuple(history, filters),
      async (store, [groups, filter]) => {
        await write(store, groups)
        const wanted: Array<string> = []
        const ends = new Map<string, number>()
        const matching = new Set((await store.events({ ...filter, prefix: store.scope })).map(place))
        for (const [stream, all] of groups) {
          for (const _ of all) {
            const seq = (ends.get(stream) ?? 0) + 1
            ends.set(stream, seq)
            wanted.push(place({ stream: store.name(stream), seq }))
          }
        }
        const query: Query = { prefix: store.scope, order: "total" }
        const got = async (more: Query) => {
          const batches = await store.query({ ...query, ...more })
          wellFormed({ ...query, ...more }, batches)
          return batches.flatMap((batch) => batch.events).map(place)
        }
        mustEqual("All events in total order", await got({}), wanted)
        const some = wanted.filter((one) => matching.has(one))
        mustEqual("Some events in total order", await got(filter), some)
        mustEqual("The first two", await got({ ...filter, limit: 2 }), some.slice(0, 2))
        mustEqual("In batches of one", await got({ ...filter, batchEvents: 1 }), some)
        const paged = await pages(store, { ...query, ...filter, limit: 2 })
        mustEqual("Page by page, going on from each batch's `last`", paged.toSorted(), some.toSorted())
        if (store.supports.reverse)
          mustEqual("Backward", await got({ ...filter, direction: "backward" }), some.toReversed())
      },
      { share: 0.5 }
    )
)

const q1TotalAnyQuery = lawWhere(
  ["totalOrder"],
  "Q1 total-order: any query",
  "Any filter, cursor, range and limit picks from the total order what it picks stream by stream; cursors that cannot go on are told.",
  equalsNaive(true, "total")
)

const q4TimeIsNoOrder = law(
  "Q4 time-is-no-order",
  "A time bound answers every event whose `at` is within it, wherever it stands: times run backward, tie, and are imported.",
  (bench) =>
    bench.property(
      fc.tuple(
        fc.array(time, { minLength: 1, maxLength: 8 }),
        fc.option(time, { nil: undefined }),
        fc.option(time, { nil: undefined })
      ),
      async (store, [times, since, until]) => {
        const stream = store.name("s")
        await store.append(
          stream,
          times.map((at, i) => event(`e${i}`, { at }))
        )
        const wanted = times.filter(
          (at) => (since === undefined || at >= since) && (until === undefined || at < until)
        )
        mustEqual(
          "The times of the events answered",
          (await store.events({ prefix: store.scope, since, until })).map((e) => e.at),
          wanted
        )
      }
    )
)

const q5Stable = law(
  "Q5 stable",
  "Events that are there at the first page appear exactly once, also when others are appended between pages and within a query; those may appear, once.",
  (bench) =>
    bench.property(
      fc.tuple(history, filters, fc.integer({ min: 1, max: 3 })),
      async (store, [groups, filter, limit]) => {
        await write(store, groups)
        const query = { ...filter, prefix: store.scope }
        const first = (await store.events(query)).map(place)
        let more = 0
        // Another stream in front, one between, and more of those that are read.
        const appendMore = async () => {
          if (more >= 12) return
          await store.append(store.name(["0", "a", "ab", "b"][more % 4]!), [
            event(`more ${more++}`, { type: "prompt", at: 2 })
          ])
        }
        once("pages", first, await pages(store, { ...query, limit }, appendMore))
        const within: Array<string> = []
        const start = (await store.events(query)).map(place)
        for await (const batch of store.pull({ ...query, batchEvents: 1 })) {
          within.push(...batch.events.map(place))
          await appendMore()
        }
        once("one query", start, within)
      }
    )
)

/** All of `first` are in `seen`, and nothing is there twice. */
const once = (what: string, first: ReadonlyArray<string>, seen: ReadonlyArray<string>): void => {
  const twice = seen.filter((one, i) => seen.indexOf(one) !== i)
  mustEqual(`Events that ${what} answered twice while others were appended`, twice, [])
  mustEqual(
    `Events that ${what} missed while others were appended`,
    first.filter((one) => !seen.includes(one)),
    []
  )
}

const q7Bounds = law(
  "Q7 bounds",
  "from > to, limit 0, ranges past either end and unknown streams answer nothing rather than an error, and the head is told all the same.",
  async (bench) => {
    const store = await bench.store()
    const { head } = await store.append("s", events(3))
    const cases: ReadonlyArray<readonly [string, Query, ReadonlyArray<number>]> = [
      ["from > to", { fromSeq: 3, toSeq: 2 }, []],
      ["limit 0", { limit: 0 }, []],
      ["a range past the end", { fromSeq: 4, toSeq: 9 }, []],
      ["a range before the start", { fromSeq: -3, toSeq: 0 }, []],
      ["a range over both ends", { fromSeq: -1, toSeq: 99 }, [1, 2, 3]],
      ["a range within", { fromSeq: 2, toSeq: 2 }, [2]],
      ["since > until", { since: 5, until: 1 }, []],
      ["no types", { types: [] }, []],
      ["an unknown type", { types: ["never"] }, []],
      ["a limit beyond the end", { limit: 1_000_000 }, [1, 2, 3]],
      ["after the head", { after: new Map([["s", head!.cursor]]) }, []]
    ]
    for (const [what, query, seqs] of cases) {
      const batches = await store.query({ ...query, streams: ["s"] })
      mustEqual(
        `${what}: the seqs answered`,
        batches.flatMap((batch) => batch.events.map((e) => e.seq)),
        seqs
      )
      must(batches.length > 0, `${what}: a stream that is named is answered, if by an empty batch`)
      for (const batch of batches) mustEqual(`${what}: the head told`, batch.head, head?.cursor)
      mustEqual(`${what}, of no stream`, await store.query({ ...query, after: undefined, streams: [] }), [])
    }
    const unknown = (await store.query({ streams: ["x"] })).map(({ stream, events: none, head: no }) => ({
      stream,
      none,
      no
    }))
    mustEqual("The answer for an unknown stream", unknown, [{ stream: "x", none: [], no: undefined }])
    mustEqual("A prefix that no stream has", await store.query({ prefix: "x" }), [])
  }
)

export const queryLaws = [
  q1EqualsNaive,
  q1Backward,
  q1Pages,
  q1TotalOrder,
  q1TotalAnyQuery,
  q4TimeIsNoOrder,
  q5Stable,
  q7Bounds
]
