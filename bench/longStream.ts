/** One stream of 30,000 events of 400 bytes, and a small one beside it: written once for the rows that read it. */
import { chunks, onlyOnce, scratch } from "./load.ts"
import type { Side } from "./measure.ts"
import { openSessions, type StorageName } from "./storages.ts"

export const longStream = 30_000

/** Fails a run that did not read what there is. */
export const checkRead = (events: number, characters: number): number => {
  if (events !== longStream || characters === 0) throw new Error(`${events} events were read`)
  return events
}

const write = async (storage: StorageName): Promise<string> => {
  const path = scratch().path("read")
  const log = await openSessions(storage, path)
  for (let i = 0; i < longStream; i += 500) await log.append("s", chunks(500))
  await log.append("another", chunks(15))
  await log.close()
  return path
}

/** Where the stores are that hold it. */
export const longStores = { sqlite: onlyOnce(() => write("sqlite")), file: onlyOnce(() => write("file")) }

/** Reads it by `log.read`, of a log that stays open, as an application's does. */
export const readingLong = (storage: StorageName) => async (): Promise<Side> => {
  const log = await openSessions(storage, await longStores[storage]())
  const run = async () => {
    let count = 0
    let length = 0
    for await (const event of log.read("s")) {
      count++
      if (event.type === "Chunk") length += event.data.text.length
    }
    return checkRead(count, length)
  }
  return {
    prepare: run,
    run,
    end: () => log.close()
  }
}
