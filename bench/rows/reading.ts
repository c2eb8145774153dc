/** Reading one stream of 30,000 events of 400 bytes, decoded, against the same rows read and parsed and no more. */
import { join } from "node:path"
import { SqliteStorage } from "@varve/adapter-sqlite"
import { type PromiseLog, Varve } from "@varve/core"
import Database from "better-sqlite3"
import { chunks, scratch, Session } from "../load.ts"
import type { Row, Side } from "../measure.ts"

const events = 30_000

/** A store that is written once for both sides of a row. */
const once = <A>(make: (path: (name: string) => string) => Promise<A>): (() => Promise<A>) => {
  let made: Promise<A> | undefined
  return () => {
    if (made === undefined) {
      const place = scratch()
      process.on("exit", () => place.remove())
      made = make(place.path)
    }
    return made
  }
}

const write = async (log: PromiseLog<typeof Session>): Promise<void> => {
  for (let i = 0; i < events; i += 500) await log.append("s", chunks(500))
  await log.append("another", chunks(15))
  await log.close()
}

const sqlite = once(async (path) => {
  const filename = path("read.db")
  await write(await Varve.open({ events: Session, storage: SqliteStorage.layer({ filename }) }))
  return filename
})

const ours = (open: () => Promise<PromiseLog<typeof Session>>): Side => {
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
      if (count !== events || length === 0) throw new Error(`${count} events were read`)
      return count
    },
    clean: () => log.close()
  }
}

export const readingRows: ReadonlyArray<Row> = [
  {
    id: "read-stream-sqlite",
    what: "30,000 events of one stream, decoded by schema and proven: log.read / SELECT + JSON.parse",
    unit: "events/s",
    goal: { atLeast: 0.8 },
    ours: async () => {
      const filename = await sqlite()
      return ours(() => Varve.open({ events: Session, storage: SqliteStorage.layer({ filename }) }))
    },
    theirs: async () => {
      const filename = await sqlite()
      let db: Database.Database
      return {
        prepare: () => void (db = new Database(join(filename), { readonly: true })),
        run: () => {
          const rows = db.prepare<[], { readonly data: string }>(
            `SELECT seq, id, type, at, data FROM events
             WHERE stream_id = (SELECT id FROM streams WHERE name = 's') ORDER BY seq`
          )
          let count = 0
          let length = 0
          for (const { data } of rows.iterate()) {
            count++
            length += (JSON.parse(data) as { readonly text: string }).text.length
          }
          if (count !== events || length === 0) throw new Error(`${count} events were read`)
          return count
        },
        clean: () => void db.close()
      }
    }
  }
]
