/** Reading in bulk: one pass, stream by stream, no more in memory than a batch. */
import { LogStorage, MemoryStorage, type StorageService, type StoredEvent, Varve } from "@varve/core"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { Effect, Layer, Option, Stream } from "effect"
import { describe, expect, test } from "vitest"
import { chunk, Session } from "./session.ts"

/** Three streams of 3, 2000 and 1 events, and what was asked of the storage. */
const filled = async () => {
  const memory = MemoryStorage.make()
  const asked = { queries: 0, batches: 0, ended: 0 }
  const query: StorageService["query"] = (q) =>
    Stream.unwrap(
      Effect.sync(() => {
        asked.queries++
        return Stream.ensuring(
          Stream.tap(memory.query(q), () => Effect.sync(() => void asked.batches++)),
          Effect.sync(() => void asked.ended++)
        )
      })
    )
  const log = await Varve.open({ events: Session, storage: Layer.succeed(LogStorage, { ...memory, query }) })
  for (const [stream, count] of Object.entries({ a: 3, b: 2000, c: 1 })) {
    await log.append(
      stream,
      Array.from({ length: count }, (_, i) => chunk(String(i), { id: `${stream}${i}` }))
    )
  }
  return { log, asked }
}

describe("queryByStream", () => {
  test("answers stream by stream in one query", async () => {
    const { log, asked } = await filled()
    const seen: Array<readonly [string, number, number | undefined]> = []
    for await (const { stream, head, events } of log.queryByStream({ batchEvents: 100 })) {
      let count = 0
      for await (const event of events) expect([event.stream, event.seq]).toEqual([stream, ++count])
      seen.push([stream, count, head?.seq])
    }
    expect(seen).toEqual([
      ["a", 3, 3],
      ["b", 2000, 2000],
      ["c", 1, 1]
    ])
    expect(asked).toEqual({ queries: 1, batches: 22, ended: 1 })
  })

  test("what isn't pulled is passed over, and an earlier stream is over when the next is asked for", async () => {
    const { log } = await filled()
    const seen: Array<string> = []
    const kept: Array<AsyncIterable<unknown>> = []
    for await (const { stream, events } of log.queryByStream({ batchEvents: 100 })) {
      seen.push(stream)
      kept.push(events)
      if (stream === "b") for await (const event of events) if (event.seq === 150) break
    }
    expect(seen).toEqual(["a", "b", "c"])
    for (const events of kept)
      for await (const _ of events) throw new Error("an event of a stream that is over")
  })

  test("stopping early stops reading", async () => {
    const { log, asked } = await filled()
    for await (const { stream, events } of log.queryByStream({ batchEvents: 100 })) {
      if (stream === "b") {
        for await (const event of events) if (event.seq === 150) break
        break
      }
    }
    // One batch of a and two of b; one may be on its way.
    expect(asked.batches).toBeLessThanOrEqual(4)
    expect(asked.ended).toBe(1)
  })

  test("in Effect; unknown streams and lost cursors are answered without events", async () => {
    const { log } = await filled()
    const lost = { epoch: "elsewhere", seq: 1 }
    const answers = await Effect.runPromise(
      log.effect.queryByStream({ streams: ["a", "c", "x"], after: new Map([["c", lost]]) }).pipe(
        Stream.mapEffect(({ events, stream, head, resync }) =>
          Effect.map(Stream.runCollect(events), (all) => [stream, all.length, head?.seq, resync?.reason])
        ),
        Stream.runCollect
      )
    )
    expect(answers).toEqual([
      ["a", 3, 3, undefined],
      ["c", 0, 1, "unknown-epoch"],
      ["x", 0, undefined, undefined]
    ])
  })
})

test("a read of one stream in a for-await stops reading when it is left", async () => {
  const { log, asked } = await filled()
  for await (const event of log.read("b", { batchEvents: 100 })) if (event.seq === 150) break
  expect(asked).toEqual({ queries: 1, batches: 2, ended: 1 })
})

test(
  "Q3 bounded: a stream of 1,000,000 events inside queryByStream stays within 64 MB",
  { timeout: 60_000 },
  async () => {
    const batchOf = (first: number): ReadonlyArray<StoredEvent> =>
      Array.from({ length: 500 }, (_, i) => ({
        stream: "s",
        seq: first + i,
        epoch: "e",
        id: `id-${first + i}`,
        type: "MessageChunk",
        version: 1,
        at: 0,
        data: `{"messageId":"m","text":"${"x".repeat(100)}${first + i}"}`,
        meta: undefined,
        seals: false,
        writtenAt: 0
      }))
    const head = { epoch: "e", seq: 1_000_000 }
    const query: StorageService["query"] = () =>
      Stream.paginate(0, (n) =>
        Effect.sync(() => [
          [{ stream: "s", events: batchOf(n * 500 + 1), last: head, head }],
          n < 1999 ? Option.some(n + 1) : Option.none()
        ])
      )
    await using log = await Varve.open({
      events: Session,
      storage: Layer.succeed(LogStorage, { ...MemoryStorage.make(), query })
    })
    setFlagsFromString("--expose-gc")
    const gc = runInNewContext("gc") as () => void
    let most = 0
    let count = 0
    gc()
    const before = process.memoryUsage().heapUsed
    for await (const { events } of log.queryByStream()) {
      for await (const event of events) {
        count++
        if (event.seq % 50_000 === 0) {
          gc()
          most = Math.max(most, process.memoryUsage().heapUsed)
        }
      }
    }
    expect(count).toBe(1_000_000)
    expect(most - before).toBeLessThan(64 * 2 ** 20)
  }
)
