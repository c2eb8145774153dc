/** What a recorded event costs its caller, and what its flush costs; the limit is an absolute time, as issue H has it. */
import { MemoryStorage, type PromiseLog, Varve } from "@varve/core"
import { Session } from "../load.ts"
import { constant, type Row, type Side } from "../measure.ts"

const events = 900
const rounds = 60
const text = "x".repeat(80)

/** A second of the streaming load, again and again: 15 streams, 60 events each. */
const recording = (timed: "record" | "flush"): Side => {
  let log: PromiseLog<typeof Session>
  return {
    prepare: async () => {
      log = await Varve.open({ events: Session, storage: MemoryStorage.layer, tick: 1000 })
    },
    run: async () => {
      let ns = 0
      for (let round = 0; round < rounds; round++) {
        const start = performance.now()
        for (let i = 0; i < events; i++) log.record(names[i % 15]!, Session.Chunk({ messageId: "m1", text }))
        const recorded = performance.now()
        await log.flush()
        ns += (timed === "record" ? recorded - start : performance.now() - recorded) * 1e6
      }
      return ns / (rounds * events)
    },
    clean: () => log.close()
  }
}

const names = Array.from({ length: 15 }, (_, i) => `session/${i}`)

export const recordRows: ReadonlyArray<Row> = [
  {
    id: "record-call",
    what: "record, with making the event, its id and time / 400 ns",
    unit: "ns",
    goal: { atMost: 1 },
    ours: () => recording("record"),
    theirs: () => constant(400)
  },
  {
    id: "record-flush",
    what: "flush in memory, an event / 3 us",
    unit: "ns",
    goal: { atMost: 1 },
    ours: () => recording("flush"),
    theirs: () => constant(3000)
  }
]
