/** What an application meets, each by name, and that one copy stays after a retry. */
import { EventSet, MemoryStorage, Varve } from "@varve/core"
import { Schema } from "effect"
import { expect, test } from "vitest"
import { troubled } from "../src/index.ts"

class Notes extends EventSet.make({ Written: { text: Schema.String } }) {}

const open = async () => {
  const trouble = troubled(MemoryStorage.layer)
  return { trouble, log: await Varve.open({ events: Notes, storage: trouble.storage }) }
}

const note = (id: string) => Notes.Written({ text: id }, { id })

test.each([
  ["rejected", "AppendRejected", []],
  ["unknown, not written", "AppendUnknown", []],
  ["unknown, written", "AppendUnknown", ["a"]],
  ["claimed", "Busy", []],
  ["conflict", "Conflict", []]
] as const)("%s is told as %s, and a retry leaves one copy", async (kind, tag, left) => {
  const { log, trouble } = await open()
  trouble.append(kind)
  await expect(log.append("s", note("a"), { expected: 0 })).rejects.toMatchObject({ _tag: tag })
  const ids = async () => {
    const found: Array<string> = []
    for await (const { id } of log.read("s")) found.push(id)
    return found
  }
  expect(await ids()).toEqual(left)
  await log.append("s", note("a"))
  expect(await ids()).toEqual(["a"])
})

test("a slow append holds back its stream until it is released", async () => {
  const { log, trouble } = await open()
  trouble.append("slow")
  const [first, second] = [log.append("s", note("a")), log.append("s", note("b"))]
  // What is asked for side by side shares a call.
  await new Promise((resolve) => setTimeout(resolve))
  const other = await log.append("other", note("c"))
  expect(other.head?.cursor.seq).toBe(1)
  trouble.release()
  expect([(await first).head?.cursor.seq, (await second).head?.cursor.seq]).toEqual([1, 2])
})

test("a failing read is told, and the next one works", async () => {
  const { log, trouble } = await open()
  await log.append("s", note("a"))
  trouble.query(1)
  await expect(log.read("s")[Symbol.asyncIterator]().next()).rejects.toMatchObject({ _tag: "StorageError" })
  expect((await log.read("s")[Symbol.asyncIterator]().next()).value).toMatchObject({ id: "a" })
})

test("lost events are told to whoever follows from a cursor of theirs, and the next follow goes on", async () => {
  const { log, trouble } = await open()
  const { head } = await log.append("s", [note("a"), note("b")])
  trouble.resync(1)
  const follow = () => log.follow("s", { after: head!.cursor })[Symbol.asyncIterator]()
  expect((await follow().next()).value).toMatchObject({ _tag: "Resync", reason: "lost" })
  expect((await follow().next()).value).toMatchObject({ _tag: "CaughtUp" })
})
