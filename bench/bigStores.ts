/** Stores with a past, each made once a sitting, when a row first asks for it. */
import { chunk, scratch, Session } from "./load.ts"
import type { Scale } from "./measure.ts"
import { openSessions, type SessionLog, type StorageName } from "./storages.ts"

/** Short events: it is their number that counts here. */
const short = (count: number) =>
  Array.from({ length: count }, () => chunk("a few words of an answer, not many"))

const append = async (log: SessionLog, stream: string, events: number): Promise<void> => {
  const most = 5_000
  for (let left = events; left > 0; left -= most) await log.append(stream, short(Math.min(left, most)))
}

const stores = new Map<string, Promise<string>>()

/** Answers the store's path. */
const store = (
  name: StorageName,
  what: string,
  fill: (log: SessionLog) => Promise<void>
): Promise<string> => {
  const key = `${what}.${name}`
  const make = async () => {
    const path = scratch().path(key)
    const log = await openSessions(name, path)
    await fill(log)
    await log.close()
    return path
  }
  const made = stores.get(key) ?? make()
  stores.set(key, made)
  return made
}

/** So many streams of so many events each. */
export const manyStreams = (name: StorageName, streams: number, events: number): Promise<string> =>
  store(name, `${streams}-streams-of-${events}`, async (log) => {
    for (let i = 0; i < streams; i++) await append(log, `session/${i}`, events)
  })

/** A stream `s` of so many events, and a small one beside it. */
export const oneLongStream = (name: StorageName, events: number): Promise<string> =>
  store(name, `long-${events}`, async (log) => {
    await append(log, "s", events)
    await append(log, "another", 15)
  })

/** Two sealed streams, `small` of 1,000 events and `large` of a million, with what `before` leaves of them. */
export const sealedStreams = (
  name: StorageName,
  scale: Scale,
  before: (log: SessionLog) => Promise<unknown>
): Promise<string> =>
  store(name, `sealed-${scale}`, async (log) => {
    await append(log, "small", 1_000)
    await append(log, "large", scale === "quick" ? 50_000 : 1_000_000)
    for (const stream of ["small", "large"]) await log.append(stream, Session.Ended({}))
    await before(log)
  })
