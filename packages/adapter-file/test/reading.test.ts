/** Q2 to Q4 where a log is longer than a chunk: places are found, little is read, nobody waits long. D3: bounded memory. */
import { randomUUID } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Stream } from "effect"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { IdTable } from "../src/IdTable.ts"
import { event, Store } from "./Store.ts"

const count = 6_000
const idOf = (seq: number) => `e${seq}`

/** About 3 MB: groups of 1 to 40 events, of 20 bytes to 60 KB, some labels and proofs among them. */
const write = async (store: Store): Promise<void> => {
  let random = 1
  const next = (below: number): number => (random = (random * 48_271) % 2_147_483_647) % below
  for (let seq = 1; seq <= count;) {
    const size = Math.min(1 + next(40), count - seq + 1)
    const events = Array.from({ length: size }, (_, i) => {
      const length = next(300) === 0 ? 60_000 : next(600)
      const text = (seq + i) % 7 === 0 ? "é".repeat(length / 2) : "x".repeat(length)
      const type = (seq + i) % 1000 === 0 ? "rare" : "chunk"
      return event(idOf(seq + i), { at: seq + i, type, data: JSON.stringify(text) })
    })
    await store.take("s", events, { durability: next(10) === 0 ? "synced" : "written" })
    if (next(10) === 0) await store.take("s", [], { attributes: { title: `${seq}` } })
    seq += size
  }
}

test("types that begin alike, are empty or escaped are told apart, whichever came before", async () => {
  const directory = mkdtempSync(join(tmpdir(), "varve-reading-"))
  const store = await Store.open(directory)
  const types = ["a", "ab", "a", "", "a\\", 'a"', "ab", 'a"b', "é", "éa", "e", "a", "b"]
  await store.take(
    "s",
    types.map((type, i) => event(idOf(i + 1), { type }))
  )
  expect((await store.events({})).map(({ type }) => type)).toEqual(types)
  for (const type of new Set(types)) {
    const wanted = types.flatMap((one, i) => (one === type ? [idOf(i + 1)] : []))
    expect(await store.ids({ types: [type] })).toEqual(wanted)
  }
  await store.close()
  rmSync(directory, { recursive: true })
})

describe("a log of many chunks", () => {
  const directory = mkdtempSync(join(tmpdir(), "varve-reading-"))
  let store: Store
  beforeAll(async () => {
    store = await Store.open(directory)
    await write(store)
  })
  afterAll(async () => {
    await store.close()
    rmSync(directory, { recursive: true })
  })

  const bytesOf = async (work: () => Promise<unknown>): Promise<number> => {
    const before = store.storage.counters!().bytesRead
    await work()
    return store.storage.counters!().bytesRead - before
  }
  const range = (from: number, to: number) =>
    Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => idOf(from + i))

  test("any range is answered, in both directions, by batches of any size", async () => {
    const places = [1, 2, 17, 500, 2_999, 3_000, 5_951, 5_999, 6_000]
    for (const fromSeq of places) {
      for (const toSeq of places) {
        const batchEvents = fromSeq % 2 === 0 ? 7 : 512
        const wanted = range(fromSeq, toSeq)
        expect(await store.ids({ streams: ["s"], fromSeq, toSeq, batchEvents })).toEqual(wanted)
        const backward = await store.ids({ streams: ["s"], fromSeq, toSeq, direction: "backward" })
        expect(backward).toEqual(wanted.toReversed())
      }
    }
  })

  test("a tail reads a tail, a page a page, and a filter what it must", async () => {
    const whole = await bytesOf(() => store.ids({ streams: ["s"] }))
    expect(whole).toBeGreaterThan(2_000_000)
    const tail = { streams: ["s"], direction: "backward", limit: 50 } as const
    expect(await bytesOf(() => store.ids(tail))).toBeLessThan(600_000)
    expect(await bytesOf(() => store.ids({ ...tail, toSeq: 3_000 }))).toBeLessThan(600_000)
    expect(await bytesOf(() => store.ids({ streams: ["s"], fromSeq: 3_000, limit: 50 }))).toBeLessThan(
      600_000
    )
    expect(await store.ids({ types: ["rare"] })).toEqual(range(1, 6).map((_, i) => idOf(1000 * (i + 1))))
    expect(await bytesOf(() => store.ids({ types: ["none"] }))).toBe(0)
    expect(await bytesOf(() => store.ids({ since: count + 1 }))).toBe(0)
    expect(await store.ids({ since: count })).toEqual([idOf(count)])
  })

  test("duplicates are found wherever they stand, also after opening again", async () => {
    for (const seq of [1, 2, 777, 3_000, 5_999, 6_000]) {
      const [stored] = await store.events({ streams: ["s"], fromSeq: seq, toSeq: seq })
      const { id, type, data } = stored!
      expect(await store.take("s", [event(id, { type, data })])).toMatchObject({
        seqs: [seq],
        duplicates: [0]
      })
      expect(await store.append("s", [event(id, { type, data: "0" })])).toMatchObject({
        _tag: "IdConflict",
        seq
      })
      await store.release("s")
    }
  })

  test("reading gives the event loop back within 20 ms, as far as the machine lets it", async () => {
    let longest = 0
    let last = performance.now()
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last)
      last = performance.now()
    }, 1)
    const begun = performance.now()
    for (let i = 0; i < 10; i++)
      await Effect.runPromise(Stream.runDrain(store.storage.query({ types: ["rare"] })))
    const took = performance.now() - begun
    clearInterval(timer)
    // A machine that is busy with other things holds anything up; only a share of the whole tells.
    expect(longest).toBeLessThan(Math.max(60, took / 2))
  })
})

describe("D3: the ids of a stream in use", () => {
  test("take at most 24 bytes an event, and 40 while they grow; none is missed, none is made up", () => {
    const table = new IdTable(7)
    const ids = Array.from({ length: 50_000 }, () => randomUUID())
    let most = 0
    for (const [i, id] of ids.entries()) {
      const before = table.bytes
      expect(table.find(id, (seq) => ids[seq - 1] === id)).toBe(undefined)
      table.add(id, i + 1)
      // While it grows, the old table is there beside the new one.
      const peak = table.bytes > before ? before + table.bytes : table.bytes
      if (i > 100) most = Math.max(most, peak / (i + 1))
      if (i > 100 && table.bytes === before) expect(table.bytes / (i + 1)).toBeLessThanOrEqual(24)
    }
    expect(most).toBeLessThanOrEqual(40)
    for (const [i, id] of ids.entries()) expect(table.find(id, (seq) => ids[seq - 1] === id)).toBe(i + 1)
  })

  test("ids of one hash are told apart by the event itself", () => {
    const table = new IdTable(0)
    for (let i = 1; i <= 40; i++) table.add("same", i)
    const asked: Array<number> = []
    const found = table.find("same", (seq) => {
      asked.push(seq)
      return seq === 33
    })
    expect(found).toBe(33)
    expect(asked.length).toBeGreaterThanOrEqual(33)
  })
})
