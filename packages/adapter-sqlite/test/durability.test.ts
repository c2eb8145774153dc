import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { describe, expect, test } from "vitest"
import { newFile, run, Store } from "./Store.ts"

/** Whether system calls can be counted here. */
const strace = spawnSync("strace", ["-e", "trace=fsync", "true"]).status === 0

describe("durability", () => {
  test("A1 durable-ack: what is synced costs one sync, what is written none", ({ skip }) => {
    if (!strace) {
      console.log("Skipped: strace isn't at hand, so syncs cannot be counted")
      skip()
    }
    const file = newFile()
    const trace = `${file}.trace`
    run(
      "syncs",
      [file],
      ["strace", "-f", "-qq", "-e", "trace=fsync,fdatasync,access,faccessat,faccessat2", "-o", trace]
    )
    const counts: Record<string, number> = {}
    let current: string | undefined
    for (const line of fs.readFileSync(trace, "utf8").split("\n")) {
      const mark = /"\/varve\/([^"]+)"/.exec(line)
      if (mark !== null) counts[(current = mark[1]!)] ??= 0
      else if (current !== undefined && /\b(fsync|fdatasync)\(/.test(line))
        counts[current] = counts[current]! + 1
    }
    const { first, end, ...rest } = counts
    // The first one also syncs the new WAL's header and its folder.
    expect(first).toBeGreaterThanOrEqual(1)
    expect(end).toBeDefined()
    expect(rest).toEqual({
      "written x5": 0,
      read: 0,
      "synced duplicate of written": 1,
      "synced duplicate of synced": 0,
      synced: 1,
      "synced and written streams": 1,
      sync: 1,
      "sync again": 1,
      "synced refusal": 0,
      "synced label": 1,
      "synced label again": 1,
      turn: 1
    })
  })

  test("a head tells what is secured, by whatever secured it", async () => {
    const store = await Store.open(newFile())
    const synced = async () =>
      Promise.all(["a", "b"].map(async (stream) => (await store.head(stream))?.synced))
    await store.append("a", ["1", "2"])
    await store.append("b", ["1"])
    expect(await synced()).toEqual([0, 0])
    await store.append("b", ["2"], { durability: "synced" })
    expect(await synced()).toEqual([2, 2])
    await store.append("a", ["3"])
    await store.append("b", ["3"])
    await store.append("a", ["4"])
    expect(await synced()).toEqual([2, 2])
    expect(await store.append("a", ["3"], { durability: "synced" })).toMatchObject({
      duplicates: [0],
      durability: "synced",
      head: { synced: 4 }
    })
    expect(await synced()).toEqual([4, 3])
    await store.append("a", ["5"])
    expect(await synced()).toEqual([4, 3])
    await store.sync()
    expect(await synced()).toEqual([5, 3])
  })

  test("what was secured isn't vouched for by a removal, nor by another opening", async () => {
    const file = newFile()
    const store = await Store.open(file)
    await store.append("a", ["1"])
    await store.append("gone", ["1", "2", "3"], { durability: "synced" })
    await store.remove("gone")
    // On the positions that the removed events had, it would count as secured.
    await store.append("a", ["2", "3"])
    expect(await store.head("a")).toMatchObject({ cursor: { seq: 3 }, synced: 1 })
    await store.close()
    const again = await Store.open(file)
    expect(await again.head("a")).toMatchObject({ cursor: { seq: 3 }, synced: 1 })
  })

  test("a receipt tells what was reached", async () => {
    const store = await Store.open(newFile())
    expect(await store.append("a", ["1"])).toMatchObject({ durability: "written", head: { synced: 0 } })
    expect(await store.append("a", ["1"])).toMatchObject({ durability: "written", duplicates: [0] })
    const [a, b] = await store.appendAll([
      { stream: "a", events: [], durability: "written" },
      { stream: "b", events: [], durability: "synced", attributes: { x: "y" } }
    ])
    expect([a!._tag, b!._tag]).toEqual(["Appended", "Conflict"])
    expect(await store.append("a", ["2"], { durability: "synced" })).toMatchObject({
      durability: "synced",
      head: { synced: 2 }
    })
    expect(await store.append("a", ["1"])).toMatchObject({ durability: "synced", duplicates: [0] })
  })

  test("A9 drain: an exit handler writes what was recorded", async () => {
    const file = newFile()
    expect(run("exiting", [file, "flush"])).toBe("[]")
    const store = await Store.open(file)
    expect((await store.ids({})).map(Number).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 100 }, (_, i) => i)
    )
    // Without it, what waits for its tick dies with the process.
    const other = newFile()
    run("exiting", [other, "leave"])
    expect(await (await Store.open(other)).ids({})).toEqual([])
  })
})
