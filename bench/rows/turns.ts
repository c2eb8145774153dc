/** The latency of one durable turn: what it costs to know that a turn is on the disk. */
import { SqliteStorage } from "@varve/adapter-sqlite"
import { type PromiseLog, Varve } from "@varve/core"
import { chunks, scratch, Session } from "../load.ts"
import type { Row, Side } from "../measure.ts"
import { quantileOf } from "../measure.ts"
import { rawSqlite } from "../rawSqlite.ts"

const turns = 200

/** Microseconds of the turn at this quantile of a run. */
const latency = async (quantile: number, turn: () => unknown): Promise<number> => {
  const times: Array<number> = []
  for (let i = 0; i < turns; i++) {
    const start = performance.now()
    await turn()
    times.push((performance.now() - start) * 1000)
  }
  return quantileOf(times, quantile)
}

const ours = (quantile: number): Side => {
  let log: PromiseLog<typeof Session>
  let place: ReturnType<typeof scratch>
  return {
    prepare: async () => {
      place = scratch()
      log = await Varve.open({
        events: Session,
        storage: SqliteStorage.layer({ filename: place.path("log.db") })
      })
    },
    run: () =>
      latency(quantile, () =>
        log.append("session/1", [...chunks(14), Session.TurnEnded({ stopReason: "end" })])
      ),
    clean: async () => {
      await log.close()
      place.remove()
    }
  }
}

const theirs = (quantile: number): Side => {
  let raw: ReturnType<typeof rawSqlite>
  let place: ReturnType<typeof scratch>
  return {
    prepare: () => {
      place = scratch()
      raw = rawSqlite(place.path("raw.db"), "FULL")
    },
    run: () =>
      latency(quantile, () => raw.append(1, [...chunks(14), Session.TurnEnded({ stopReason: "end" })])),
    clean: () => {
      raw.close()
      place.remove()
    }
  }
}

export const turnRows: ReadonlyArray<Row> = (
  [
    ["p50", 0.5, 1.25],
    ["p99", 0.99, 1.4]
  ] as const
).map(([name, quantile, atMost]) => ({
  id: `turn-latency-sqlite-${name}`,
  what: `a turn of 15 events, synced, ${name} of ${turns}: log.append / better-sqlite3 FULL`,
  unit: "us",
  goal: { atMost },
  ours: () => ours(quantile),
  theirs: () => theirs(quantile)
}))
