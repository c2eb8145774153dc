/** The latency of one durable turn: what it costs to know that a turn is on the disk. */
import { chunks, Session } from "../load.ts"
import { quantileOf, type Row } from "../measure.ts"
import { ours, theirFiles, theirSqlite } from "../sides.ts"

const turns = 1000
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

const rows = (name: "p50" | "p99", quantile: number, atMost: number): ReadonlyArray<Row> => [
  {
    id: `turn-latency-file-${name}`,
    what: `a turn of 15 events, synced, ${name} of ${turns}: log.append / write + fdatasync of the same lines`,
    unit: "us",
    goal: { atMost },
    ours: () => ours("file")((log) => latency(quantile, () => log.append("session/1", turn()))),
    theirs: () => theirFiles(true)((raw) => latency(quantile, () => raw.append(1, turn())))
  },
  {
    id: `turn-latency-sqlite-${name}`,
    what: `a turn of 15 events, synced, ${name} of ${turns}: log.append / better-sqlite3 FULL`,
    unit: "us",
    goal: { atMost },
    ours: () => ours("sqlite")((log) => latency(quantile, () => log.append("session/1", turn()))),
    theirs: () => theirSqlite("FULL")((raw) => latency(quantile, () => raw.append(1, turn())))
  }
]

export const turnRows: ReadonlyArray<Row> = [...rows("p50", 0.5, 1.25), ...rows("p99", 0.99, 1.4)]
