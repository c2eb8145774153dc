/** S1 to S4, and V1: what lies in the folder, under which names and modes, and what goes with a stream. */
import * as fs from "node:fs"
import * as path from "node:path"
import type { Cursor, StoredSnapshot } from "@varve/core"
import { Effect } from "effect"
import { describe, expect, test } from "vitest"
import { fileNameOf, nameOfFile } from "../src/fileName.ts"
import { open } from "../src/open.ts"
import { sockets } from "../src/Presence.ts"
import { Faults } from "./Faults.ts"
import { event, newFolder, Running, Store } from "./Store.ts"

const visible = (directory: string) => fs.readdirSync(directory).filter((name) => !name.startsWith("."))

const snapshotAt = (cursor: Cursor): StoredSnapshot => ({
  stream: "s",
  projection: "p",
  version: 1,
  cursor,
  state: "[1]",
  check: "c"
})

describe("S1 names", () => {
  const names = [
    "a",
    "A",
    "..",
    ".",
    "a/b",
    "a\\b",
    "../../etc/passwd",
    "/",
    "CON",
    "con",
    "Con",
    "nul",
    "com1",
    "COM1",
    "lpt9",
    "con.x",
    "a.b",
    "a b",
    " a",
    "a ",
    "a.",
    "%41",
    "%",
    "%25",
    "é",
    "e\u0301",
    "\u{1f600}",
    "ﬁ",
    "ß",
    "SS",
    "ı",
    "i",
    "I",
    "~",
    "a~b",
    "-",
    "_",
    "a:b",
    "a*?b",
    "x".repeat(1000),
    "X".repeat(1000),
    `${"x".repeat(999)}y`,
    "é".repeat(500),
    "s.jsonl",
    ".varve"
  ]

  test("differ also where file names ignore case or are normalised, stay in the folder, and are short enough", () => {
    const files = names.map((name) => fileNameOf(name))
    const folded = files.map((file) => file.normalize("NFKD").toLowerCase())
    expect(new Set(folded).size).toBe(names.length)
    for (const [i, file] of files.entries()) {
      expect(file).toMatch(/^[a-z0-9_%~-]{1,200}$/)
      expect(file).not.toMatch(/^(con|prn|aux|nul|com\d|lpt\d)$/)
      const name = names[i]!
      expect([name, undefined]).toContain(nameOfFile(file))
      if (name.length < 100) expect(nameOfFile(file)).toBe(name)
    }
    expect(fileNameOf("2025-11-21_session")).toBe("2025-11-21_session")
    // Other people's files are no streams.
    for (const file of ["A", "%4", "%4g", "%41%", "%C3%A9", "%61", "con", ""])
      expect(nameOfFile(file)).toBe(undefined)
  })

  test("every name is stored, listed after opening again, and removed", async () => {
    const directory = newFolder()
    let store = await Store.open(directory)
    for (const name of names) await store.take(name, [event(`of ${name}`.slice(0, 500))])
    await store.close()
    store = await Store.open(directory)
    const heads = await Effect.runPromise(store.storage.heads({}))
    expect(heads.map(({ stream }) => stream).sort()).toEqual([...names].sort())
    expect(visible(directory).length).toBe(names.length)
    for (const name of names) {
      expect((await store.ids({ streams: [name] }))[0]).toBe(`of ${name}`.slice(0, 500))
      expect(await store.remove(name)).toBe(true)
    }
    expect(visible(directory)).toEqual([])
    await store.close()
  })
})

describe("S2 private", () => {
  test.each(["000", "277"])("whatever the umask is, %s", { timeout: 20_000 }, async (umask) => {
    const directory = path.join(newFolder(), "new")
    const running = new Running("modes", [umask, directory])
    const found = JSON.parse(await running.line()) as ReadonlyArray<readonly [string, string, string]>
    expect(found.map(([name]) => name.replace(/.*\./, "."))).toEqual(
      expect.arrayContaining([".jsonl", ".torn", ".json", ".claim", ".card"])
    )
    for (const [name, kind, mode] of found) {
      if (!name.endsWith(".socket")) expect([name, mode]).toEqual([name, kind === "folder" ? "700" : "600"])
    }
  })
})

describe("S3 links", () => {
  test("a symbolic link is no log: nothing is read or written through it", async () => {
    const [directory, elsewhere] = [newFolder(), newFolder()]
    const other = await Store.open(elsewhere)
    await other.take("s", ["secret"])
    await other.close()
    const before = fs.readFileSync(`${elsewhere}/s.jsonl`)
    fs.symlinkSync(`${elsewhere}/s.jsonl`, `${directory}/s.jsonl`)
    fs.symlinkSync(`${elsewhere}/none.jsonl`, `${directory}/t.jsonl`)
    const store = await Store.open(directory)
    for (const stream of ["s", "t"]) {
      expect(await store.ids({ streams: [stream] })).toEqual([])
      expect(await store.append(stream, ["a"])).toMatchObject({ _tag: "Failed", reached: "rejected" })
    }
    expect(await store.ids({})).toEqual([])
    await store.close()
    expect(fs.readFileSync(`${elsewhere}/s.jsonl`)).toEqual(before)
    expect(visible(elsewhere)).toEqual(["s.jsonl"])
  })

  test("a snapshot replaces a link and leaves what it pointed to", async () => {
    const [directory, elsewhere] = [newFolder(), newFolder()]
    fs.writeFileSync(`${elsewhere}/target`, "mine")
    const store = await Store.open(directory)
    const { head } = await store.take("s", ["a"])
    const snapshot = snapshotAt(head!.cursor)
    fs.mkdirSync(`${directory}/.varve/snapshots/s`, { recursive: true })
    fs.symlinkSync(`${elsewhere}/target`, `${directory}/.varve/snapshots/s/p.json`)
    await expect(Effect.runPromise(store.storage.snapshots.load("p", ["s"]))).rejects.toThrow()
    await Effect.runPromise(store.storage.snapshots.save([snapshot]))
    expect(await Effect.runPromise(store.storage.snapshots.load("p", ["s"]))).toEqual([snapshot])
    expect(fs.readFileSync(`${elsewhere}/target`, "utf8")).toBe("mine")
    await store.close()
  })
})

describe("N3 never-half", () => {
  test("a snapshot that is cut anywhere or changed in its first line is not answered", async () => {
    const directory = newFolder()
    const store = await Store.open(directory)
    const { head } = await store.take("s", ["a"])
    const snapshot = snapshotAt(head!.cursor)
    await Effect.runPromise(store.storage.snapshots.save([snapshot]))
    const file = `${directory}/.varve/snapshots/s/p.json`
    const bytes = fs.readFileSync(file)
    const load = () => Effect.runPromise(store.storage.snapshots.load("p", ["s"]))
    for (let length = 0; length <= bytes.indexOf(10); length++) {
      fs.writeFileSync(file, bytes.subarray(0, length))
      expect(await load(), `cut at ${length}`).toEqual([])
    }
    fs.writeFileSync(file, bytes)
    expect(await load()).toEqual([snapshot])
    fs.copyFileSync(file, file.replace("p.json", "q.json"))
    expect(await Effect.runPromise(store.storage.snapshots.load("q", ["s"]))).toEqual([])
    await store.close()
  })
})

describe("S4 bound", () => {
  test("what is far longer than a group costs bounded memory", { timeout: 60_000 }, async () => {
    const directory = newFolder()
    const store = await Store.open(directory, { onNotice: () => undefined })
    await store.take("s", ["a"], { durability: "synced" })
    await store.release("s")
    // Sparse: takes no place on the disk.
    fs.truncateSync(`${directory}/s.jsonl`, 2 ** 28)
    const before = process.memoryUsage().rss
    let ticks = 0
    const timer = setInterval(() => ticks++, 5)
    expect(await store.ids({ streams: ["s"] })).toEqual(["a"])
    clearInterval(timer)
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20)
    expect(ticks).toBeGreaterThan(10)
    await store.close()
  })

  test("an event of 15 MB is stored and read; a group that no reader would hold is refused", async () => {
    const store = await Store.open(newFolder())
    const data = JSON.stringify("\u{1f600}".repeat(3.75 * 2 ** 20))
    await store.take("s", [event("big", { data })])
    expect((await store.events({ direction: "backward" })).map((e) => e.data === data)).toEqual([true])
    const larger = event("larger", { data: JSON.stringify("x".repeat(50 * 2 ** 20)) })
    expect(await store.append("s", [larger])).toMatchObject({ _tag: "Failed", reached: "rejected" })
    expect((await store.head("s"))!.cursor.seq).toBe(1)
    await store.close()
  })
})

describe("V1 remove", () => {
  test("takes all that belongs to the stream, and nothing of another", async () => {
    const directory = newFolder()
    const store = await Store.open(directory, { onNotice: () => undefined })
    const streams = ["a", "ab", "A", "a.b", "a.torn"]
    for (const stream of streams) {
      await store.take(stream, ["1"])
      await store.release(stream)
      fs.appendFileSync(`${directory}/${fileNameOf(stream)}.jsonl`, "torn")
      const { head } = await store.take(stream, ["2"])
      const snapshot = { stream, projection: "p", version: 1, cursor: head!.cursor, state: "[1]", check: "c" }
      await Effect.runPromise(store.storage.snapshots.save([snapshot]))
    }
    const all = () => fs.readdirSync(directory, { recursive: true, encoding: "utf8" }).sort()
    const before = all()
    expect(before.filter((name) => name.endsWith(".torn")).length).toBe(streams.length)
    await store.remove("a")
    const isOf = (name: string) => /^a\.|\/a(\.|$|\/)/.test(name)
    expect(before.filter(isOf).length).toBe(5)
    expect(all()).toEqual(before.filter((name) => !isOf(name)))
    await store.close()
  })

  test("is durable before it is answered, also where an earlier try failed at the last step", async () => {
    const directory = newFolder()
    const faults = new Faults()
    const store = await Store.of(open({ directory }, { disk: faults.disk, presence: sockets }))
    await store.take("s", ["a"])
    const folder = path.basename(directory)
    faults.fail(`fsync ${folder}`, "EIO")
    await expect(store.remove("s")).rejects.toMatchObject({ _tag: "StorageError", stream: "s" })
    faults.steps = []
    expect(await store.remove("s")).toBe(false)
    expect(faults.steps).toContain(`fsync ${folder}`)
    await store.take("s", ["a"])
    faults.steps = []
    expect(await store.remove("s")).toBe(true)
    expect(faults.steps.indexOf(`fsync ${folder}`)).toBeGreaterThan(faults.steps.indexOf("unlink s.jsonl"))
    await store.close()
  })

  test("among appends to the same stream, asked for at once, each is done alone", async () => {
    const directory = newFolder()
    const store = await Store.open(directory)
    for (let round = 0; round < 20; round++) {
      const asked: Array<Promise<unknown>> = []
      for (let i = 0; i < 12; i++) {
        const durability = i % 3 === 1 ? "written" : "synced"
        // What comes right behind a removal meets what waited for its end.
        if (i % 4 === 1) asked.push(store.remove("s").then(() => store.append("s", [`${round}-${i} behind`])))
        else asked.push(store.append("s", [`${round}-${i}`], { durability }))
        if (i % 5 === 4) asked.push(store.release("s"))
      }
      await Promise.all(asked)
      await store.take("s", ["last"])
      const events = await store.events({ streams: ["s"] })
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1))
      await store.release("s")
      expect(await store.take("s", ["last"])).toMatchObject({ seqs: [events.length], duplicates: [0] })
      await store.remove("s")
    }
    await store.close()
  })
})

describe("opening", () => {
  test("takes an idleTimeout of more than 0 ms, Infinity too, and refuses others by name", async () => {
    for (const idleTimeout of [Number.NaN, 0, -1]) {
      const directory = `${newFolder()}/store`
      await expect(Store.open(directory, { idleTimeout })).rejects.toMatchObject({
        _tag: "OpenFailed",
        reason: "unsupported",
        problem: expect.stringContaining("idleTimeout") as string
      })
      expect(fs.existsSync(directory)).toBe(false)
    }
    const warned: Array<string> = []
    const warn = (warning: Error): void => void warned.push(warning.name)
    process.on("warning", warn)
    const store = await Store.open(newFolder(), { idleTimeout: Infinity })
    await store.take("s", ["a"])
    await store.close()
    process.off("warning", warn)
    expect(warned).toEqual([])
  })

  test("reads no log, and what cannot be opened is said", async () => {
    const directory = newFolder()
    fs.writeFileSync(`${directory}/file`, "")
    await expect(Store.open(`${directory}/file`)).rejects.toMatchObject({
      _tag: "OpenFailed",
      reason: "unreachable",
      file: `${directory}/file`
    })
    const store = await Store.open(`${directory}/a/b/c`)
    await store.close()
    expect(fs.statSync(`${directory}/a`).mode & 0o777).toBe(0o700)
  })
})
