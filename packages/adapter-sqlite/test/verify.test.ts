/** What operators are told of a store, and what of it is mended: never an event. */
import * as fs from "node:fs"
import { type Problem, snapshotCheck } from "@varve/core"
import Sqlite from "better-sqlite3"
import { Effect } from "effect"
import { describe, expect, test } from "vitest"
import { SqliteStorage } from "../src/index.ts"
import { event, newFile, Store } from "./Store.ts"

const verify = (file: string, options?: SqliteStorage.VerifyOptions) =>
  Effect.runPromise(SqliteStorage.verify(file, options))
const repair = (file: string) => Effect.runPromise(SqliteStorage.repair(file))

const secret = "needle"

/** Streams "a", "s" of nine events and "z" (sealed), with labels, epochs of two openings and a snapshot of "s"; closed. */
const written = async (): Promise<string> => {
  const file = newFile()
  let store = await Store.open(file)
  await store.append("a", ["before"])
  for (let i = 1; i <= 9; i++) {
    if (i === 5) {
      await store.close()
      store = await Store.open(file)
    }
    await store.append("s", [event(String(i), { at: i, data: `{"text":"${secret} ${i}"}` })], {
      attributes: { project: secret },
      durability: i === 3 ? "synced" : "written"
    })
  }
  await store.append("z", [event("behind", { seals: true })], { durability: "synced" })
  const { cursor } = (await store.head("s"))!
  const snapshot = { stream: "s", projection: "p", version: 1, cursor, state: `"${secret}"` }
  const overAll = { ...snapshot, stream: "" }
  const all = [snapshot, overAll].map((one) => ({ ...one, check: snapshotCheck(one) }))
  await Effect.runPromise(store.storage.snapshots.save(all))
  await store.append("gone", ["1", "2"])
  await store.remove("gone")
  await store.close()
  return file
}

/** Changes a store behind its back. SQLite's own rules can be undone with `writable_schema`. */
const change = (file: string, sql: string): void => {
  const db = new Sqlite(file)
  db.unsafeMode(true)
  db.exec(sql)
  db.close()
}

const tables = ["meta", "streams", "epochs", "attributes", "events", "snapshots", "removed"]

/** All rows of all tables. */
const dump = (file: string, of = tables): string => {
  const db = new Sqlite(file, { readonly: true })
  const rows = of.map((table) => [table, db.prepare(`SELECT * FROM ${table} NOT INDEXED`).all()])
  db.close()
  return JSON.stringify(rows)
}

const s = "(SELECT id FROM streams WHERE name = 's')"

/** Changes a table without one of its indexes, which is hidden meanwhile. */
const unindexed = (sql: string): string => `
  PRAGMA writable_schema = ON;
  CREATE TEMP TABLE kept AS SELECT rowid AS place, type, name, tbl_name, rootpage, sql FROM sqlite_schema WHERE name = 'events_by_id';
  DELETE FROM sqlite_schema WHERE name = 'events_by_id';
  PRAGMA writable_schema = RESET;
  ${sql};
  PRAGMA writable_schema = ON;
  INSERT INTO sqlite_schema(rowid, type, name, tbl_name, rootpage, sql) SELECT place, type, name, tbl_name, rootpage, sql FROM kept;
  PRAGMA writable_schema = RESET`

interface Planted {
  readonly what: string
  readonly sql: string
  readonly found: Partial<Problem>
}

const damage: ReadonlyArray<Planted> = [
  {
    what: "a changed event",
    sql: `UPDATE events SET data = '{"text":"${secret} x"}' WHERE id = '6'`,
    found: { stream: "s", seq: 6, problem: "its checksum doesn't match" }
  },
  {
    what: "an event at another position",
    sql: "UPDATE events SET position = position + 100 WHERE id = '6'",
    found: { stream: "s", seq: 6, problem: "its checksum doesn't match" }
  },
  {
    what: "an event that vouches for more than was secured",
    sql: "UPDATE events SET unsecured = 0 WHERE id = '6'",
    found: { stream: "s", seq: 6, problem: "its checksum doesn't match" }
  },
  {
    what: "a missing event",
    sql: "DELETE FROM events WHERE id = '6'",
    found: { stream: "s", seq: 6, problem: "its row is missing" }
  },
  {
    what: "the last event missing",
    sql: "DELETE FROM events WHERE id = '9'",
    found: { stream: "s", seq: 9, problem: "its row is missing" }
  },
  {
    what: "a stream's row missing",
    sql: `DELETE FROM streams WHERE name = 's'`,
    found: { problem: "9 events of a stream whose row is missing (id 2)" }
  },
  {
    what: "an epoch missing",
    sql: `DELETE FROM epochs WHERE stream_id = ${s} AND first > 1`,
    found: { stream: "s", problem: "its epochs don't fit its events" }
  },
  {
    what: "all epochs missing",
    sql: `DELETE FROM epochs WHERE stream_id = ${s}`,
    found: { stream: "s", problem: "its epochs don't fit its events" }
  },
  {
    what: "an attribute without a name",
    sql: `UPDATE attributes SET key = '' WHERE stream_id = ${s}`,
    found: { stream: "s", problem: "one of its attributes is none that can be set" }
  },
  {
    what: "a stream that is there and removed",
    sql: `INSERT INTO removed VALUES (${s})`,
    found: { stream: "s", problem: "its removal is noted, though it is there" }
  },
  {
    what: "no row of positions",
    sql: "DELETE FROM meta",
    found: { problem: "its row of positions is missing" }
  }
]

const derived: ReadonlyArray<Planted> = [
  ...[
    ["seq", "seq - 1"],
    ["position", "position - 1"],
    ["sealed", "1"],
    ["largest", "3"],
    ["min_at", "min_at + 1"],
    ["max_at", "max_at - 1"],
    ["synced", "seq + 1"]
  ].map(([column, value]) => ({
    what: `a stream's ${column} changed`,
    sql: `UPDATE streams SET ${column} = ${value} WHERE name = 's'`,
    found: { stream: "s", problem: `its row tells other than its events (${column})` }
  })),
  {
    what: "a changed snapshot",
    sql: `UPDATE snapshots SET state = '"${secret} x"' WHERE stream_id = ${s}`,
    found: { stream: "s", problem: "a snapshot's check doesn't match" }
  },
  {
    what: "a changed snapshot over all streams",
    sql: `UPDATE snapshots SET seq = seq + 1 WHERE stream_id = 0`,
    found: { stream: "", problem: "a snapshot's check doesn't match" }
  },
  {
    what: "events of a stream under removal",
    sql: `INSERT INTO removed VALUES (99); UPDATE events SET stream_id = 99 WHERE id = 'before';
      DELETE FROM epochs WHERE stream_id = 1; DELETE FROM streams WHERE id = 1`,
    found: { problem: "rows of a stream that was removed (id 99, 1 events)" }
  },
  {
    what: "labels of no stream",
    sql: "INSERT INTO attributes VALUES (98, 'project', 'x')",
    found: { problem: "rows of a stream that was removed (id 98, 0 events)" }
  },
  {
    what: "an index with an entry too many",
    sql: unindexed(
      `DELETE FROM events WHERE id = 'behind'; DELETE FROM epochs WHERE stream_id = (SELECT id FROM streams WHERE name = 'z');
      DELETE FROM streams WHERE name = 'z'`
    ),
    found: { problem: "an index tells other than its table (events_by_id)" }
  }
]

describe("a good store", () => {
  test("is found good, and every stream and event counted; nothing is written", async () => {
    const file = await written()
    const before = fs.readFileSync(file)
    const told: Array<string> = []
    const report = await verify(file, {
      onProgress: ({ done, total, unit }) => told.push(`${done} of ${total} ${unit}`)
    })
    expect(report).toEqual({ streams: 3, events: 11, problems: [] })
    expect(told).toEqual(["11 of 11 events", "11 of 11 events"])
    expect(fs.readFileSync(file).equals(before)).toBe(true)
    expect(await repair(file)).toEqual({ mended: [], left: [] })
    expect(fs.readFileSync(file).equals(before)).toBe(true)
  })

  test("is looked through while others write it, and repaired only when nobody has it open", async () => {
    const file = await written()
    const store = await Store.open(file)
    await store.append("s", ["10"])
    expect(await verify(file)).toEqual({ streams: 3, events: 12, problems: [] })
    await expect(repair(file)).rejects.toMatchObject({ _tag: "OpenFailed", reason: "in-use", file })
    // The locks of this process's own connection are still there.
    await expect(repair(file)).rejects.toMatchObject({ reason: "in-use" })
    expect(await store.ids({ streams: ["s"], fromSeq: 10 })).toEqual(["10"])
    await store.close()
    const before = dump(file)
    expect(await repair(file)).toEqual({ mended: [], left: [] })
    expect(dump(file)).toBe(before)
  })

  test("what is no store is refused, and nothing made of it", async () => {
    const none = newFile()
    await expect(verify(none)).rejects.toMatchObject({ _tag: "OpenFailed", reason: "unreachable" })
    expect(fs.existsSync(none)).toBe(false)
    const other = newFile()
    change(other, "CREATE TABLE t(a)")
    await expect(verify(other)).rejects.toMatchObject({ _tag: "OpenFailed", reason: "not-a-store" })
    await expect(repair(other)).rejects.toMatchObject({ _tag: "OpenFailed", reason: "not-a-store" })
    const text = newFile()
    fs.writeFileSync(text, secret.repeat(1000))
    await expect(verify(text)).rejects.toMatchObject({ _tag: "OpenFailed", reason: "not-a-store" })
  })
})

test.each(damage)("damage is named and left as it is: $what", async ({ sql, found }) => {
  const file = await written()
  change(file, sql)
  const before = dump(file)
  const { problems } = await verify(file)
  expect(problems).toContainEqual({ kind: "damaged", file, ...found })
  expect(JSON.stringify(problems)).not.toContain(secret)
  const { left } = await repair(file)
  expect(left).toContainEqual({ kind: "damaged", file, ...found })
  expect(dump(file)).toBe(before)
})

test.each(derived)(
  "what is derived is named and mended, and no event touched: $what",
  async ({ sql, found }) => {
    const file = await written()
    change(file, sql)
    const events = dump(file, ["events"])
    const { problems } = await verify(file)
    expect(problems).toEqual([{ kind: "derived", file, mend: expect.any(String), ...found }])
    expect(JSON.stringify(problems)).not.toContain(secret)
    expect(await repair(file)).toEqual({ mended: problems, left: [] })
    const { problems: after } = await verify(file)
    expect(after).toEqual([])
    if (!sql.includes("removed")) expect(dump(file, ["events"])).toBe(events)
  }
)

test("while events are damaged nothing is made anew of what may tell more of them", async () => {
  const file = await written()
  change(
    file,
    unindexed(
      "UPDATE events SET id = 'other' WHERE id = '6'; UPDATE streams SET largest = 1 WHERE name = 's'"
    )
  )
  const { left, mended } = await repair(file)
  expect(mended).toEqual([])
  expect(left.map(({ kind, problem }) => `${kind}: ${problem}`)).toEqual([
    "damaged: its checksum doesn't match",
    "derived: its row tells other than its events (largest); left as it is while events are damaged",
    "derived: an index tells other than its table (events_by_id); left as it is while events are damaged"
  ])
})

test("pages that cannot be read are named; the rest is looked through all the same", async () => {
  const file = await written()
  const bytes = fs.readFileSync(file)
  const page = Math.floor(bytes.indexOf(`${secret} 5`) / 4096) * 4096
  fs.writeFileSync(file, bytes.fill(0xff, page, page + 4096))
  const { events, problems } = await verify(file)
  expect(events).toBe(0)
  expect(problems.length).toBeGreaterThan(0)
  for (const { kind } of problems) expect(kind).toBe("damaged")
  expect(problems[0]).toMatchObject({ file, problem: "its pages can't be read on (SQLITE_CORRUPT)" })
})

test("modes that let others in are named, and mended", async () => {
  const file = await written()
  fs.chmodSync(file, 0o644)
  const { problems } = await verify(file)
  expect(problems[0]).toEqual({
    kind: "derived",
    file,
    problem: "others than its owner may use it",
    mend: "made 0600"
  })
  expect((await repair(file)).left).toEqual([])
  expect(fs.statSync(file).mode & 0o777).toBe(0o600)
})
