/**
 * The ledger of burn #214, 169 sessions of 190 MB, asked in one pass: against a loop over the same events as JSON lines
 * that parses each and does no more, against the bytes that match, and against a scan of the ledger for each session.
 */
import { hotspots } from "../../examples/hotspots/src/hotspots.ts"
import type { LedgerLog } from "../../examples/hotspots/src/Ledger.ts"
import { ledger, type StoredLedger } from "../ledger.ts"
import { milliseconds, type Row, type Scale, type Side } from "../measure.ts"
import { readLines } from "../rawFiles.ts"

interface Line {
  readonly stream: string
  readonly type: string
  readonly at: number
  readonly data: object
}

const storages = [
  { storage: "sqlite", open: (stored: StoredLedger) => stored.openSqlite() },
  { storage: "file", open: (stored: StoredLedger) => stored.openFiles() }
] as const

/** Our side: what is asked of a log that stays open, as an application's does. */
const asking =
  (
    open: (stored: StoredLedger) => Promise<LedgerLog>,
    ask: (log: LedgerLog, stored: StoredLedger) => Promise<number>
  ) =>
  async (scale: Scale): Promise<Side> => {
    const stored = await ledger(scale)
    const log = await open(stored)
    const run = () => ask(log, stored)
    return { prepare: run, run, end: () => log.close() }
  }

/** Parses every line, and counts those that pass. */
const parseAll = ({ events, lines }: StoredLedger, passes: (line: Line) => boolean): Promise<number> =>
  milliseconds(() => {
    let parsed = 0
    let passed = 0
    readLines(lines, (text) => {
      parsed++
      if (passes(JSON.parse(text) as Line)) passed++
    })
    if (parsed !== events || passed === 0) throw new Error(`${passed} of ${parsed} lines passed`)
  })

const one = "UsageReported"
const week = 7 * 86_400_000

export const hotspotsRows: ReadonlyArray<Row> = storages.flatMap(({ open, storage }): ReadonlyArray<Row> => [
  {
    id: `hotspots-decoded-${storage}`,
    what: "all events of 190 MB: log.query, decoded / a chunk loop that parses each line",
    unit: "ms",
    goal: { atMost: 1.3 },
    ours: asking(open, (log, { events }) =>
      milliseconds(async () => {
        let count = 0
        for await (const batch of log.query()) count += batch.events.length
        if (count !== events) throw new Error(`${count} of ${events} events were read`)
      })
    ),
    theirs: async (scale) => {
      const stored = await ledger(scale)
      const run = () => parseAll(stored, () => true)
      return { prepare: run, run }
    }
  },
  {
    id: `hotspots-filtered-${storage}`,
    what: `1 of 12 types (${one}, every fourth event) of 190 MB: log.query({ types }) / a chunk loop that parses each line`,
    unit: "ms",
    goal: { atMost: 0.5 },
    ours: asking(open, (log) =>
      milliseconds(async () => {
        let count = 0
        for await (const batch of log.query({ types: [one] })) count += batch.events.length
        if (count === 0) throw new Error("nothing was found")
      })
    ),
    theirs: async (scale) => {
      const stored = await ledger(scale)
      const run = () => parseAll(stored, ({ type }) => type === one)
      return { prepare: run, run }
    }
  },
  {
    id: `hotspots-7d-${storage}`,
    what: "the last 7 days of a year: bytes that a query by session reads / bytes of the JSON lines that match",
    unit: "MB",
    goal: { atMost: 1.5 },
    ours: asking(open, async (log, { now }) => {
      const counters = log.effect.storage.counters!
      const before = counters().bytesRead
      for await (const { events } of log.queryByStream({ since: now - week })) for await (const _ of events);
      return (counters().bytesRead - before) / 1e6
    }),
    theirs: async (scale) => {
      const { lines, now } = await ledger(scale)
      let bytes = 0
      readLines(lines, (text) => {
        if ((JSON.parse(text) as Line).at >= now - week) bytes += Buffer.byteLength(text) + 1
      })
      return { run: () => bytes / 1e6 }
    }
  },
  {
    id: `hotspots-persession-${storage}`,
    what: "tools' time and tokens of every session: one queryByStream / a scan of the ledger a session (one measured, times their number)",
    unit: "ms",
    goal: { atMost: 0.01 },
    ours: asking(open, (log, { sessions }) =>
      milliseconds(async () => {
        const found = await hotspots(log)
        if (found.size !== sessions) throw new Error(`${found.size} of ${sessions} sessions were found`)
      })
    ),
    theirs: async (scale) => {
      const stored = await ledger(scale)
      const session = "session/0007"
      return {
        run: async () => stored.sessions * (await parseAll(stored, ({ stream }) => stream === session))
      }
    }
  }
])
