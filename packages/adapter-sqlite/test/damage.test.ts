import * as fs from "node:fs"
import Sqlite from "better-sqlite3"
import { Damaged, StorageError } from "@varve/core"
import { Effect } from "effect"
import { describe, expect, test } from "vitest"
import { SqliteStorage } from "../src/index.ts"
import { event, newFile, Store } from "./Store.ts"

/** A store whose events "1".."9" of stream "s" stand between two other streams, closed. */
const written = async (): Promise<string> => {
  const file = newFile()
  const store = await Store.open(file)
  await store.append("a", ["before"])
  for (let i = 1; i <= 9; i++) {
    await store.append("s", [
      event(String(i), {
        at: i,
        data: `{"text":"needle ${i}"}`,
        meta: i % 2 === 0 ? `{"agent":"x"}` : undefined
      })
    ])
  }
  await store.append("z", [event("behind", { type: "other" })])
  await store.close()
  return file
}

const change = (file: string, sql: string): void => {
  const db = new Sqlite(file)
  db.exec(sql)
  db.close()
}

/** The error of reading all, and the ids that were answered before it. */
const readAll = async (file: string) => {
  const store = await Store.open(file)
  const ids: Array<string> = []
  const error: unknown = await store
    .visit({ batchEvents: 4 }, (batch) => ids.push(...batch.events.map(({ id }) => id)))
    .catch((e: unknown) => e)
  const beside = await store.ids({ streams: ["a", "z"] }).catch((e: unknown) => e)
  await store.close()
  return { ids, error, beside }
}

describe("R1 detected", () => {
  test("a changed row is named by stream, seq and file; what is before and beside it is answered", async () => {
    for (const set of [
      "data = replace(data, 'needle', 'noodle')",
      "id = 'x'",
      "type_id = 99",
      "type_id = (SELECT max(id) FROM types)",
      "version = 2",
      "at = at + 1",
      "seals = 1",
      "written_at = written_at + 1",
      "position = position + 100",
      "unsecured = 0",
      "meta = '{}'",
      "checksum = checksum + 1"
    ]) {
      const file = await written()
      change(
        file,
        `UPDATE events SET ${set} WHERE seq = 6 AND stream_id = (SELECT id FROM streams WHERE name = 's')`
      )
      const { ids, error, beside } = await readAll(file)
      expect(error, set).toBeInstanceOf(Damaged)
      expect(error, set).toMatchObject({ stream: "s", seq: 6, file })
      expect(String(error), set).not.toMatch(/needle|noodle/)
      expect(ids, set).toEqual(["before", "1", "2", "3", "4", "5"])
      expect(beside, set).toEqual(["before", "behind"])
    }
  })

  test("a missing, a swapped, a moved and a doubled row are found", async () => {
    const s = "(SELECT id FROM streams WHERE name = 's')"
    const cases = [
      { sql: `DELETE FROM events WHERE seq = 6 AND stream_id = ${s}`, seq: 6 },
      { sql: `DELETE FROM events WHERE seq = 9 AND stream_id = ${s}`, seq: 9 },
      {
        sql: `UPDATE events SET seq = -seq WHERE seq IN (3, 4) AND stream_id = ${s}; UPDATE events SET seq = 7 + seq WHERE seq < 0`,
        seq: 3
      },
      {
        sql: `UPDATE events SET seq = 10, stream_id = ${s} WHERE id = 'behind'; UPDATE streams SET seq = 10 WHERE name = 's'`,
        seq: 10
      },
      {
        sql: `UPDATE events SET (id, type_id, data, checksum, at) = (SELECT 'twin', type_id, data, checksum, at FROM events WHERE id = '2') WHERE id = '5'`,
        seq: 5
      }
    ]
    for (const { sql, seq } of cases) {
      const file = await written()
      change(file, sql)
      expect((await readAll(file)).error, sql).toMatchObject({ _tag: "Damaged", stream: "s", seq })
    }
  })

  test.each([
    ["a changed row", "UPDATE events SET data = '{}' WHERE id = '6'", ["6"]],
    ["a missing row", "DELETE FROM events WHERE id = '6'", ["6"]],
    ["the first rows missing", "DELETE FROM events WHERE id IN ('1', '2', '3')", ["1", "2", "3"]],
    ["the last row missing", "DELETE FROM events WHERE id = '9'", ["9"]],
    ["two places", "UPDATE events SET at = at + 1 WHERE id IN ('2', '7')", ["2", "7"]],
    [
      "all rows",
      "UPDATE events SET at = at + 1 WHERE id < 'a'",
      ["1", "2", "3", "4", "5", "6", "7", "8", "9"]
    ]
  ])('with onDamage: "report" everything but the damage is answered: %s', async (_, sql, lost) => {
    const file = await written()
    change(file, sql)
    const store = await Store.open(file)
    const rest = ["before", "1", "2", "3", "4", "5", "6", "7", "8", "9", "behind"].filter(
      (id) => !lost.includes(id)
    )
    const queries = [
      {},
      { order: "total" },
      { batchEvents: 2 },
      { streams: ["a", "s", "z"], limit: 100 }
    ] as const
    for (const query of queries) {
      for (const direction of ["forward", "backward"] as const) {
        const batches = await store.batches({ ...query, direction, onDamage: "report" })
        const ids = batches.flatMap(({ events }) => events.map(({ id }) => id))
        expect(ids).toEqual(direction === "forward" ? rest : rest.toReversed())
        const told = batches.filter(({ damage }) => damage !== undefined)
        // In total order a row that is gone leaves a gap only where its stream goes on.
        if (!("order" in query)) expect(told.length).toBeGreaterThan(0)
        for (const { damage, events, stream } of told) {
          expect(damage).toBeInstanceOf(Damaged)
          expect([stream, damage!.stream, damage!.file, events]).toEqual(["s", "s", file, []])
          expect(lost).toContain(String(damage!.seq))
        }
      }
    }
  })

  test("in total order too no row is missing or in another's place, wherever other streams' events stand between", async () => {
    const file = newFile()
    const store = await Store.open(file)
    const seqs = [1, 2, 3, 4, 5, 6]
    for (const seq of seqs) for (const stream of ["a", "s"]) await store.append(stream, [`${stream}${seq}`])
    await store.close()
    for (const seq of seqs) {
      for (const sql of ["DELETE FROM events WHERE", "UPDATE events SET position = position + 100 WHERE"]) {
        const copy = newFile()
        fs.copyFileSync(file, copy)
        change(copy, `${sql} id = 's${seq}'`)
        const damaged = await Store.open(copy)
        for (const streams of [undefined, ["s"], ["a", "s"]]) {
          for (const direction of ["forward", "backward"] as const) {
            for (const batchEvents of [2, 100]) {
              // Where a stream ends that isn't named isn't looked up.
              const isEnd = seq === 6 || (seq === 1 && direction === "backward")
              if (streams === undefined && isEnd && sql.startsWith("DELETE")) continue
              const query = { order: "total", streams, direction, batchEvents } as const
              const what = JSON.stringify({ sql, seq, ...query })
              const answered: Array<number> = []
              const error: unknown = await damaged
                .visit(query, ({ events, stream }) => {
                  if (stream === "s") answered.push(...events.map((one) => one.seq))
                })
                .catch((e: unknown) => e)
              expect(error, what).toMatchObject({ _tag: "Damaged", stream: "s" })
              const inOrder = direction === "forward" ? seqs : seqs.toReversed()
              expect(answered, what).toEqual(inOrder.slice(0, answered.length))
              expect(answered, what).not.toContain(seq)
              const rest = await damaged.batches({ ...query, onDamage: "report" })
              expect(
                rest.flatMap(({ events, stream }) => (stream === "s" ? events.map((one) => one.seq) : [])),
                what
              ).toEqual(inOrder.filter((one) => one !== seq))
              expect(
                rest.flatMap(({ damage }) => (damage === undefined ? [] : [damage.seq])),
                what
              ).toContain(seq)
            }
          }
        }
        await damaged.close()
      }
    }
  })

  test("in total order too a stream without epochs is told", async () => {
    const file = await written()
    change(file, "DELETE FROM epochs WHERE stream_id = (SELECT id FROM streams WHERE name = 's')")
    const store = await Store.open(file)
    await expect(store.ids({ order: "total" })).rejects.toMatchObject({
      _tag: "Damaged",
      stream: "s",
      seq: 1
    })
    expect(await store.ids({ order: "total", onDamage: "report" })).toEqual(["before", "behind"])
  })

  test("a last event that says too much of what was secured isn't believed: no head, nor receipt, vouches for it", async () => {
    const file = await written()
    change(file, "UPDATE events SET unsecured = 0 WHERE id = 'behind'")
    const store = await Store.open(file)
    expect(await store.head("s")).toMatchObject({ cursor: { seq: 9 }, synced: 0 })
    const syncs = () => store.storage.counters!().syncs
    const before = syncs()
    expect(await store.append("s", ["10"])).toMatchObject({ _tag: "Appended", seqs: [10] })
    // What was there before is secured by now, and only then told so.
    expect(syncs()).toBe(before + 1)
    expect(await store.head("a")).toMatchObject({ cursor: { seq: 1 }, synced: 1 })
    expect(await store.head("s")).toMatchObject({ cursor: { seq: 10 }, synced: 9 })
  })

  test("a damaged original is no duplicate, and not overwritten", async () => {
    const file = await written()
    change(file, "UPDATE events SET data = '{}' WHERE id = '6'")
    const store = await Store.open(file)
    const [s, a] = await store.appendAll([
      { stream: "s", events: [event("6")], durability: "written" },
      { stream: "a", events: [event("new")], durability: "written" }
    ])
    expect(s).toMatchObject({
      _tag: "Failed",
      reached: "rejected",
      cause: { _tag: "Damaged", stream: "s", seq: 6 }
    })
    expect(a).toMatchObject({ _tag: "Appended", seqs: [2] })
  })

  test.each(["seq - 1", "seq - 9", "seq + 1"])(
    "a seq isn't given out twice, nor behind a hole: a stream whose row tells %s takes nothing, and others do",
    async (told) => {
      const file = await written()
      change(file, `UPDATE streams SET seq = ${told} WHERE name = 's'`)
      const store = await Store.open(file)
      for (const type of ["chunk", "other", "new"]) {
        const [s, a] = await store.appendAll([
          { stream: "s", events: [event(`s ${type}`, { type })], durability: "written" },
          { stream: "a", events: [event(`a ${type}`, { type })], durability: "written" }
        ])
        expect(s).toMatchObject({
          _tag: "Failed",
          reached: "rejected",
          cause: { _tag: "Damaged", stream: "s", file }
        })
        expect(a).toMatchObject({ _tag: "Appended" })
      }
      await store.close()
      const { mended } = await Effect.runPromise(SqliteStorage.repair(file))
      const repaired = await Store.open(file)
      // What is missing can't be made anew.
      expect(mended.length).toBe(told === "seq + 1" ? 0 : 1)
      if (mended.length > 0)
        expect(await repaired.append("s", ["new"])).toMatchObject({ _tag: "Appended", seqs: [10] })
    }
  )

  test("no flipped bit in a page of events gives a wrong answer", { timeout: 60_000 }, async () => {
    const file = await written()
    const store = await Store.open(file)
    const whole = await store.events({})
    await store.close()
    const bytes = fs.readFileSync(file)
    // The page that holds the events' rows, every byte of its used part.
    const page = Math.floor(bytes.indexOf("needle 5") / 4096) * 4096
    const copy = newFile()
    let found = 0
    for (let offset = page; offset < page + 4096; offset++) {
      if (bytes[offset] === 0) continue
      const flipped = Buffer.from(bytes)
      flipped[offset]! ^= 1 << (offset % 8)
      fs.writeFileSync(copy, flipped, { mode: 0o600 })
      const damaged = await Store.open(copy)
      const answer: unknown = await damaged.events({}).catch((error: unknown) => error)
      await damaged.close()
      if (answer instanceof Damaged || answer instanceof StorageError) found++
      else expect(answer, `byte ${offset}`).toEqual(whole)
    }
    expect(found).toBeGreaterThan(500)
  })
})
