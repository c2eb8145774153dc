import * as fs from "node:fs"
import { spawnSync } from "node:child_process"
import { LogStorage, type Outcome } from "@varve/core"
import { Effect, Layer } from "effect"
import { describe, expect, test } from "vitest"
import { Connection } from "../src/Connection.ts"
import { service } from "../src/service.ts"
import { claimFile } from "../src/StoreFile.ts"
import { Faults } from "./Faults.ts"
import { event, newFile, run, Store } from "./Store.ts"

const open = async () => {
  const file = newFile()
  const faults = new Faults()
  const acquire = Effect.sync(() => new Connection(faults.driver, claimFile(file), 50))
  const layer = Layer.effect(
    LogStorage,
    Effect.map(
      Effect.acquireRelease(acquire, (connection) => Effect.sync(() => connection.close())),
      service
    )
  )
  const store = await Store.of(layer)
  await store.append("s", ["first"], { durability: "synced" })
  faults.steps = []
  return { file, faults, store }
}

const isCommit = (step: string) => step === "COMMIT"
const isInsert = (step: string) => step.startsWith("INSERT INTO events")
const isCheckpoint = (step: string) => step.startsWith("wal_checkpoint")

describe("A4 three-outcomes", () => {
  for (const when of ["before", "behind"] as const) {
    test(`a commit that fails ${when === "before" ? "and wasn't done" : "though it was done"} is unknown; a retry gives one copy`, async () => {
      const { faults, store } = await open()
      faults.failOnce(isCommit, "SQLITE_IOERR_FSYNC", when)
      const groups = [
        { stream: "s", events: [event("a"), event("b")], durability: "synced" },
        { stream: "s2", events: [event("a")], durability: "written" },
        { stream: "s3", events: [event("a")], durability: "written", expected: 7 }
      ] as const
      expect(await store.appendAll(groups)).toMatchObject([
        { _tag: "Failed", reached: "unknown", cause: { code: "SQLITE_IOERR_FSYNC" } },
        { _tag: "Failed", reached: "unknown" },
        // Decided on what is stored: that stands.
        { _tag: "Conflict", actual: undefined }
      ])
      const [again] = await store.appendAll(groups)
      expect(again).toMatchObject({
        _tag: "Appended",
        seqs: [2, 3],
        durability: "synced",
        head: { synced: 3 }
      })
      expect(await store.ids({})).toEqual(["first", "a", "b", "a"])
    })
  }

  test("the number of a type that wasn't stored with its event may be another type's by the next time", async () => {
    const { faults, file, store } = await open()
    const other = await Store.open(file)
    faults.failOnce(isInsert, "SQLITE_FULL")
    expect(await store.append("s", [event("a", { type: "mine" })])).toMatchObject({ reached: "rejected" })
    await other.append("s2", [event("b", { type: "other" })])
    expect(await store.append("s", [event("a", { type: "mine" })])).toMatchObject({ _tag: "Appended" })
    for (const each of [store, other]) {
      const types = (await each.events({})).map(({ id, type }) => [id, type])
      expect(types).toEqual([
        ["first", "chunk"],
        ["a", "mine"],
        ["b", "other"]
      ])
      expect(await each.ids({ types: ["other"] })).toEqual(["b"])
    }
    await other.close()
  })

  test("A7, D1: what isn't stored leaves no type behind, in the file nor in mind", async () => {
    const { file, faults, store } = await open()
    const types = () => faults.count("types")
    const before = types()
    const refused = [
      [event("a", { type: "new" }), event("first", { type: "other" })],
      [event("first", { type: "new" })]
    ]
    for (const events of refused)
      expect(await store.append("s", events)).toMatchObject({ _tag: "IdConflict", id: "first" })
    expect(await store.append("s", [event("a", { type: "new" })], { expected: 7 })).toMatchObject({
      _tag: "Conflict"
    })
    expect(types()).toBe(before)
    const other = await Store.open(file)
    await other.append("s2", [event("b", { type: "other" })])
    // A duplicate stands between them, so that they are inserted, taken back and inserted again.
    const again = [event("a", { type: "new" }), event("first"), event("b", { type: "newer" })]
    expect(await store.append("s", again)).toMatchObject({ _tag: "Appended", seqs: [2, 1, 3] })
    expect(types()).toBe(before + 3)
    for (const each of [store, other]) {
      expect((await each.events({})).map(({ type }) => type)).toEqual(["chunk", "new", "newer", "other"])
      for (const type of ["new", "newer", "other"]) expect((await each.ids({ types: [type] })).length).toBe(1)
    }
    await other.close()
  })

  test("an insert that fails is rejected, nothing of the call is stored, and the next one goes through", async () => {
    const { faults, store } = await open()
    let n = 0
    faults.failOnce((step) => isInsert(step) && ++n === 2, "SQLITE_FULL")
    const rejected = { _tag: "Failed", reached: "rejected", cause: { code: "SQLITE_FULL" } }
    const groups = ["s", "t"].map((stream) => ({
      stream,
      events: [event("a")],
      durability: "written" as const
    }))
    expect(await store.appendAll(groups)).toMatchObject([rejected, rejected])
    expect(await store.ids({})).toEqual(["first"])
    expect(faults.told).not.toContain("open")
    expect(await store.append("s", ["a"])).toMatchObject({ _tag: "Appended", seqs: [2] })
  })

  test("a rollback that fails leaves it unknown", async () => {
    const { faults, store } = await open()
    faults.before = (step) => {
      if (!isInsert(step) && step !== "ROLLBACK") return
      if (step === "ROLLBACK") faults.before = () => {}
      throw Object.assign(new Error("planted"), { code: "SQLITE_FULL" })
    }
    expect(await store.append("s", ["a"])).toMatchObject({ _tag: "Failed", reached: "unknown" })
    expect(await store.append("s", ["a"])).toMatchObject({ _tag: "Appended", seqs: [2] })
    expect(await store.ids({})).toEqual(["first", "a"])
  })

  test("A13 groups-apart: a group that fails by itself fails alone", async () => {
    const { store } = await open()
    await store.append("t", ["known"])
    const outcomes = await store.appendAll([
      { stream: "s", events: [event("a")], durability: "written" },
      {
        stream: "t",
        events: [event("new"), event("known")],
        durability: "written",
        sameContent: () => {
          throw new Error("a lift that throws")
        }
      },
      { stream: "u", events: [event("a", { at: Number.NaN })], durability: "written" },
      { stream: "v", events: [event("a")], durability: "written" }
    ])
    expect(outcomes.map((o: Outcome) => (o._tag === "Failed" ? o.reached : o._tag))).toEqual([
      "Appended",
      "rejected",
      "rejected",
      "Appended"
    ])
    expect((await store.events({})).map(({ stream, id }) => `${stream} ${id}`)).toEqual([
      "s first",
      "s a",
      "t known",
      "v a"
    ])
  })
})

describe("A5 unproven-is-rewritten", () => {
  test("after a failed commit a new connection checkpoints everything before the next write", async () => {
    const { faults, store } = await open()
    const { epoch } = (await store.head("s"))!.cursor
    faults.steps = []
    faults.failOnce(isCommit, "SQLITE_IOERR_FSYNC")
    await store.append("s", ["a"])
    expect(faults.told).toEqual([
      "BEGIN IMMEDIATE",
      "INSERT INTO events",
      "COMMIT",
      "close",
      "open",
      "wal_checkpoint(TRUNCATE)",
      "BEGIN IMMEDIATE",
      "COMMIT"
    ])
    faults.steps = []
    await store.append("s", ["a"])
    expect(faults.told).toEqual(["BEGIN IMMEDIATE", "INSERT INTO events", "COMMIT"])
    // Loss cannot be excluded, so it is an opening like any other.
    expect((await store.head("s"))!.cursor.epoch).not.toBe(epoch)
  })

  test("a failed write within a transaction, or of a checkpoint, counts as well", async () => {
    const { faults, store } = await open()
    faults.failOnce(isInsert, "SQLITE_IOERR_WRITE")
    expect(await store.append("s", ["a"])).toMatchObject({ _tag: "Failed", reached: "rejected" })
    expect(faults.told).toContain("wal_checkpoint(TRUNCATE)")
  })

  test("as long as the checkpoint fails nothing is acknowledged, duplicates included, and heads vouch for nothing new", async () => {
    const { faults, store } = await open()
    await store.append("s", ["written"])
    let broken = true
    faults.behind = (step) => {
      if (isCommit(step) && broken) throw Object.assign(new Error("planted"), { code: "SQLITE_IOERR_FSYNC" })
    }
    faults.before = (step) => {
      if (isCheckpoint(step) && broken)
        throw Object.assign(new Error("planted"), { code: "SQLITE_IOERR_WRITE" })
    }
    expect(await store.append("s", ["synced"], { durability: "synced" })).toMatchObject({
      _tag: "Failed",
      reached: "unknown"
    })
    // It is there, and says of itself that it is secured; nobody knows that.
    expect(await store.ids({})).toEqual(["first", "written", "synced"])
    expect(await store.head("s")).toMatchObject({ cursor: { seq: 3 }, synced: 1 })
    for (const id of ["first", "synced", "new"]) {
      expect(await store.append("s", [id]), id).toMatchObject({
        _tag: "Failed",
        reached: "rejected",
        cause: { code: "SQLITE_IOERR_WRITE" }
      })
    }
    broken = false
    expect(await store.append("s", ["synced"], { durability: "synced" })).toMatchObject({
      _tag: "Appended",
      duplicates: [0],
      durability: "synced"
    })
    expect(await store.head("s")).toMatchObject({ cursor: { seq: 3 }, synced: 3 })
  })

  test("what another opening left is checkpointed before the first acknowledgement, by a reader never", async () => {
    const { file, faults, store } = await open()
    await store.append("s", ["left in the WAL"])
    const beside = new Faults()
    const connection = new Connection(beside.driver, file, 50)
    const storage = service(connection)
    await Effect.runPromise(storage.heads({}))
    expect(beside.told).toEqual(["open"])
    await Effect.runPromise(
      storage.append([{ stream: "s", events: [event("first")], durability: "written" }])
    )
    expect(beside.told.slice(0, 3)).toEqual(["open", "wal_checkpoint(TRUNCATE)", "BEGIN IMMEDIATE"])
    connection.close()
    expect(faults.told).not.toContain("open")
  })
})

describe("by means of the kernel", () => {
  test("A5: fsync fails once with EIO", { timeout: 60_000 }, ({ skip }) => {
    if (spawnSync("strace", ["-e", "trace=fsync", "true"]).status !== 0) {
      console.log("Skipped: strace isn't at hand, so fsync cannot be made to fail")
      skip()
    }
    const dry = newFile()
    run(
      "failing",
      [dry],
      ["strace", "-f", "-qq", "-e", "trace=fsync,fdatasync,access,faccessat,faccessat2", "-o", `${dry}.trace`]
    )
    const [before] = fs.readFileSync(`${dry}.trace`, "utf8").split("/varve/now")
    const nth = before!.split("\n").filter((line) => /\bfsync\(/.test(line)).length + 1
    const file = newFile()
    const inject = `inject=fsync:error=EIO:when=${nth}`
    const printed = run(
      "failing",
      [file],
      ["strace", "-f", "-qq", "-e", "trace=fsync", "-e", inject, "-o", `${file}.trace`]
    )
    const { outcome, again, events, synced } = JSON.parse(printed) as Record<string, unknown>
    expect(outcome).toMatchObject({
      _tag: "Failed",
      reached: "unknown",
      cause: { code: "SQLITE_IOERR_FSYNC" }
    })
    expect(again).toMatchObject({ _tag: "Appended", seqs: [2], durability: "synced" })
    expect(events).toEqual(["first", "second"])
    expect(synced).toBe(2)
    expect(fs.readFileSync(`${file}.trace`, "utf8")).toMatch(/EIO.*INJECTED/)
  })
})
