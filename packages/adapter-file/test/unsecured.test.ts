/** What a writer let go of without having secured it: who secures it then, and that nobody writes beside its owner. */
import { Effect } from "effect"
import { expect, test } from "vitest"
import { open } from "../src/open.ts"
import { sockets } from "../src/Presence.ts"
import { Faults } from "./Faults.ts"
import { newFolder, Store } from "./Store.ts"

/** Two stores of a folder; the first wrote an event to `s` and let go of it, and its sync failed. */
const begin = async () => {
  const directory = newFolder()
  const make = async (idleTimeout = 60_000) => {
    const faults = new Faults()
    return {
      faults,
      store: await Store.of(open({ directory, idleTimeout }, { disk: faults.disk, presence: sockets }))
    }
  }
  const [one, other] = [await make(40), await make()]
  await one.store.take("s", ["a"])
  one.faults.fail("fdatasync s.jsonl", "EIO")
  await one.store.release("s")
  return { one, other, close: () => Promise.all([one.store.close(), other.store.close()]) }
}

test("M1: a stream that was removed then and begun anew has one writer", async () => {
  const { close, one, other } = await begin()
  expect(await one.store.remove("s")).toBe(true)
  await one.store.take("s", ["b"])
  await one.store.sync()
  // Longer than the first writer would have stayed.
  for (let i = 0; i < 20; i++) {
    await one.store.take("s", [`c${i}`])
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  expect(await other.store.append("s", ["d"])).toMatchObject({ _tag: "Claimed" })
  expect((await one.store.ids({})).length).toBe(21)
  await close()
})

test.each(["released", "closed"])("what is %s is secured, and not read again to be known", async (how) => {
  const directory = newFolder()
  const faults = new Faults()
  const make = () => Store.of(open({ directory }, { disk: faults.disk, presence: sockets }))
  const one = await make()
  await one.take("s", ["a"])
  await one.take("s", ["b"])
  expect(await one.head("s")).toMatchObject({ synced: 0 })
  await (how === "released" ? one.release("s") : one.close())
  const other = await make()
  expect(await other.head("s")).toMatchObject({ cursor: { seq: 2 }, synced: 2 })
  if (how === "released") await one.close()
  await other.close()
  const third = await make()
  faults.steps = []
  expect((await Effect.runPromise(third.storage.heads({}))).map(({ synced }) => synced)).toEqual([2])
  expect(faults.steps.filter((step) => step.endsWith(".jsonl"))).toEqual([])
  await third.close()
})

test("the next sync secures it", async () => {
  const { close, one } = await begin()
  await one.store.sync()
  expect(await one.store.head("s")).toMatchObject({ cursor: { seq: 1 }, synced: 1 })
  await close()
})

test("a sync that cannot, since somebody else owns the stream by now, says so until they have secured it", async () => {
  const { close, one, other } = await begin()
  other.faults.held = []
  const pending = other.store.append("s", ["b"], { durability: "synced" })
  await expect.poll(() => other.faults.held?.length).toBe(1)
  await expect(one.store.sync()).rejects.toMatchObject({ cause: { _tag: "Busy", stream: "s" } })
  other.faults.goOn()
  expect(await pending).toMatchObject({ _tag: "Appended", seqs: [2] })
  await one.store.sync()
  await close()
})

test("nothing is left of it where the stream was removed", async () => {
  const { close, one } = await begin()
  await one.store.remove("s")
  one.faults.steps = []
  await one.store.sync()
  expect(one.faults.steps).toEqual([])
  await close()
})
