import * as fs from "node:fs"
import type { Cursor } from "@varve/core"
import { describe, expect, test } from "vitest"
import { newFile, start, Store } from "./Store.ts"

const epochs = async (store: Store, stream: string) =>
  (await store.events({ streams: [stream] })).map(({ epoch }) => epoch)
const resume = async (store: Store, stream: string, cursor: Cursor) =>
  (await store.batches({ after: new Map([[stream, cursor]]) }))[0]!

describe("C3 epochs", () => {
  test("the first append of an opening begins an epoch in each stream that it touches, reading begins none", async () => {
    const file = newFile()
    const first = await Store.open(file)
    await first.append("a", ["1"])
    await first.append("a", ["2"])
    await first.append("b", ["1"])
    await first.close()
    const reading = await Store.open(file)
    await reading.ids({})
    await reading.append("a", ["1"])
    await reading.close()
    const second = await Store.open(file)
    await second.append("a", ["3"])
    const [one, two, three] = await epochs(second, "a")
    expect(two).toBe(one)
    expect(three).not.toBe(one)
    expect(await second.head("b")).toMatchObject({ cursor: { epoch: (await epochs(second, "b"))[0] } })
    // What survived into the next epoch goes on.
    expect(await resume(second, "a", { epoch: one!, seq: 1 })).toMatchObject({
      events: [{ seq: 2 }, { seq: 3 }]
    })
  })

  test("openings side by side go on under the newest of them, without losing or doubling anything", async () => {
    const file = newFile()
    const [one, other] = [await Store.open(file), await Store.open(file)]
    await one.append("a", ["1"])
    await other.append("a", ["2"])
    await one.append("a", ["3"])
    await one.append("a", ["4"])
    const [e1, e2, e3, e4] = await epochs(one, "a")
    expect(new Set([e1, e2]).size).toBe(2)
    expect([e3, e4]).toEqual([e2, e2])
    expect(await other.ids({})).toEqual(["1", "2", "3", "4"])
  })

  test("another process begins its own", async () => {
    const file = newFile()
    const store = await Store.open(file)
    await store.append("shared", ["here"])
    await start("writer", [file, "there", "1"])
    await store.append("shared", ["here again"])
    const [here, there, again] = await epochs(store, "shared")
    expect(here).not.toBe(there)
    expect(again).toBe(there)
  })

  test("a backup that is restored never continues lost events under their numbers", async () => {
    const file = newFile()
    const store = await Store.open(file)
    await store.append("a", ["1", "2"])
    await store.close()
    const backup = fs.readFileSync(file)
    const later = await Store.open(file)
    await later.append("a", ["3", "4"])
    const lost = (await later.head("a"))!.cursor
    await later.close()
    fs.writeFileSync(file, backup)
    const restored = await Store.open(file)
    await restored.append("a", ["5", "6", "7"])
    expect(await resume(restored, "a", lost)).toMatchObject({
      events: [],
      resync: { reason: "unknown-epoch" }
    })
  })

  test("V1 remove: a stream of the same name starts at 1 under a new epoch, also after a restart", async () => {
    const file = newFile()
    const store = await Store.open(file)
    await store.append("a", ["1", "2"], { attributes: { x: "y" } })
    const gone = (await store.head("a"))!.cursor
    await store.remove("a")
    expect(await resume(store, "a", gone)).toMatchObject({ resync: { reason: "unknown-stream" } })
    await store.append("a", ["1"])
    expect(await store.head("a")).toMatchObject({ cursor: { seq: 1 }, attributes: {} })
    expect((await store.head("a"))!.cursor.epoch).not.toBe(gone.epoch)
    await store.close()
    const again = await Store.open(file)
    expect(await resume(again, "a", gone)).toMatchObject({ resync: { reason: "unknown-epoch" } })
  })
})
