import { EventSet, MemoryStorage, Varve } from "@varve/core"
import { Schema } from "effect"
class S extends EventSet.make({ Chunk: { messageId: Schema.String, text: Schema.String } }) {}
const log = await Varve.open({ events: S, storage: MemoryStorage.layer, highWater: {events: 1e6}, hardLimit: {events:1e7, bytes: 1e10}, tick: 1e6 })
const text = "x".repeat(80)
for (let round = 0; round < 12; round++) {
  globalThis.gc?.()
  const n = 3000
  const t0 = performance.now()
  for (let i = 0; i < n; i++) log.record("s" + (i % 15), S.Chunk({ messageId: "m1", text }))
  const t1 = performance.now()
  await log.flush()
  const t2 = performance.now()
  const t3 = performance.now()
  for (let i = 0; i < 2000; i++) await log.append("z", S.Chunk({ messageId: "m1", text }))
  const t4 = performance.now()
  console.log("record", ((t1 - t0) / n * 1e6).toFixed(0), "flush", ((t2 - t1) / n * 1e6).toFixed(0), "ns/event; append", ((t4-t3)/2000*1e3).toFixed(1), "us")
}
await log.close()
