/** One stream of 30,000 events of 400 bytes, and a small one beside it: written once for the rows that read it. */
import { FileStorage } from "@varve/adapter-file"
import { SqliteStorage } from "@varve/adapter-sqlite"
import { type PromiseLog, Varve } from "@varve/core"
import { chunks, onlyOnce, scratch, Session } from "./load.ts"
import type { Side } from "./measure.ts"

export const longStream = 30_000

/** Fails a run that did not read what there is. */
export const checkRead = (events: number, characters: number): number => {
  if (events !== longStream || characters === 0) throw new Error(`${events} events were read`)
  return events
}

const write = async (log: PromiseLog<typeof Session>): Promise<void> => {
  for (let i = 0; i < longStream; i += 500) await log.append("s", chunks(500))
  await log.append("another", chunks(15))
  await log.close()
}

/** The file of a SqliteStorage that holds it. */
export const longSqlite = onlyOnce(async () => {
  const filename = scratch().path("read.db")
  await write(await Varve.open({ events: Session, storage: SqliteStorage.layer({ filename }) }))
  return filename
})

/** Reads it by `log.read`, of a log opened anew for each run. */
const readingLog = (open: () => Promise<PromiseLog<typeof Session>>): Side => {
  let log: PromiseLog<typeof Session>
  return {
    prepare: async () => void (log = await open()),
    run: async () => {
      let count = 0
      let length = 0
      for await (const event of log.read("s")) {
        count++
        if (event.type === "Chunk") length += event.data.text.length
      }
      return checkRead(count, length)
    },
    clean: () => log.close()
  }
}

export const readingSqlite = async (): Promise<Side> => {
  const filename = await longSqlite()
  return readingLog(() => Varve.open({ events: Session, storage: SqliteStorage.layer({ filename }) }))
}

/** The folder of a FileStorage that holds it. */
export const longFiles = onlyOnce(async () => {
  const directory = scratch().path("read")
  await write(await Varve.open({ events: Session, storage: FileStorage.layer({ directory }) }))
  return directory
})

export const readingFiles = async (): Promise<Side> => {
  const directory = await longFiles()
  return readingLog(() => Varve.open({ events: Session, storage: FileStorage.layer({ directory }) }))
}
