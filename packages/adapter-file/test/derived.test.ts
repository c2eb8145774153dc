/** N2: what is derived can be lost, cut or changed, and is never what an answer rests on. */
import * as fs from "node:fs"
import { Effect } from "effect"
import { describe, expect, test } from "vitest"
import { open } from "../src/open.ts"
import { sockets } from "../src/Presence.ts"
import { Faults } from "./Faults.ts"
import { event, newFolder, Store } from "./Store.ts"

const heads = (store: Store) => Effect.runPromise(store.storage.heads({}))

/** A few streams with all that a head tells, closed or killed; and what was answered of them. */
const write = async (end: "closed" | "killed" = "closed") => {
  const directory = newFolder()
  const store = await Store.open(directory)
  for (let i = 0; i < 5; i++) {
    const stream = `s${i}`
    await store.take(stream, [event("a", { at: 100 * i, type: `type ${i}` })], {
      durability: i % 2 === 0 ? "synced" : "written",
      attributes: { project: `p${i}` }
    })
    await store.take(stream, [event("b", { seals: i === 3 })])
    await store.take(stream, [], { attributes: { title: `t${i}` } })
  }
  const logs = fs.readdirSync(directory).filter((file) => file.endsWith(".jsonl"))
  const left = logs.map((file) => [`${directory}/${file}`, fs.readFileSync(`${directory}/${file}`)] as const)
  if (end === "closed") await store.sync()
  const answer = { heads: await heads(store), events: await store.events({}) }
  await store.close()
  const index = `${directory}/.varve/heads`
  // Closing secures what a killed process leaves unsecured, and notes that.
  if (end === "killed") for (const [file, bytes] of left) fs.writeFileSync(file, bytes)
  if (end === "killed") fs.rmSync(index)
  return { directory, answer, index }
}

const answerOf = async (directory: string) => {
  const store = await Store.open(directory)
  const answer = { heads: await heads(store), events: await store.events({}) }
  await store.close()
  return answer
}

describe("the index of heads", () => {
  test("R2: with it and without it a damaged log is told by reading and appending it, and hides no other", async () => {
    const { answer, directory, index } = await write()
    const change = (stream: string, text: string) => {
      const file = `${directory}/${stream}.jsonl`
      const bytes = fs.readFileSync(file)
      bytes[bytes.indexOf(text) + 1]! ^= 1
      fs.writeFileSync(file, bytes)
    }
    change("s0", '"id":"a"')
    // Nothing of this one is known any more.
    change("s2", "salt")
    const wanted = answer.heads.flatMap(({ cursor, stream }) => (stream === "s2" ? [] : [[stream, cursor]]))
    for (const _ of ["with it", "without it"]) {
      const store = await Store.open(directory)
      expect((await heads(store)).map(({ cursor, stream }) => [stream, cursor])).toEqual(wanted)
      for (const stream of ["s0", "s2"]) {
        const damaged = { _tag: "Damaged", stream }
        expect((await store.answered({ streams: [stream] })).error).toMatchObject(damaged)
        expect(await store.append(stream, ["c"])).toMatchObject({ reached: "rejected", cause: damaged })
      }
      expect(await store.ids({ streams: ["s1"] })).toEqual(["a", "b"])
      await store.close()
      fs.rmSync(index)
    }
  })

  test("answers heads without a log being opened, and types and times without its events being read", async () => {
    const { directory, answer } = await write()
    const faults = new Faults()
    const store = await Store.of(open({ directory }, { disk: faults.disk, presence: sockets }))
    faults.steps = []
    expect(await heads(store)).toEqual(answer.heads)
    expect(await store.ids({ types: ["none"] })).toEqual([])
    expect(await store.ids({ until: 0 })).toEqual([])
    expect(faults.steps).toEqual(["open heads", "close heads"])
    expect(await store.ids({ types: ["type 2"] })).toEqual(["a"])
    expect(faults.steps.filter((step) => step.endsWith(".jsonl"))).toEqual([
      "open s2.jsonl",
      "close s2.jsonl"
    ])
    await store.close()
  })

  test("vouches for nothing that a power cut may take: what isn't secured is read again, from the last proof on", async () => {
    const { directory, answer } = await write("killed")
    expect(await answerOf(directory)).toEqual(answer)
    // Size and time stay, as they do where a file system had not yet written the data.
    for (let i = 0; i < 5; i++) {
      const file = `${directory}/s${i}.jsonl`
      const { atime, mtime, size } = fs.statSync(file)
      const bytes = fs.readFileSync(file)
      fs.writeFileSync(file, Buffer.concat([bytes.subarray(0, size - 100), Buffer.alloc(100)]))
      fs.utimesSync(file, atime, mtime)
    }
    const after = await answerOf(directory)
    expect(after.heads.map(({ attributes }) => attributes["title"])).toEqual(
      [0, 1, 2, 3, 4].map(() => undefined)
    )
    fs.rmSync(`${directory}/.varve/heads`)
    expect(await answerOf(directory)).toEqual(after)
  })

  test("deleted, cut, or with any byte changed, nothing is answered otherwise, and it is mended", async () => {
    const { directory, answer, index } = await write()
    const bytes = fs.readFileSync(index)
    fs.rmSync(index)
    expect(await answerOf(directory)).toEqual(answer)
    expect(fs.existsSync(index)).toBe(true)
    for (let at = 0; at < bytes.length; at += 37) {
      const changed = Buffer.from(bytes)
      changed[at]! ^= 1
      fs.writeFileSync(index, at % 2 === 0 ? changed : bytes.subarray(0, at))
      expect(await answerOf(directory), `byte ${at}`).toEqual(answer)
    }
    fs.writeFileSync(index, bytes)
    expect(await answerOf(directory)).toEqual(answer)
  })

  test("a log that grew, was removed, or was brought back from a backup is not mistaken", async () => {
    const { directory, index } = await write()
    const old = fs.readFileSync(index)
    const backup = fs.readFileSync(`${directory}/s0.jsonl`)
    const store = await Store.open(directory)
    await store.take("s0", ["new"])
    await store.remove("s1")
    await store.remove("s2")
    await store.take("s2", [event("other", { at: 7 })])
    await store.sync()
    const grown = { heads: await heads(store), events: await store.events({}) }
    await store.close()
    const grownIndex = fs.readFileSync(index)
    fs.writeFileSync(index, old)
    expect(await answerOf(directory)).toEqual(grown)
    // Over the longer one, and then written on.
    fs.writeFileSync(`${directory}/s0.jsonl`, backup)
    const again = await Store.open(directory)
    expect(await again.take("s0", ["newer"])).toMatchObject({ seqs: [3] })
    expect(await again.ids({ streams: ["s0"] })).toEqual(["a", "b", "newer"])
    // Longer now than the index knows it to be, but another log behind the backup.
    for (let i = 0; i < 3; i++) await again.take("s0", [`newer ${i}`])
    await again.sync()
    const restored = { heads: await heads(again), events: await again.events({}) }
    await again.close()
    fs.writeFileSync(index, grownIndex)
    expect(await answerOf(directory)).toEqual(restored)
  })

  test("it is written where much is new, not for each stream of many", async () => {
    const directory = newFolder()
    let store = await Store.open(directory)
    for (let i = 0; i < 20; i++) await store.take(`s${i}`, ["a"], { durability: "synced" })
    await store.close()
    const { mtimeMs } = fs.statSync(`${directory}/.varve/heads`)
    store = await Store.open(directory)
    await store.take("s0", ["b"], { durability: "synced" })
    const answer = await heads(store)
    await store.close()
    expect(fs.statSync(`${directory}/.varve/heads`).mtimeMs).toBe(mtimeMs)
    expect((await answerOf(directory)).heads).toEqual(answer)
  })
})
