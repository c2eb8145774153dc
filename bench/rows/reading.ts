/** Reading one stream of 30,000 events of 400 bytes, decoded, against the same rows read and parsed and no more. */
import { readdirSync } from "node:fs"
import { join } from "node:path"
import Database from "better-sqlite3"
import { checkRead, longStores, readingLong } from "../longStream.ts"
import type { Row } from "../measure.ts"
import { readLines } from "../rawFiles.ts"

export const readingRows: ReadonlyArray<Row> = [
  {
    id: "read-stream-sqlite",
    what: "30,000 events of one stream, decoded by schema and proven: log.read / SELECT + JSON.parse",
    unit: "events/s",
    goal: { atLeast: 0.8 },
    ours: readingLong("sqlite"),
    theirs: async () => {
      const db = new Database(await longStores.sqlite(), { readonly: true })
      const run = () => {
        const rows = db.prepare<[], { readonly data: string }>(
          `SELECT seq, id, type_id, at, data FROM events
             WHERE stream_id = (SELECT id FROM streams WHERE name = 's') ORDER BY seq`
        )
        let count = 0
        let length = 0
        for (const { data } of rows.iterate()) {
          count++
          length += (JSON.parse(data) as { readonly text: string }).text.length
        }
        return checkRead(count, length)
      }
      return { prepare: run, run, end: () => db.close() }
    }
  },
  {
    id: "read-stream-file",
    what: "30,000 events of one stream, decoded by schema and proven: log.read / chunk loop + JSON.parse of the same file",
    unit: "events/s",
    goal: { atLeast: 0.9 },
    ours: readingLong("file"),
    theirs: async () => {
      const directory = await longStores.file()
      const file = readdirSync(directory).find((name) => name.startsWith("s."))!
      const run = () => {
        let count = 0
        let length = 0
        readLines(join(directory, file), (line) => {
          const { data } = JSON.parse(line) as { readonly data?: { readonly text: string } }
          if (data === undefined) return
          count++
          length += data.text.length
        })
        return checkRead(count, length)
      }
      return { prepare: run, run }
    }
  }
]
