/** docs/laws.md, section 4, how a query reads: once, in batches, no further than asked, telling how far it is. */
import type { Progress, Query } from "@varve/core"
import * as fc from "fast-check"
import { must, mustEqual } from "../Broken.ts"
import { event, events } from "../generators/events.ts"
import { law, lawWhere } from "../Law.ts"
import { wellFormed } from "../Side.ts"
import { tell } from "../tell.ts"
import { filters, history, place, write } from "./history.ts"

const q2OnePass = lawWhere(
  ["counters"],
  "Q2 one-pass",
  "A query over any number of streams reads no stored event twice, and one over no streams reads nothing.",
  async (bench) => {
    const store = await bench.store()
    const streams = Array.from({ length: 50 }, (_, i) => `s${i}`)
    for (const stream of streams) await store.append(stream, events(4))
    const reads = async (query: Query) => {
      const before = store.service.counters!()
      await store.query(query)
      const { bytesRead, eventsRead, queries } = store.service.counters!()
      mustEqual("The queries counted for one", queries - before.queries, 1)
      must(bytesRead >= before.bytesRead, "What was read only grows")
      return eventsRead - before.eventsRead
    }
    mustEqual("The events read for all of 50 streams with 4 events each", await reads({}), 200)
    mustEqual("The events read for 50 streams, named", await reads({ streams }), 200)
    mustEqual("The events read for 5 of them", await reads({ streams: streams.slice(0, 5) }), 20)
    must((await reads({ streams: [] })) === 0, "A query over no streams reads nothing")
    must((await reads({ prefix: "none" })) === 0, "A query by a prefix of no stream reads nothing")
  }
)

const q2ManyStreams = law(
  "Q2 many-streams",
  "A query, heads and snapshots.load take any number of streams: more than a database takes parameters (tried with 33,000).",
  async (bench) => {
    const store = await bench.store()
    const streams = Array.from({ length: 33_000 }, (_, i) => `s${i}`)
    const [first, last] = ["s0", "s32999"]
    for (const stream of [first, last]) await store.append(stream, [event("e1")])
    mustEqual("The events of 33,000 streams", (await store.events({ streams })).map(place), [
      `${first} 1`,
      `${last} 1`
    ])
    mustEqual(
      "Their heads",
      (await store.heads({ streams })).map((head) => head.stream),
      [first, last]
    )
    mustEqual("Their snapshots", await store.load("p", streams), [])
  }
)

const q3Batches = law(
  "Q3 batches",
  "An answer comes in batches of at most `batchEvents` events (512 by default), so that memory is bounded by a batch and not by the log.",
  async (bench) => {
    const store = await bench.store()
    const all = events(1_200)
    const step = Math.min(400, store.limits.groupEvents)
    for (let i = 0; i < all.length; i += step) await store.append("s", all.slice(i, i + step))
    await store.append("t", events(3))
    for (const query of [
      {},
      { batchEvents: 100 },
      { batchEvents: 1, limit: 5 },
      { streams: ["s"], types: ["chunk"] }
    ]) {
      const batches = await store.query(query)
      wellFormed(query, batches)
      const wanted = query.limit ?? (query.streams ? 1_200 : 1_203)
      mustEqual(
        "The events of all batches",
        batches.reduce((sum, batch) => sum + batch.events.length, 0),
        wanted
      )
    }
  }
)

const q3StopsEarly = lawWhere(
  ["counters"],
  "Q3 stops-early",
  "A reader that stops, or takes its time, stops the reading: no more than two batches are read ahead.",
  async (bench) => {
    const store = await bench.store()
    for (const stream of ["a", "b", "c"])
      await store.append(stream, events(Math.min(200, store.limits.groupEvents)))
    const before = store.service.counters!().eventsRead
    const read = () => store.service.counters!().eventsRead - before
    for await (const batch of store.pull({ batchEvents: 10 })) {
      mustEqual("The first batch", batch.events.length, 10)
      await new Promise((resolve) => setTimeout(resolve, 10))
      must(
        read() <= 30,
        () => `While the reader holds the first batch of 10 events, ${read()} of 600 were read`
      )
      break
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
    must(
      read() <= 30,
      () => `After the reader stopped at the first batch of 10 events, ${read()} of 600 were read`
    )
    await store.append("a", [event("later")])
    mustEqual(
      "The store goes on after a reader stopped",
      (await store.head("a"))?.cursor.seq,
      Math.min(200, store.limits.groupEvents) + 1
    )
  }
)

const q6Progress = law(
  "Q6 progress",
  "A query tells its progress: done never falls, never passes total, and ends at it.",
  (bench) =>
    bench.property(
      fc.tuple(
        history,
        filters,
        fc.constantFrom(undefined, 0, 1, 3, 100),
        fc.constantFrom("prefix", "named", "unknown", "after")
      ),
      async (store, [groups, filter, limit, choice]) => {
        await write(store, groups)
        const told: Array<Progress> = []
        const cursor = { epoch: "AnEpochOfSomeOtherStore", seq: 1 }
        await store.query({
          ...filter,
          limit,
          ...(choice === "named"
            ? { streams: ["a", "b", "c", "d"].map((stream) => store.name(stream)) }
            : choice === "unknown"
              ? { streams: [store.name("x")] }
              : {
                  prefix: store.scope,
                  after: choice === "after" ? new Map([[store.name("a"), cursor]]) : undefined
                }),
          batchEvents: 2,
          onProgress: (progress) => told.push(progress)
        })
        for (const [i, { done, total, unit }] of told.entries()) {
          must(["bytes", "events", "streams"].includes(unit), () => `Progress has a unit, not ${tell(unit)}`)
          must(
            done <= total && done >= (told[i - 1]?.done ?? 0),
            () => `done rises up to total: ${JSON.stringify(told)}`
          )
        }
        const last = told.at(-1)
        must(
          last === undefined || last.done === last.total,
          () => `Progress ends at its total: ${JSON.stringify(told)}`
        )
        const examined = groups.length > 0 && limit !== 0 && (choice === "prefix" || choice === "named")
        must(!examined || told.length > 0, "A query that examines events tells its progress")
      },
      { share: 0.5 }
    )
)

export const readingLaws = [q2OnePass, q2ManyStreams, q3Batches, q3StopsEarly, q6Progress]
