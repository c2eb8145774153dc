import { LogStorage, MemoryStorage, OpenFailed, type StorageService } from "@varve/core"
import { Effect, Layer } from "effect"
import { expect, test } from "vitest"
import { briefly } from "../src/conformance.ts"
import { checkLaws, faults, faulty, summarise } from "../src/index.ts"

const fault = (name: string) => faulty(faults.find((one) => one.name === name)!)

test("laws that a storage doesn't claim are skipped, and the report says why", async () => {
  const report = await checkLaws({ storage: () => MemoryStorage.layer, runs: 2 })
  const skipped = report
    .filter((verdict) => verdict.outcome === "skipped")
    .map(({ law, reason }) => [law, reason])
  expect(skipped).toContainEqual(["D3 reopened", "the option reopen isn't given"])
  expect(skipped).toContainEqual(["Q1 total-order", "supports.totalOrder is false"])
  expect(skipped).toContainEqual(["A7 two-writers", "supports.sharedWriters is false"])
  expect(summarise(report)).toContain("skipped Q1 total-order: supports.totalOrder is false")
})

test("a broken law is told by its name, its promise, the shrunk calls and the seed", async () => {
  const report = await checkLaws({ ...fault("`expected` is ignored"), only: ["A7 expected"] })
  expect(summarise(report)).toMatch(
    /The law "A7 expected" is broken[^]*It promises: An append whose `expected`[^]*wanted: .*Conflict[^]*got: .*Appended[^]* \d\. append[^]*-> Appended[^]*only: \["A7 expected"\], seed: \d+/
  )
})

test("a law that came to no end is told as unfinished", async () => {
  const verdicts = await checkLaws({ storage: () => MemoryStorage.layer, only: ["A10 empty"] })
  const told = briefly(verdicts, new Set(["A10 empty", "A2 crash"]), 30_000)
  expect(told).toContain("1 laws kept, 0 broken, 0 skipped, 1 unfinished")
  expect(told).toMatch(/unfinished after 30 s[^]*A2 crash\. Raise `timeout`/)
  expect(briefly(verdicts, new Set(["A10 empty"]), 30_000)).not.toContain("unfinished")
})

test("asking for a law that there isn't is told", async () => {
  const asking = checkLaws({ storage: () => MemoryStorage.layer, only: ["A7", "A7 expec"] })
  await expect(asking).rejects.toThrow(/No law is named.*"A7 expec"/)
})

test("the same seed finds the same", async () => {
  const options = { ...fault("`until` is inclusive"), only: ["Q1 equals-naive"], seed: 42 }
  const [one] = await checkLaws(options)
  const [two] = await checkLaws(options)
  const calls = (text: string | undefined) => text?.replace(/epoch \S+/g, "")
  expect(calls(one!.counterexample)).toBe(calls(two!.counterexample))
})

test("a receipt of duplicates that tells no head breaks the law instead of the kit", async () => {
  const headless = (): StorageService => {
    const whole = MemoryStorage.make()
    return {
      ...whole,
      append: (groups) =>
        Effect.map(whole.append(groups), (outcomes) =>
          outcomes.map((one) =>
            one._tag === "Appended" && one.duplicates.length > 0 ? { ...one, head: undefined } : one
          )
        )
    }
  }
  const report = await checkLaws({
    storage: () => Layer.sync(LogStorage, headless),
    only: ["D1", "M2 linearizable"]
  })
  for (const verdict of report)
    expect(verdict).toMatchObject({
      outcome: "broken",
      reason: expect.stringMatching(/Appended with seqs \[\d+.*\] must tell the head; it told none/)
    })
})

test("a storage that throws, or cannot be opened, breaks the law instead of the kit", async () => {
  const throwing = { ...MemoryStorage.make(), heads: () => Effect.die(new Error("out of order")) }
  const [thrown] = await checkLaws({
    storage: () => Layer.succeed(LogStorage, throwing),
    only: ["V1 remove"]
  })
  expect(thrown).toMatchObject({
    outcome: "broken",
    reason: expect.stringMatching(/failed at: heads[^]*out of order/)
  })
  const shut = Layer.effect(
    LogStorage,
    Effect.fail(new OpenFailed({ reason: "unreachable", problem: "no such folder" }))
  )
  const [closed] = await checkLaws({ storage: () => shut, only: ["V1 remove"] })
  expect(closed).toMatchObject({
    outcome: "broken",
    reason: expect.stringMatching(/could not be opened.*no such folder/)
  })
})
