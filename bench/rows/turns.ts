/** The latency of one durable turn: what it costs to know that a turn is on the disk. */
import { chunks, Session } from "../load.ts"
import { quantileOf, type Row } from "../measure.ts"
import { ourSqlite, theirSqlite } from "../sqliteSides.ts"

const turns = 200
const turn = () => [...chunks(14), Session.TurnEnded({ stopReason: "end" })]

/** Microseconds of the turn at this quantile of a run. */
const latency = async (quantile: number, write: () => unknown): Promise<number> => {
  const times: Array<number> = []
  for (let i = 0; i < turns; i++) {
    const start = performance.now()
    await write()
    times.push((performance.now() - start) * 1000)
  }
  return quantileOf(times, quantile)
}

const row = (name: string, quantile: number, atMost: number): Row => ({
  id: `turn-latency-sqlite-${name}`,
  what: `a turn of 15 events, synced, ${name} of ${turns}: log.append / better-sqlite3 FULL`,
  unit: "us",
  goal: { atMost },
  ours: () => ourSqlite((log) => latency(quantile, () => log.append("session/1", turn()))),
  theirs: () => theirSqlite("FULL", (raw) => latency(quantile, () => raw.append(1, turn())))
})

export const turnRows: ReadonlyArray<Row> = [row("p50", 0.5, 1.25), row("p99", 0.99, 1.4)]
