import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { describe, expect, test } from "vitest"
import { open } from "../src/open.ts"
import { sockets } from "../src/Presence.ts"
import { Faults } from "./Faults.ts"
import { event, newFolder, Running, Store } from "./Store.ts"

/** A stream `s` with one synced event, on a disk that can fail. */
const begin = async () => {
  const directory = newFolder()
  const faults = new Faults()
  const options = { directory, onNotice: () => expect.fail("what nobody was promised is no loss") }
  const store = await Store.of(open(options, { disk: faults.disk, presence: sockets }))
  await store.take("s", ["first"], { durability: "synced" })
  const file = `${directory}/s.jsonl`
  faults.steps = []
  return { directory, faults, file, store, size: () => fs.statSync(file).size }
}

const unknown = (code: string) => ({ _tag: "Failed", reached: "unknown", cause: { code } })
const rejected = (code: string) => ({ _tag: "Failed", reached: "rejected", cause: { code } })

/** Every line is whole JSON: nothing was appended behind a part of a line. */
const everyLine = (file: string) =>
  fs
    .readFileSync(file, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown)

describe("what is done for an append", () => {
  test("one write, and one sync where it is asked for, then a proof that isn't synced", async () => {
    const { faults, store } = await begin()
    await store.take("s", ["a", "b"])
    expect(faults.steps.map((step) => step.replace(/ \d.*/, ""))).toEqual(["write s.jsonl"])
    faults.steps = []
    await store.take("s", ["c", "d"], { durability: "synced" })
    expect(faults.steps.map((step) => step.replace(/ \d.*/, ""))).toEqual([
      "write s.jsonl",
      "fdatasync s.jsonl",
      "write s.jsonl"
    ])
    faults.steps = []
    await store.take("s", ["c", "d"], { durability: "synced" })
    expect(faults.steps).toEqual([])
    await store.close()
  })

  test("A1: the first sync of a new file syncs its folder before it is acknowledged", async () => {
    const { directory, faults, store } = await begin()
    await store.take("t", ["a"])
    faults.steps = []
    await store.take("t", ["b"], { durability: "synced" })
    const folder = directory.slice(directory.lastIndexOf("/") + 1)
    expect(faults.steps.map((step) => step.replace(/ \d+\+.*/, ""))).toEqual([
      "write t.jsonl",
      "fdatasync t.jsonl",
      `open ${folder}`,
      `fsync ${folder}`,
      `close ${folder}`,
      "write t.jsonl"
    ])
    await store.close()
  })

  test("the files of a call are synced side by side", async () => {
    const { faults, store } = await begin()
    const groups = ["s", "t", "u"].map((stream) => ({
      stream,
      events: [event("x")],
      durability: "synced" as const
    }))
    await store.appendAll(groups)
    faults.steps = []
    await store.appendAll(groups.map((group) => ({ ...group, events: [event("y")] })))
    const kinds = faults.steps.map((step) => step.slice(0, 5))
    expect(kinds.slice(0, 6)).toEqual(["write", "fdata", "write", "fdata", "write", "fdata"])
    await store.close()
  })

  test("a duplicate of what was only written is synced before it is acknowledged as synced", async () => {
    const { faults, store } = await begin()
    await store.take("s", ["a"])
    faults.steps = []
    expect(await store.take("s", ["a"], { durability: "synced" })).toMatchObject({
      duplicates: [0],
      durability: "synced",
      head: { synced: 2 }
    })
    expect(faults.steps[0]).toBe("fdatasync s.jsonl")
    await store.close()
  })

  test("what nobody asks to be synced is synced now and then, so that a takeover has little to write again", async () => {
    const { faults, store } = await begin()
    const data = JSON.stringify("x".repeat(4 * 2 ** 20))
    for (let i = 0; i < 9; i++) await store.take("s", [event(`e${i}`, { data })])
    await expect.poll(() => store.head("s")).toMatchObject({ synced: 9 })
    expect(faults.steps.filter((step) => step.startsWith("fdatasync")).length).toBe(1)
    await store.close()
  })
})

describe("A4, A5, A6: what fails is unknown, and nothing is acknowledged before it is written and synced anew", () => {
  test("a sync that fails: everything behind the last proof is rewritten through a new descriptor", async () => {
    const { faults, file, size, store } = await begin()
    await store.take("s", ["written"])
    const { proven } = everyLine(file).at(-1) as { proven: number }
    faults.fail("fdatasync s.jsonl", "EIO")
    expect(await store.append("s", ["a"], { durability: "synced" })).toMatchObject(unknown("EIO"))
    // It reads back, which proves nothing: heads vouch for what was secured before.
    expect(await store.head("s")).toMatchObject({ cursor: { seq: 3 }, synced: 1 })
    faults.steps = []
    const end = size()
    expect(await store.append("s", ["written"])).toMatchObject({ _tag: "Appended", duplicates: [0] })
    expect(faults.steps).toEqual([
      "open s.jsonl",
      "open s.jsonl",
      `write s.jsonl ${proven}+${end - proven}`,
      "fdatasync s.jsonl",
      "close s.jsonl"
    ])
    expect(await store.head("s")).toMatchObject({ cursor: { seq: 3 }, synced: 3 })
    expect(await store.take("s", ["a"], { durability: "synced" })).toMatchObject({
      duplicates: [0],
      seqs: [3]
    })
    await store.close()
  })

  test("as long as syncs fail nothing is acknowledged, duplicates included; sync says so too", async () => {
    const { faults, store } = await begin()
    faults.fail("fdatasync s.jsonl", "EIO", true)
    expect(await store.append("s", ["a"], { durability: "synced" })).toMatchObject(unknown("EIO"))
    for (const id of ["first", "a", "b"])
      expect(await store.append("s", [id]), id).toMatchObject(rejected("EIO"))
    await expect(store.sync()).rejects.toMatchObject({ _tag: "StorageError" })
    faults.before = () => undefined
    await store.sync()
    expect(await store.head("s")).toMatchObject({ cursor: { seq: 2 }, synced: 2 })
    expect(await store.take("s", ["a", "b"])).toMatchObject({ seqs: [2, 3], duplicates: [0] })
    await store.close()
  })

  test("another owner rewrites, too, whatever became of the first", async () => {
    const { directory, faults, store } = await begin()
    faults.fail("fdatasync s.jsonl", "EIO", true)
    await store.append("s", ["a"], { durability: "synced" })
    await store.release("s")
    const other = new Faults()
    const next = await Store.of(open({ directory }, { disk: other.disk, presence: sockets }))
    expect(await next.take("s", ["a"])).toMatchObject({ duplicates: [0], durability: "synced" })
    const steps = other.steps.filter((step) => /^(write|fdatasync) s/.test(step))
    expect(steps.map((step) => step.split(" ")[0])).toEqual(["write", "fdatasync"])
    await next.close()
    faults.before = () => undefined
    await store.close()
  })

  test("a write that takes a part and then fails: cut before anything comes behind it", async () => {
    const { faults, file, size, store } = await begin()
    const before = size()
    let writes = 0
    faults.mostBytes = 40
    faults.before = (step) => {
      if (step.startsWith("write s.jsonl") && ++writes === 3)
        throw Object.assign(new Error("planted"), { code: "ENOSPC" })
    }
    expect(await store.append("s", ["a"])).toMatchObject(unknown("ENOSPC"))
    expect(size()).toBe(before + 80)
    faults.mostBytes = Infinity
    expect(await store.append("s", ["b"])).toMatchObject({ _tag: "Appended", seqs: [2] })
    everyLine(file)
    expect(await store.ids({})).toEqual(["first", "b"])
    await store.close()
  })

  test("short writes are completed", async () => {
    const { faults, file, store } = await begin()
    faults.mostBytes = 7
    await store.take("s", ["a", "b"], { durability: "synced" })
    everyLine(file)
    expect(await store.ids({})).toEqual(["first", "a", "b"])
    await store.close()
  })

  test("a proof that cannot be written leaves what was asked for secured", async () => {
    const { faults, file, store } = await begin()
    let writes = 0
    faults.mostBytes = 400
    faults.before = (step) => {
      if (step.startsWith("write s.jsonl") && ++writes === 2) faults.mostBytes = 9
      if (writes === 3) throw Object.assign(new Error("planted"), { code: "ENOSPC" })
    }
    expect(await store.append("s", ["a"], { durability: "synced" })).toMatchObject({
      _tag: "Appended",
      durability: "synced"
    })
    faults.before = () => undefined
    faults.mostBytes = Infinity
    expect(await store.take("s", ["a", "b"])).toMatchObject({ seqs: [2, 3], duplicates: [0] })
    everyLine(file)
    await store.close()
  })

  test("A12: what refuses to be encoded, opened or created is rejected and changes nothing", async () => {
    const { directory, faults, store } = await begin()
    expect(await store.append("s", [event("a", { at: Number.NaN })])).toMatchObject({ reached: "rejected" })
    faults.fail("open t.jsonl", "EMFILE", true)
    expect(await store.append("t", ["a"])).toMatchObject(rejected("EMFILE"))
    faults.before = () => undefined
    expect(await store.append("t", ["a"])).toMatchObject({ _tag: "Appended", seqs: [1] })
    expect(await store.append("s", ["a"])).toMatchObject({ _tag: "Appended", seqs: [2] })
    expect(
      fs
        .readdirSync(directory)
        .filter((name) => !name.startsWith("."))
        .sort()
    ).toEqual(["s.jsonl", "t.jsonl"])
    await store.close()
  })
})

describe("A9: what an exit handler appends while the log is being synced", () => {
  /** A sync that the disk hasn't answered, of one written event behind the synced one. */
  const beginSync = async () => {
    const begun = await begin()
    const { faults, store } = begun
    await store.take("s", ["a"])
    faults.held = []
    const synced = store.sync()
    await expect.poll(() => faults.held?.length).toBe(1)
    const appendNow = (id: string, durability: "written" | "synced" = "written") =>
      store.storage.appendSync!([{ stream: "s", events: [event(id)], durability }])[0]!
    return { ...begun, synced, appendNow }
  }

  test("is written, and not vouched for by that sync", async () => {
    const { appendNow, directory, faults, file, store, synced } = await beginSync()
    expect(appendNow("b")).toMatchObject({ _tag: "Appended", seqs: [3], durability: "written" })
    expect(appendNow("c")).toMatchObject({ _tag: "Appended", seqs: [4], durability: "written" })
    faults.goOn()
    await synced
    expect(await store.head("s")).toMatchObject({ cursor: { seq: 4 }, synced: 2 })
    const reader = await Store.open(directory)
    expect(await reader.head("s")).toEqual(await store.head("s"))
    expect(await reader.ids({})).toEqual(["first", "a", "b", "c"])
    expect(await store.take("s", ["d"], { durability: "synced" })).toMatchObject({ head: { synced: 5 } })
    everyLine(file)
    await Promise.all([store.close(), reader.close()])
  })

  test("is unknown where it is to be synced, too, and not lost", async () => {
    const { appendNow, faults, store, synced } = await beginSync()
    expect(appendNow("b", "synced")).toMatchObject({ _tag: "Failed", reached: "unknown" })
    expect(appendNow("c")).toMatchObject({ _tag: "Appended", seqs: [4] })
    faults.goOn()
    await synced
    expect(await store.take("s", ["b"], { durability: "synced" })).toMatchObject({
      duplicates: [0],
      durability: "synced",
      head: { synced: 4 }
    })
    await store.close()
  })

  test("is secured anew with the rest where that sync fails", async () => {
    const { appendNow, faults, store, synced } = await beginSync()
    expect(appendNow("b")).toMatchObject({ _tag: "Appended" })
    faults.fail("fdatasync s.jsonl", "EIO")
    faults.goOn()
    await expect(synced).rejects.toMatchObject({ _tag: "StorageError" })
    expect(await store.take("s", ["a", "b"])).toMatchObject({ duplicates: [0, 1], durability: "synced" })
    await store.close()
  })

  test("A6: is cut before anything comes behind it where it takes a part and fails", async () => {
    const { appendNow, faults, file, store, synced } = await beginSync()
    faults.mostBytes = 40
    let writes = 0
    faults.before = (step) => {
      if (step.startsWith("write s.jsonl") && ++writes === 2)
        throw Object.assign(new Error("planted"), { code: "ENOSPC" })
    }
    expect(appendNow("b")).toMatchObject(unknown("ENOSPC"))
    faults.mostBytes = Infinity
    expect(appendNow("c")).toMatchObject({ _tag: "Failed", reached: "rejected" })
    faults.goOn()
    await synced
    expect(await store.take("s", ["d"])).toMatchObject({ seqs: [3] })
    everyLine(file)
    expect(await store.ids({})).toEqual(["first", "a", "d"])
    await store.close()
  })
})

describe("by means of the kernel", () => {
  const hasStrace = spawnSync("strace", ["-e", "trace=fsync", "true"]).status === 0

  test("A5: fdatasync fails once with EIO", { timeout: 60_000 }, async ({ skip }) => {
    if (!hasStrace) skip("strace isn't at hand, so fdatasync cannot be made to fail")
    const directory = newFolder()
    fs.writeFileSync(`${directory}/s.jsonl`, "", { mode: 0o600 })
    const under = [
      "strace",
      "-f",
      "-qq",
      "-o",
      "/dev/null",
      "-P",
      `${directory}/s.jsonl`,
      "-e",
      "trace=fdatasync"
    ]
    const inject = ["-e", "inject=fdatasync:error=EIO:when=2"]
    const program = new Running("appends", [directory, "first", "second", "second"], [...under, ...inject])
    expect(JSON.parse(await program.line())).toMatchObject({ _tag: "Appended", seqs: [1] })
    expect(JSON.parse(await program.line())).toMatchObject({ _tag: "Failed", reached: "unknown" })
    expect(JSON.parse(await program.line())).toMatchObject({ _tag: "Appended", seqs: [2], duplicates: [0] })
    expect(await program.ended).toBe(0)
  })

  test("A6: a full disk", { timeout: 60_000 }, async ({ skip }) => {
    const directory = newFolder()
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", directory])
    if (mounted.status !== 0) skip("only root may mount a small disk")
    try {
      const store = await Store.open(directory, { onNotice: () => undefined })
      const taken: Array<string> = []
      let failed = 0
      for (let i = 0; i < 40; i++) {
        const outcome = await store.append("s", [event(`e${i}`, { data: JSON.stringify("x".repeat(3000)) })])
        if (outcome._tag === "Appended") taken.push(`e${i}`)
        else failed++
      }
      expect(failed).toBeGreaterThan(10)
      everyLine(`${directory}/s.jsonl`)
      expect(await store.ids({})).toEqual(taken)
      fs.writeFileSync(`${directory}/t`, "")
      spawnSync("mount", ["-o", "remount,size=1m", directory])
      expect(await store.append("s", ["after"])).toMatchObject({ _tag: "Appended", seqs: [taken.length + 1] })
      everyLine(`${directory}/s.jsonl`)
      await store.close()
    } finally {
      spawnSync("umount", [directory])
    }
  })
})
