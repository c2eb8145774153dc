import * as fs from "node:fs"
import { describe, expect, test } from "vitest"
import { event, newFile, run, Store } from "./Store.ts"

const size = (file: string): number => fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0
const data = JSON.stringify("x".repeat(2000))

describe("checkpoints", () => {
  test("the WAL stays bounded under a load that never pauses", async () => {
    const file = newFile()
    const store = await Store.open(file)
    for (let i = 0; i < 400; i++) {
      await store.append(
        `s${i % 7}`,
        Array.from({ length: 60 }, (_, n) => event(`${i} ${n}`, { data }))
      )
    }
    expect(size(file)).toBeGreaterThan(20_000_000)
    expect(size(`${file}-wal`)).toBeLessThan(40_000_000)
  })

  test("in a quiet moment the WAL is moved into the file, and the next written append costs no sync", async () => {
    const file = newFile()
    const store = await Store.open(file)
    for (let i = 0; i < 40; i++)
      await store.append(
        "s",
        Array.from({ length: 60 }, (_, n) => event(`${i} ${n}`, { data }))
      )
    const before = store.storage.counters!().syncs
    expect(size(file)).toBeLessThan(1_000_000)
    await expect.poll(() => size(file), { timeout: 5000 }).toBeGreaterThan(4_000_000)
    await expect.poll(() => store.storage.counters!().syncs).toBe(before + 1)
    expect(await store.head("s")).toMatchObject({ synced: 2400 })
  })

  test("closing leaves one file", async () => {
    const file = newFile()
    const store = await Store.open(file)
    await store.append("s", ["a"])
    await store.close()
    expect([size(`${file}-wal`), fs.existsSync(`${file}-shm`)]).toEqual([0, false])
  })

  test("nothing of a removed stream stays in the file", async () => {
    const file = newFile()
    const store = await Store.open(file)
    await store.append("keep", ["a"])
    await store.append("secrets", [event("b", { data: JSON.stringify(`needle ${"x".repeat(9000)}`) })], {
      attributes: { title: "needle" }
    })
    await store.remove("secrets")
    for (const part of [file, `${file}-wal`]) {
      const bytes = fs.existsSync(part) ? fs.readFileSync(part) : Buffer.alloc(0)
      expect([bytes.includes("needle"), bytes.includes("secrets")], part).toEqual([false, false])
    }
  })

  test("no timer keeps a process alive", () => {
    const begun = performance.now()
    run("leaving", [newFile()])
    expect(performance.now() - begun).toBeLessThan(10_000)
  })
})
