/** M1: at most one owner writes a stream, told apart by who lives, not by clocks or process ids. */
import * as fs from "node:fs"
import type { Appended, Outcome } from "@varve/core"
import { describe, expect, test } from "vitest"
import { open } from "../src/open.ts"
import { sockets } from "../src/Presence.ts"
import { Faults } from "./Faults.ts"
import { event, newFolder, Running, Store } from "./Store.ts"

const writer = async (directory: string): Promise<Running> => {
  const running = new Running("writer", [directory])
  expect(await running.line()).toBe("ready")
  return running
}

const ask = async (running: Running, line: string): Promise<Outcome> => {
  running.tell(line)
  return JSON.parse(await running.line()) as Outcome
}

const claimed = (pid: number | undefined) => ({
  _tag: "Claimed",
  owner: expect.stringContaining(`process ${pid} `)
})
const claims = (directory: string) => fs.readdirSync(`${directory}/.varve/claims`).sort()

describe("two stores of one process", () => {
  test("the second is told the owner, until the first lets go of the stream or closes", async () => {
    const directory = newFolder()
    const [one, other] = [await Store.open(directory), await Store.open(directory)]
    const { head } = await one.take("s", ["a"])
    await one.take("t", ["a"])
    expect(await other.append("s", ["b"])).toMatchObject(claimed(process.pid))
    expect(await other.append("u", ["b"])).toMatchObject({ _tag: "Appended", seqs: [1] })
    await expect(other.remove("s")).rejects.toMatchObject({ _tag: "Busy", stream: "s" })
    await one.release("s")
    const taken = await other.take("s", ["a", "b"])
    expect(taken).toMatchObject({ seqs: [1, 2], duplicates: [0] })
    // The first append after a takeover begins an epoch.
    expect(taken.head!.cursor.epoch).not.toBe(head!.cursor.epoch)
    expect(await one.append("s", ["c"])).toMatchObject(claimed(process.pid))
    expect(await other.append("t", ["c"])).toMatchObject(claimed(process.pid))
    await one.close()
    expect(await other.append("t", ["c"])).toMatchObject({ _tag: "Appended", seqs: [2] })
    await other.close()
    expect(claims(directory)).toEqual([])
  })

  test("a stream that nobody wrote for a while is let go", async () => {
    const directory = newFolder()
    const one = await Store.open(directory, { idleTimeout: 40 })
    const other = await Store.open(directory)
    await one.take("s", ["a"])
    expect(await other.append("s", ["b"])).toMatchObject({ _tag: "Claimed" })
    await expect.poll(() => other.append("s", ["b"])).toMatchObject({ _tag: "Appended", seqs: [2] })
    await Promise.all([one.close(), other.close()])
  })

  test("of 1,000 streams that are written at once, some 256 are held, in a call and in an exit handler", async () => {
    const directory = newFolder()
    const faults = new Faults()
    const store = await Store.of(open({ directory }, { disk: faults.disk, presence: sockets }))
    const groups = (id: string, count: number) =>
      Array.from({ length: count }, (_, i) => ({
        stream: `s${i}`,
        events: [event(id)],
        durability: "written" as const
      }))
    const appended = new Set(["Appended"])
    const outcomes = await store.appendAll(groups("a", 1000))
    expect(new Set(outcomes.map(({ _tag }) => _tag))).toEqual(appended)
    const now = store.storage.appendSync!(groups("b", 300))
    expect(new Set(now.map(({ _tag }) => _tag))).toEqual(appended)
    expect(faults.mostOpenFiles).toBeLessThan(270)
    await store.sync()
    expect((await store.ids({})).length).toBe(1300)
    await store.close()
    expect(faults.openFiles).toBe(0)
    expect(claims(directory)).toEqual([])
  })

  test("readers take no claim, and read what is written beside them", async () => {
    const directory = newFolder()
    const [one, reader] = [await Store.open(directory), await Store.open(directory)]
    for (let i = 1; i <= 20; i++) {
      await one.take("s", [`e${i}`], { durability: i % 5 === 0 ? "synced" : "written" })
      expect((await reader.ids({})).length).toBe(i)
      expect(await reader.head("s")).toEqual(await one.head("s"))
    }
    expect(claims(directory).filter((name) => name.endsWith(".claim"))).toEqual(["s.claim"])
    await Promise.all([one.close(), reader.close()])
  })

  test("the sockets work however long the folder's path is", async () => {
    const directory = `${newFolder()}/${"long/".repeat(40)}`.slice(0, -1)
    const [one, other] = [await Store.open(directory), await Store.open(directory)]
    await one.take("s", ["a"])
    expect(await other.append("s", ["b"])).toMatchObject({ _tag: "Claimed" })
    await one.close()
    expect(await other.append("s", ["b"])).toMatchObject({ _tag: "Appended" })
    await other.close()
  })

  test("a card that a power cut left unreadable has no living owner", async () => {
    const directory = newFolder()
    const store = await Store.open(directory)
    fs.writeFileSync(`${directory}/.varve/claims/s.claim`, Buffer.alloc(80))
    expect(await store.append("s", ["a"])).toMatchObject({ _tag: "Appended" })
    await store.close()
    expect(claims(directory)).toEqual([])
  })

  test("nor have the takers behind it whose links are unreadable too", async () => {
    const directory = newFolder()
    const first = await Store.open(directory)
    await first.take("s", ["a"])
    await first.close()
    for (const name of ["s.claim", "s.claim.after-nobody-1", "s.claim.after-nobody-2"])
      fs.writeFileSync(`${directory}/.varve/claims/${name}`, "")
    const second = await Store.open(directory)
    expect(await second.take("s", ["b"])).toMatchObject({ seqs: [2] })
    expect(claims(directory).filter((name) => name.startsWith("s.claim"))).toEqual(["s.claim"])
  })
})

describe("processes", () => {
  test(
    "a stopped owner still owns; a killed one's streams are taken over at once",
    { timeout: 30_000 },
    async () => {
      const directory = newFolder()
      const [owner, store] = [await writer(directory), await Store.open(directory)]
      expect(await ask(owner, "append s a")).toMatchObject({ _tag: "Appended" })
      const { pid } = owner.child
      expect(await store.append("s", ["b"])).toMatchObject(claimed(pid))
      await owner.kill("SIGSTOP")
      for (let i = 0; i < 5; i++) expect(await store.append("s", ["b"])).toMatchObject(claimed(pid))
      await owner.kill("SIGCONT")
      expect(await ask(owner, "append s c")).toMatchObject({ _tag: "Appended", seqs: [2] })
      await owner.kill()
      expect(await store.append("s", ["b"])).toMatchObject({ _tag: "Appended", seqs: [3] })
      expect(await store.ids({})).toEqual(["a", "c", "b"])
      await store.close()
      // What it left is swept by whoever has time.
      const later = await Store.open(directory, { idleTimeout: 20 })
      await expect.poll(() => claims(directory).length).toBe(2)
      await later.close()
      expect(claims(directory)).toEqual([])
    }
  )

  test("of any number that take over from a dead owner, one wins", { timeout: 30_000 }, async () => {
    const directory = newFolder()
    const owner = await writer(directory)
    const rounds = 12
    for (let i = 0; i < rounds; i++) await ask(owner, `append s${i} a`)
    const others = [await writer(directory), await writer(directory)]
    const stores = await Promise.all(Array.from({ length: 4 }, () => Store.open(directory)))
    await owner.kill()
    for (let i = 0; i < rounds; i++) {
      const outcomes = await Promise.all([
        ...others.map((other, n) => ask(other, `append s${i} p${n}`)),
        ...stores.map((store, n) => store.append(`s${i}`, [`q${n}`]))
      ])
      const winners = outcomes.filter(({ _tag }) => _tag === "Appended") as ReadonlyArray<Appended>
      expect(outcomes.map(({ _tag }) => _tag).sort()).toEqual([
        "Appended",
        ...Array.from({ length: 5 }, () => "Claimed")
      ])
      expect(winners[0]!.seqs).toEqual([2])
      expect((await stores[0]!.ids({ streams: [`s${i}`] })).length).toBe(2)
    }
    await Promise.all(stores.map((store) => store.close()))
    expect(claims(directory).filter((name) => name.includes(".after-"))).toEqual([])
  })

  test("a taker that died on its way is taken over from in turn", { timeout: 30_000 }, async () => {
    const directory = newFolder()
    const [owner, taker] = [await writer(directory), await writer(directory)]
    await ask(owner, "append s a")
    await ask(taker, "append t a")
    const [dead, heir] = ["s", "t"].map((name) => `${directory}/.varve/claims/${name}.claim`) as [
      string,
      string
    ]
    await Promise.all([owner.kill(), taker.kill()])
    // As the taker leaves it that dies between its first step and its last.
    fs.linkSync(heir, `${dead}.after-${JSON.parse(fs.readFileSync(dead, "utf8")).id}`)
    const stores = await Promise.all(Array.from({ length: 4 }, () => Store.open(directory)))
    const outcomes = await Promise.all(stores.map((store, n) => store.append("s", [`q${n}`])))
    expect(outcomes.filter(({ _tag }) => _tag === "Appended").length).toBe(1)
    await Promise.all(stores.map((store) => store.close()))
    expect(claims(directory).filter((name) => name.startsWith("s.claim"))).toEqual([])
  })

  test("several processes write streams of their own side by side", { timeout: 30_000 }, async () => {
    const directory = newFolder()
    const writers = await Promise.all([writer(directory), writer(directory)])
    for (let i = 1; i <= 10; i++) {
      const outcomes = await Promise.all(writers.map((one, n) => ask(one, `append s${n} e${i}`)))
      expect(outcomes).toMatchObject([{ seqs: [i] }, { seqs: [i] }])
    }
  })

  test(
    "A1, A2, D3: killed at any moment, what was acknowledged is there, once, in whole groups",
    { timeout: 60_000 },
    async () => {
      const directory = newFolder()
      const acknowledged: Array<string> = []
      for (let round = 0; round < 3; round++) {
        const running = await writer(directory)
        running.tell(`run s r${round}`)
        for (let i = 0; i < 20 + 30 * round; i++) acknowledged.push(await running.line())
        await running.kill()
      }
      const store = await Store.open(directory)
      await store.take("s", ["after"])
      const ids = await store.ids({})
      expect(new Set(ids).size).toBe(ids.length)
      for (const id of acknowledged) {
        const at = ids.indexOf(`${id}a`)
        expect(ids[at + 1]).toBe(`${id}b`)
      }
      expect(ids.at(-1)).toBe("after")
      expect(ids.length % 2).toBe(1)
      await store.close()
    }
  )
})
