import { performance } from "node:perf_hooks"
import Sqlite from "better-sqlite3"
import { LogStorage, type Query } from "@varve/core"
import { Effect, Layer, Stream } from "effect"
import { describe, expect, test } from "vitest"
import { Connection } from "../src/Connection.ts"
import { service } from "../src/service.ts"
import { prepare, schema } from "../src/statements.ts"
import { claimFile } from "../src/StoreFile.ts"
import { Faults } from "./Faults.ts"
import { event, newFile, Store } from "./Store.ts"

/** A store of `streams` streams with `each` events, appended in turns, and what it does from then on. */
const filled = async (streams: number, each: number) => {
  const faults = new Faults()
  const connection = new Connection(faults.driver, claimFile(newFile()), 50)
  const layer = Layer.effect(
    LogStorage,
    Effect.acquireRelease(Effect.succeed(service(connection)), () => Effect.sync(() => connection.close()))
  )
  const store = await Store.of(layer)
  const names = Array.from({ length: streams }, (_, i) => `s${String(i).padStart(5, "0")}`)
  const size = Math.min(each, 5000)
  for (let n = 0; n < each; n += size) {
    await store.appendAll(
      names.map((stream) => ({
        stream,
        events: Array.from({ length: size }, (_, i) =>
          event(`e${n + i + 1}`, {
            type: `t${(n + i) % 12}`,
            at: n + i,
            data: JSON.stringify("x".repeat(80))
          })
        ),
        durability: "written" as const
      }))
    )
  }
  faults.steps = []
  return {
    store,
    faults,
    names,
    statements: () => faults.steps.filter((step) => /^(WITH|SELECT)/.test(step)).length
  }
}

describe("Q4 pushed-down", () => {
  const db = new Sqlite(":memory:")
  db.exec(schema)
  const sql: Record<string, string> = {}
  for (const [name, text] of Object.entries(prepare({ prepare: (text: string) => text } as never)))
    sql[name] = text as unknown as string

  const planOf = (name: string): ReadonlyArray<string> => {
    const text = sql[name]!
    const named = Object.fromEntries([...text.matchAll(/:(\w+)/g)].map(([, key]) => [key, null]))
    const parameters = Object.keys(named).length > 0 ? [named] : [...text.matchAll(/\?/g)].map(() => null)
    return (
      db.prepare(`EXPLAIN QUERY PLAN ${text}`).all(...parameters) as ReadonlyArray<{ detail: string }>
    ).map(({ detail }) => detail)
  }

  test.each([
    [
      "stream",
      [
        "s USING INDEX sqlite_autoindex_streams_1 (name=?)",
        "events USING COVERING INDEX events_by_seq (stream_id=?)"
      ]
    ],
    ["lastEvent", ["e USING INTEGER PRIMARY KEY (rowid=?)"]],
    ["eventById", ["e USING INDEX events_by_id (stream_id=? AND id=?)"]],
    [
      "headsInRange",
      [
        "s USING INDEX sqlite_autoindex_streams_1 (name>? AND name<?)",
        "a USING COVERING INDEX attributes_by_value (key=? AND value=?)"
      ]
    ],
    ["headsByName", ["s USING INDEX sqlite_autoindex_streams_1 (name=?)"]],
    ["planForward", ["s USING INDEX sqlite_autoindex_streams_1 (name>? AND name<?)"]],
    ["planBackward", ["s USING INDEX sqlite_autoindex_streams_1 (name>? AND name<?)"]],
    ["planByName", ["s USING INDEX sqlite_autoindex_streams_1 (name=?)"]],
    ["sliceForward", ["e USING INDEX events_by_seq (stream_id=? AND seq>? AND seq<?)"]],
    ["sliceBackward", ["e USING INDEX events_by_seq (stream_id=? AND seq>? AND seq<?)"]],
    ["many", ["e USING INDEX events_by_seq (stream_id=? AND seq>? AND seq<?)"]],
    [
      "totalForward",
      ["e USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)", "c USING AUTOMATIC COVERING INDEX (stream=?)"]
    ],
    ["totalBackward", ["e USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"]],
    ["epochs", ["epochs USING PRIMARY KEY (stream_id=?)"]],
    ["snapshots", ["p USING INDEX sqlite_autoindex_snapshots_1 (stream_id=? AND projection=?)"]],
    ["removeSomeEvents", ["events USING COVERING INDEX events_by_seq (stream_id=?)"]],
    ["deleteEventsFrom", ["events USING INDEX events_by_seq (stream_id=? AND seq>?)"]]
  ])("the plan of %s is by index, and sorts nothing", (name, expected) => {
    const plan = planOf(name)
    for (const detail of expected)
      expect(
        plan.some((line) => line.includes(detail)),
        `${detail} in ${plan.join("; ")}`
      ).toBe(true)
    expect(plan.filter((line) => /SCAN (e|s|events|streams)\b|ORDER BY/.test(line))).toEqual([])
  })

  test("what a filter excludes doesn't leave SQLite", async () => {
    const { store } = await filled(20, 60)
    const read = () => store.storage.counters!().eventsRead
    for (const [query, events] of [
      [{ types: ["t3"] }, 100],
      [{ since: 58 }, 40],
      [{ until: 0 }, 0],
      [{ since: 100, streams: ["s00001"] }, 0],
      [{ direction: "backward", limit: 7, streams: ["s00003"] }, 7],
      [{ fromSeq: 60 }, 20],
      [{ order: "total", types: ["t3"], streams: ["s00001"] }, 5]
    ] satisfies ReadonlyArray<readonly [Query, number]>) {
      const before = read()
      expect((await store.events(query)).length, JSON.stringify(query)).toBe(events)
      expect(read() - before, JSON.stringify(query)).toBe(events)
    }
  })
})

test("Q4 pushdown: a type that comes to be while a query is under way is answered where its stream is planned later", async () => {
  const { names, store } = await filled(1200, 2)
  const last = names.at(-1)!
  const found: Array<string> = []
  let isLate = false
  for await (const { events, stream } of Stream.toAsyncIterable(
    store.storage.query({ types: ["t0", "late"], batchEvents: 1 })
  )) {
    if (!isLate) await store.append(last, [event("late", { type: "late" })])
    isLate = true
    if (stream === last) found.push(...events.map(({ type }) => type))
  }
  expect(found).toContain("late")
})

describe("Q2 one-pass", () => {
  test("thousands of small streams are not a statement each", async () => {
    const { store, faults, names, statements } = await filled(3000, 3)
    for (const query of [
      {},
      { streams: names },
      { prefix: "s" },
      { types: ["t1"] },
      { direction: "backward" }
    ] satisfies ReadonlyArray<Query>) {
      faults.steps = []
      await store.batches(query)
      expect(statements(), JSON.stringify(Object.keys(query))).toBeLessThan(60)
    }
    faults.steps = []
    const heads = await Effect.runPromise(store.storage.heads({}))
    expect(heads.length).toBe(3000)
    // A page of streams takes two; a quiet moment's chore may come between.
    expect(statements()).toBeLessThan(12)
    // Resuming all of them, half of them caught up.
    const after = new Map(
      heads.map(({ stream, cursor }, i) => [stream, i % 2 === 0 ? cursor : { ...cursor, seq: 1 }])
    )
    faults.steps = []
    const batches = await store.batches({ after })
    expect([batches.length, batches.flatMap(({ events }) => events).length]).toEqual([3000, 3000])
    expect(statements()).toBeLessThan(60)
  })

  test("an empty set costs no statement", async () => {
    const { store, faults } = await filled(2, 2)
    await store.batches({ streams: [] })
    expect(faults.steps).toEqual([])
  })
})

describe("Q3 bounded", () => {
  test("the event loop goes on while long queries run side by side", async () => {
    const { store } = await filled(2, 60_000)
    // A checkpoint blocks longer; let it have its quiet moment.
    await new Promise((resolve) => setTimeout(resolve, 600))
    const pauses: Array<number> = []
    let last = performance.now()
    const timer = setInterval(() => {
      pauses.push(performance.now() - last)
      last = performance.now()
    }, 1)
    const queries = [
      {},
      {},
      { types: ["none"] },
      { order: "total", types: ["t1"] }
    ] satisfies ReadonlyArray<Query>
    await Promise.all(queries.map((query) => store.batches(query)))
    clearInterval(timer)
    // The median, since the machine itself pauses now and then.
    expect(pauses.sort((a, b) => a - b)[pauses.length >> 1]).toBeLessThan(20)
    expect(pauses.length).toBeGreaterThan(10)
  })

  test.each([
    {},
    { direction: "backward" },
    { order: "total" },
    { order: "total", direction: "backward" }
  ] satisfies ReadonlyArray<Query>)("a page holds a few large events only: %j", async (query) => {
    const store = await Store.open(newFile())
    const data = JSON.stringify("x".repeat(1_000_000))
    for (let i = 0; i < 4; i++)
      await store.append(
        "s",
        Array.from({ length: 5 }, (_, n) => event(`${i} ${n}`, { data }))
      )
    const read = () => store.storage.counters!().bytesRead
    const before = read()
    let most = 0
    let answered = 0
    await store.visit({ ...query, batchEvents: 100 }, ({ events }) => {
      answered += events.length
      most = Math.max(most, read() - before - (answered - events.length) * data.length)
    })
    expect(answered).toBe(20)
    expect(most).toBeLessThan(6_000_000)
  })

  test("writing goes on while a query is half read", async () => {
    const { store } = await filled(3, 100)
    const seen: Array<string> = []
    for await (const batch of store.pull({ batchEvents: 10 })) {
      expect(await store.append("s00002", [`late ${seen.length}`])).toMatchObject({ _tag: "Appended" })
      seen.push(...batch.events.map(({ stream, seq }) => `${stream} ${seq}`))
    }
    const expected = ["s00000", "s00001", "s00002"].flatMap((stream) =>
      Array.from({ length: 100 }, (_, i) => `${stream} ${i + 1}`)
    )
    expect(seen).toEqual(expect.arrayContaining(expected))
    expect(new Set(seen).size).toBe(seen.length)
  })
})

describe("Q6 progress", () => {
  test.each(["stream", "total"] as const)("%s order tells all events that it examines", async (order) => {
    const { store } = await filled(3, 20)
    const told: Array<string> = []
    await store.batches({
      order,
      batchEvents: 20,
      onProgress: ({ done, total }) => told.push(`${done} of ${total}`)
    })
    expect(told).toEqual(["0 of 60", "20 of 60", "40 of 60", "60 of 60"])
  })
})

describe("Q7 bounds", () => {
  test.each(["stream", "total"] as const)(
    "limit 0 moves no cursor, and misses no event: %s order",
    async (order) => {
      const { store } = await filled(1, 3)
      const batches = await store.batches({ order, streams: ["s00000"], limit: 0 })
      expect(batches).toMatchObject([{ events: [], last: undefined, head: { seq: 3 } }])
      expect(batches[0]!.damage).toBeUndefined()
    }
  )
})

describe("Q5 stable", () => {
  test.each(["forward", "backward"] as const)(
    "in total order, what comes and goes while it is read is no damage: %s",
    async (direction) => {
      const store = await Store.open(newFile())
      const streams = ["gone", "grows", "none"]
      const add = async (from: number) => {
        for (let i = from; i < from + 4; i++)
          for (const stream of ["gone", "grows", "labelled"]) await store.append(stream, [`${stream} ${i}`])
      }
      await add(1)
      const seqsOf = async (query: Query, change: () => Promise<unknown>) => {
        const seqs: Array<number> = []
        let changed = false
        for await (const { stream, events } of store.pull({
          ...query,
          order: "total",
          direction,
          batchEvents: 3
        })) {
          if (!changed) await change()
          changed = true
          if (stream === "grows" || stream === "labelled") seqs.push(...events.map(({ seq }) => seq))
        }
        return direction === "forward" ? seqs : seqs.toReversed()
      }
      // "none" is answered first: between the plan, which says where each ends, and the first event.
      const named = await seqsOf({ streams }, async () => {
        await add(5)
        await store.remove("gone")
        await store.append("gone", ["anew"])
      })
      expect(named.slice(0, 4)).toEqual([1, 2, 3, 4])
      expect(named).toEqual(named.map((_, i) => i + 1))
      const all = await seqsOf({ prefix: "g" }, async () => {
        await add(9)
        await store.remove("gone")
      })
      expect(all).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
      // Its first events, or its last, were left out before it had the label.
      await store.append("grows", ["with"], { attributes: { project: "x" } })
      const labelled = await seqsOf({ attributes: { project: "x" } }, () =>
        store.append("labelled", [], { attributes: { project: "x" } })
      )
      expect(labelled.length).toBeGreaterThan(13)
    }
  )
})

describe("V1 remove", () => {
  test("a long stream goes in pieces, seen by nobody meanwhile, and what a crash leaves is deleted later", async () => {
    const { store, faults } = await filled(2, 5000)
    let pieces = 0
    faults.behind = (step) => {
      if (step !== "COMMIT" || ++pieces !== 3) return
      faults.behind = () => {}
      throw Object.assign(new Error("planted"), { code: "SQLITE_IOERR_FSYNC" })
    }
    await expect(store.remove("s00000")).rejects.toMatchObject({
      _tag: "StorageError",
      operation: "remove",
      stream: "s00000"
    })
    expect(await store.head("s00000")).toBeUndefined()
    expect(new Set((await store.events({ order: "total" })).map(({ stream }) => stream))).toEqual(
      new Set(["s00001"])
    )
    await store.append("s00000", ["again"])
    expect(await store.ids({ streams: ["s00000"] })).toEqual(["again"])
    const left = () => faults.count("events") - 5001
    expect(left()).toBeGreaterThan(0)
    await expect.poll(() => faults.count("removed"), { timeout: 10_000, interval: 100 }).toBe(0)
    expect(left()).toBe(0)
    expect(await store.ids({ streams: ["s00000"] })).toEqual(["again"])
  })
})
