import Sqlite from "better-sqlite3"
import { type Appended, LogStorage } from "@varve/core"
import { Effect, Layer } from "effect"
import { rmSync } from "node:fs"
import { describe, expect, onTestFinished, test } from "vitest"
import { Connection } from "../src/Connection.ts"
import { service } from "../src/service.ts"
import { claimFile } from "../src/StoreFile.ts"
import { bundleProgram } from "./crash/bundle.ts"
import { Faults } from "./Faults.ts"
import { newFile, programFile, start, startNode, Store } from "./Store.ts"

describe("many processes", () => {
  test(
    "M2: appends of several processes to one stream are neither lost nor doubled",
    { timeout: 60_000 },
    async () => {
      const file = newFile()
      const names = ["p", "q", "r"]
      const rounds = 100
      const printed = await Promise.all(names.map((name) => start("writer", [file, name, String(rounds)])))
      const store = await Store.open(file)
      const events = await store.events({ streams: ["shared"] })
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1))
      for (const [i, name] of names.entries()) {
        const mine = events.filter(({ id }) => id.startsWith(`${name}-`))
        expect(mine.map(({ id }) => id)).toEqual(Array.from({ length: rounds + 1 }, (_, n) => `${name}-${n}`))
        // What was acknowledged is what is there.
        const outcomes = JSON.parse(printed[i]!) as ReadonlyArray<Appended>
        expect(outcomes.map(({ _tag }) => _tag)).toEqual(Array.from({ length: rounds }, () => "Appended"))
        expect(outcomes.flatMap(({ seqs }, n) => (n === 0 ? seqs : seqs.slice(1)))).toEqual(
          mine.map(({ seq }) => seq)
        )
      }
    }
  )

  test("A7: 20 processes deciding on one stream make a legal history", { timeout: 60_000 }, async () => {
    const file = newFile()
    const seats = 100
    const names = Array.from({ length: 20 }, (_, i) => `p${i}`)
    const decider = await bundleProgram(programFile("decider"))
    onTestFinished(() => rmSync(decider))
    const printed = await Promise.all(names.map((name) => startNode([decider, file, name, String(seats)])))
    const store = await Store.open(file)
    const taken = (await store.events({ streams: ["hall"] })).map(
      ({ data }) => JSON.parse(data) as { readonly seat: number; readonly by: string }
    )
    // Each was decided on the state right before it, and none twice.
    expect(taken.map(({ seat }) => seat)).toEqual(Array.from({ length: seats }, (_, i) => i))
    for (const [i, name] of names.entries()) {
      const told = JSON.parse(printed[i]!) as ReadonlyArray<number>
      expect(taken.filter(({ by }) => by === name).map(({ seat }) => seat)).toEqual(told)
    }
  })

  test("a lock held by another process is waited for without blocking the event loop, then refused", async () => {
    const file = newFile()
    const faults = new Faults()
    const busyTimeout = 1000
    const connection = new Connection(faults.driver, claimFile(file), busyTimeout)
    const layer = Layer.effect(
      LogStorage,
      Effect.acquireRelease(Effect.succeed(service(connection)), () => Effect.sync(() => connection.close()))
    )
    const store = await Store.of(layer)
    await store.append("a", ["1"])
    const holder = new Sqlite(file)
    holder.exec("BEGIN IMMEDIATE")
    // Turns of the event loop before each attempt: however slow the machine, there must be one between any two.
    let turns = 0
    const timer = setInterval(() => turns++, 0)
    const attempts: Array<number> = []
    faults.before = (step) => {
      if (step === "BEGIN IMMEDIATE") attempts.push(turns)
    }
    const begun = performance.now()
    const outcome = await store.append("a", ["2"])
    clearInterval(timer)
    faults.before = () => {}
    expect(outcome).toMatchObject({ _tag: "Failed", reached: "rejected", cause: { code: "SQLITE_BUSY" } })
    expect(performance.now() - begun).toBeGreaterThanOrEqual(busyTimeout - 10)
    // Each of them blocks, so one must be short: by itself it takes 5 ms, and 25 with the pause behind it.
    expect(attempts.length).toBeGreaterThan(10)
    expect(new Set(attempts.slice(1)).size).toBe(attempts.length - 1)
    // Reads don't wait for writers.
    expect(await store.ids({})).toEqual(["1"])
    setTimeout(() => holder.exec("ROLLBACK"), 60)
    expect(await store.append("a", ["2"])).toMatchObject({ _tag: "Appended", seqs: [2] })
    holder.close()
  })
})
