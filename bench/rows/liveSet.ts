/** What an event costs on its way to four live views, with how many sessions were opened before. */
import { LiveSet, MemoryStorage, Projection, type PromiseLog, Varve } from "@varve/core"
import { Schema } from "effect"
import { Session } from "../load.ts"
import type { Row, Side } from "../measure.ts"

const capacity = 4
const groups = 150
const size = 15
const text = "x".repeat(80)

const Length = Projection.make(Session, {
  name: "length",
  version: 1,
  state: Schema.Number,
  initial: () => 0,
  on: { Chunk: (length, { data }) => length + data.text.length }
})

/** Microseconds an event, from `append` until the views of all four have told. */
const watching = (opened: number): Side => {
  let log: PromiseLog<typeof Session>
  let live: LiveSet.PromiseLiveSet<number>
  let views: ReadonlyArray<LiveSet.LiveView<number>>
  const until = (length: number): Promise<void> =>
    new Promise((resolve) => {
      const stops: Array<() => void> = []
      const look = (): void => {
        const { length: behind } = views.filter((view) => view.getSnapshot().state < length)
        if (behind > 0) return
        for (const stop of stops) stop()
        resolve()
      }
      for (const view of views) stops.push(view.subscribe(look))
      look()
    })
  return {
    prepare: async () => {
      log = await Varve.open({ events: Session, storage: MemoryStorage.layer })
      live = await LiveSet.open(log.effect, Length, { capacity })
      const names = Array.from({ length: opened }, (_, i) => `session/${i}`)
      for (const name of names) await log.append(name, Session.Chunk({ messageId: "m1", text }))
      for (const name of names) {
        live.open(name)
        if (opened > capacity) await new Promise(setImmediate)
      }
      views = names.slice(-capacity).map((name) => live.open(name))
      await until(text.length)
    },
    run: async () => {
      const start = performance.now()
      for (let group = 1; group <= groups; group++) {
        const events = Array.from({ length: size }, () => Session.Chunk({ messageId: "m1", text }))
        for (const { stream } of views)
          await log.append(
            stream,
            events.map((event) => ({ ...event }))
          )
        await until(text.length * (1 + group * size))
      }
      return ((performance.now() - start) * 1000) / (groups * size * capacity)
    },
    clean: async () => {
      await live.close()
      await log.close()
    }
  }
}

export const liveSetRows: ReadonlyArray<Row> = [
  {
    id: "live-1000",
    what: "an event to one of 4 live views: 1,000 sessions opened / 4 opened",
    unit: "us",
    goal: { atMost: 1.2 },
    ours: () => watching(1000),
    theirs: () => watching(capacity)
  }
]
