import * as fs from "node:fs"
import * as path from "node:path"
import Sqlite from "better-sqlite3"
import { Effect } from "effect"
import { describe, expect, test } from "vitest"
import { nodeProblem, openFailed } from "../src/open.ts"
import { event, newFile, refusal, run, Store } from "./Store.ts"

describe("opening", () => {
  test("makes a store where there is nothing, and opens it again", async () => {
    const file = newFile("a/b/store.db")
    const first = await Store.open(file)
    await first.append("s", ["a"])
    await first.close()
    const second = await Store.open(file)
    expect(await second.ids({})).toEqual(["a"])
  })

  test("opening and reading an existing store writes nothing", async () => {
    const file = newFile()
    const first = await Store.open(file)
    await first.append("s", ["a"])
    await first.close()
    const before = fs.readFileSync(file)
    const second = await Store.open(file)
    await second.ids({})
    await second.head("s")
    await second.close()
    expect(fs.readFileSync(file).equals(before)).toBe(true)
    expect(fs.readdirSync(path.dirname(file))).toEqual(["store.db"])
  })

  test.each([
    ["a newer", 99, "newer-version"],
    ["an older", 1, "unsupported"]
  ])("a store of %s version is refused and left alone", async (_, version, reason) => {
    const file = newFile()
    await (await Store.open(file)).close()
    const db = new Sqlite(file)
    db.pragma(`user_version = ${version}`)
    db.close()
    const before = fs.readFileSync(file)
    expect(await refusal(file)).toMatchObject({ _tag: "OpenFailed", reason, file })
    expect(fs.readFileSync(file).equals(before)).toBe(true)
  })

  test("a file that isn't a store is refused and left alone", async () => {
    const text = newFile("notes.txt")
    fs.writeFileSync(
      text,
      "These are my notes, and they are longer than a header of SQLite, which has a hundred bytes. ".repeat(9)
    )
    const other = newFile("other.db")
    const db = new Sqlite(other)
    db.exec("CREATE TABLE cats(name TEXT)")
    db.close()
    for (const file of [text, other]) {
      const before = fs.readFileSync(file)
      expect(await refusal(file)).toMatchObject({ _tag: "OpenFailed", reason: "not-a-store", file })
      expect(fs.readFileSync(file).equals(before)).toBe(true)
    }
  })

  test("a place that cannot be reached is refused", async () => {
    const file = newFile()
    fs.writeFileSync(file, "")
    expect(await refusal(path.join(file, "below", "store.db"))).toMatchObject({
      _tag: "OpenFailed",
      reason: "unreachable"
    })
    expect(await refusal(path.dirname(file))).toMatchObject({ _tag: "OpenFailed", reason: "not-a-store" })
    expect(await refusal(newFile("blank "))).toMatchObject({ _tag: "OpenFailed", reason: "unreachable" })
    expect(await refusal(newFile("nul\0"))).toMatchObject({ _tag: "OpenFailed", reason: "unreachable" })
  })

  test("S3 links: a symbolic link is refused, and its target is left alone", async () => {
    const target = newFile("target")
    const link = path.join(path.dirname(target), "link.db")
    fs.symlinkSync(target, link)
    expect(await refusal(link)).toMatchObject({ _tag: "OpenFailed", reason: "not-a-store", file: link })
    expect(fs.existsSync(target)).toBe(false)
  })

  test("S2 private: folders are 0700 and files 0600 whatever the umask, and a folder that was there keeps its mode", () => {
    for (const umask of ["0", "22", "777"]) {
      const file = newFile("made/here/store.db")
      fs.chmodSync(path.dirname(path.dirname(path.dirname(file))), 0o755)
      run("modes", [umask, file])
      const modes = JSON.parse(fs.readFileSync(`${file}.modes`, "utf8")) as Record<string, string>
      expect(modes, `umask ${umask}`).toEqual({
        "../..": "755",
        "..": "700",
        ".": "700",
        "store.db": "600",
        "store.db-shm": "600",
        "store.db-wal": "600"
      })
    }
  })

  test("a busyTimeout that is none is refused by its name, and makes no file", async () => {
    for (const busyTimeout of [Number.NaN, -1, Number.NEGATIVE_INFINITY]) {
      const file = newFile()
      expect(await refusal(file, { busyTimeout })).toMatchObject({
        _tag: "OpenFailed",
        reason: "unsupported",
        problem: `busyTimeout takes ms, 0 or more, not ${busyTimeout}`
      })
      expect(fs.existsSync(file)).toBe(false)
    }
    for (const busyTimeout of [0, Infinity])
      expect(await (await Store.open(newFile(), { busyTimeout })).take("s", ["a"])).toMatchObject({
        seqs: [1]
      })
  })

  test("Node that is too old is named", () => {
    expect(nodeProblem("20.20.2")).toMatch(/needs Node 22\.18 or newer, this is Node 20\.20\.2/)
    expect(nodeProblem("22.17.1")).toBeDefined()
    expect([nodeProblem("22.18.0"), nodeProblem("24.21.0"), nodeProblem("25.0.0")]).toEqual([
      undefined,
      undefined,
      undefined
    ])
  })

  test("a driver without a binary for this platform is told as such, not as a file that cannot be opened", () => {
    for (const code of ["MODULE_NOT_FOUND", "ERR_DLOPEN_FAILED"]) {
      const { problem, reason } = openFailed("store.db", Object.assign(new Error("no binary"), { code }))
      expect(reason).toBe("unsupported")
      expect(problem).toContain(code)
    }
  })

  test("after closing every call is refused, and the file isn't opened again", async () => {
    for (const file of [newFile(), ":memory:"]) {
      const store = await Store.open(file)
      for (const stream of ["a", "b"]) await store.append(stream, ["1", "2", "3"])
      const { storage } = store
      const late = store.pull({ batchEvents: 1 })[Symbol.asyncIterator]()
      expect((await late.next()).done).toBe(false)
      await store.close()
      const closed = expect.objectContaining({ message: expect.stringContaining("closed") })
      const calls: Record<string, () => Promise<unknown>> = {
        heads: () => store.head("a"),
        query: () => store.ids({}),
        "total order": () => store.ids({ order: "total" }),
        "a page pulled late": async () => {
          while (!(await late.next()).done);
        },
        remove: () => store.remove("a"),
        // In memory there is nothing to secure.
        ...(file === ":memory:" ? {} : { sync: () => store.sync() }),
        load: () => Effect.runPromise(storage.snapshots.load("p", ["a"])),
        save: () => Effect.runPromise(storage.snapshots.save([])),
        drop: () => Effect.runPromise(storage.snapshots.drop())
      }
      for (const [what, call] of Object.entries(calls))
        await expect(call(), `${what} of ${file}`).rejects.toMatchObject({
          _tag: "StorageError",
          cause: closed,
          message: expect.stringContaining("is closed; open it again")
        })
      const failed = { _tag: "Failed", reached: "rejected", cause: closed }
      const group = { stream: "a", events: [event("4")], durability: "synced" } as const
      expect(await store.appendAll([group])).toMatchObject([failed])
      expect(storage.appendSync!([group])).toMatchObject([failed])
      if (file === ":memory:") continue
      expect(fs.readdirSync(path.dirname(file))).toEqual(["store.db"])
      expect(await (await Store.open(file)).ids({})).toEqual(["1", "2", "3", "1", "2", "3"])
    }
  })

  test("in memory: two stores share nothing, and receipts don't promise what isn't kept", async () => {
    const [one, other] = [await Store.open(":memory:"), await Store.open(":memory:")]
    expect(one.storage.supports).toMatchObject({ durability: "none", sharedWriters: false })
    expect(await one.append("s", ["a"], { durability: "synced" })).toMatchObject({
      _tag: "Appended",
      durability: "none",
      head: { synced: 0 }
    })
    await one.sync()
    expect(await one.head("s")).toMatchObject({ synced: 0 })
    expect(await one.remove("s")).toBe(true)
    expect(await other.ids({})).toEqual([])
  })
})
