import * as fs from "node:fs"
import { crc32 } from "node:zlib"
import { Damaged, type Head, type Outcome } from "@varve/core"
import { describe, expect, test } from "vitest"
import type { Disk } from "../src/Disk.ts"
import type { FileStorage } from "../src/index.ts"
import { Forward } from "../src/LogEvents.ts"
import { runNow } from "../src/Steps.ts"
import { readLog } from "../src/Summary.ts"
import { Turns } from "../src/Turns.ts"
import { event, newFolder, Store } from "./Store.ts"

/**
 * A log of four groups and a proof: [a b] synced, [c] synced, [d e] written, [f] written, as a killed process leaves it;
 * and where each ends, as told by the size of the file after each append.
 */
const write = async () => {
  const directory = newFolder()
  const file = `${directory}/s.jsonl`
  const store = await Store.open(directory)
  const ends: Array<number> = []
  const size = () => fs.statSync(file).size
  await store.append("s", ["a", "b"], { durability: "synced", attributes: { project: "p" } })
  ends.push(size())
  await store.append("s", ["c"], { durability: "synced" })
  ends.push(size())
  await store.append("s", ["d", "e"])
  ends.push(size())
  await store.append("s", ["f"])
  ends.push(size())
  const bytes = fs.readFileSync(file)
  // Closing secures the end.
  await store.close()
  fs.writeFileSync(file, bytes)
  return { directory, file, ends, bytes }
}

const ids = ["a", "b", "c", "d", "e", "f"]
const isPrefix = (got: ReadonlyArray<string>): boolean => got.every((id, i) => id === ids[i])

/** Opens the folder with a changed log, reads it, then appends to it and reads again. */
const meet = async (directory: string) => {
  const notices: Array<FileStorage.Notice> = []
  const store = await Store.alone(directory, { onNotice: (notice) => notices.push(notice) })
  const before = await store.answered({ streams: ["s"] })
  const outcome: Outcome = await store.append("s", ["z"])
  const after = await store.answered({ streams: ["s"] })
  await store.close()
  return { before, outcome, after, notices }
}

const tornFiles = (directory: string) => fs.readdirSync(directory).filter((name) => name.endsWith(".torn"))

describe("A2, A3: whatever is left of the end, a prefix of whole groups is read, and writing goes on", () => {
  test("the log ends at any byte behind the last proof", { timeout: 120_000 }, async () => {
    const { directory, file, ends, bytes } = await write()
    const [, proven, last] = ends as [number, number, number]
    // Every byte of the last group, and of what comes before it every fifth.
    for (let length = proven; length < bytes.length; length += length < last ? 5 : 1) {
      fs.writeFileSync(file, bytes.subarray(0, length))
      const { before, outcome, after, notices } = await meet(directory)
      const whole = ends.filter((end) => end <= length).length
      const wanted = ids.slice(0, [0, 2, 3, 5, 6][whole])
      expect(before, `read at ${length}`).toEqual({ ids: wanted, error: undefined })
      expect(outcome, `append at ${length}`).toMatchObject({
        _tag: "Appended",
        seqs: [wanted.length + 1]
      })
      expect(after.ids).toEqual([...wanted, "z"])
      // What was cut is told, and kept byte for byte.
      const from = ends.findLast((end) => end <= length)!
      if (from === length) expect(notices).toEqual([])
      else {
        const [{ keptIn, ...notice }] = notices as [FileStorage.Notice]
        expect(notice).toEqual({ stream: "s", file, kind: "torn", from, bytes: length - from })
        expect(fs.readFileSync(keptIn)).toEqual(bytes.subarray(from, length))
        expect(fs.statSync(keptIn).mode & 0o777).toBe(0o600)
      }
    }
  })

  test("the end is overwritten with zeroes from any byte on", { timeout: 120_000 }, async () => {
    const { directory, file, ends, bytes } = await write()
    for (let from = ends[1]!; from < bytes.length; from += 7) {
      fs.writeFileSync(file, Buffer.concat([bytes.subarray(0, from), Buffer.alloc(bytes.length - from)]))
      const { before, outcome, notices } = await meet(directory)
      expect(isPrefix(before.ids) && before.ids.length >= 3, `zeroes from ${from}`).toBe(true)
      expect(outcome._tag).toBe("Appended")
      expect(notices.length).toBe(1)
    }
  })

  test("a hole with whole groups behind it is torn, not damaged", async () => {
    const { directory, file, ends, bytes } = await write()
    const holed = Buffer.from(bytes)
    holed.fill(0, ends[1], ends[2])
    fs.writeFileSync(file, holed)
    const { before, after, notices } = await meet(directory)
    expect(before).toEqual({ ids: ["a", "b", "c"], error: undefined })
    expect(after.ids).toEqual(["a", "b", "c", "z"])
    expect(notices).toMatchObject([{ from: ends[1], bytes: bytes.length - ends[1]! }])
  })

  test("a header that isn't whole begins the log anew, and what was there is kept", async () => {
    const { directory, file, bytes } = await write()
    for (const left of [
      bytes.subarray(0, 0),
      bytes.subarray(0, 5),
      bytes.subarray(0, 40),
      Buffer.alloc(300),
      Buffer.concat([bytes.subarray(0, 4), Buffer.alloc(300)])
    ]) {
      fs.writeFileSync(file, left)
      const { before, outcome, after, notices } = await meet(directory)
      expect(before).toEqual({ ids: [], error: undefined })
      expect(outcome).toMatchObject({ _tag: "Appended", seqs: [1] })
      expect(after.ids).toEqual(["z"])
      expect(notices.map(({ keptIn }) => fs.readFileSync(keptIn))).toEqual(left.length === 0 ? [] : [left])
    }
  })

  test("a half copy that a recovery left goes with the next one, another stream's stays", async () => {
    const { directory, file, bytes } = await write()
    fs.writeFileSync(file, bytes.subarray(0, bytes.length - 3))
    const [own, other] = ["s.0123456789abcdef.tmp", "t.0123456789abcdef.tmp"]
    for (const name of [own, other]) fs.writeFileSync(`${directory}/${name}`, "half")
    await meet(directory)
    expect(fs.readdirSync(directory).filter((name) => name.endsWith(".tmp"))).toEqual([other])
  })

  test("R3: recovering twice keeps one copy, and an undamaged log isn't touched", async () => {
    const { directory, file, bytes } = await write()
    const torn = bytes.subarray(0, bytes.length - 3)
    for (let i = 0; i < 3; i++) {
      fs.writeFileSync(file, torn)
      const { outcome } = await meet(directory)
      expect(outcome._tag).toBe("Appended")
    }
    expect(tornFiles(directory).length).toBe(1)
    fs.writeFileSync(file, bytes)
    for (let i = 0; i < 2; i++) {
      const store = await Store.open(directory)
      expect(await store.append("s", ["a"])).toMatchObject({ _tag: "Appended", duplicates: [0] })
      await store.close()
      expect(fs.readFileSync(file)).toEqual(bytes)
    }
  })
})

describe("R1, R2: damage is found, and told from what a crash leaves", () => {
  test(
    "every bit of a log flipped: no event is answered that wasn't written",
    { timeout: 60_000 },
    async () => {
      const { directory, file, ends, bytes } = await write()
      const proven = ends[1]!
      expect(read(file, bytes)).toMatchObject({ ids, damage: undefined })
      let refused = 0
      for (let at = 0; at < bytes.length; at++) {
        for (let bit = 0; bit < 8; bit++) {
          const flipped = Buffer.from(bytes)
          flipped[at]! ^= 1 << bit
          const where = `bit ${bit} of byte ${at}, ${JSON.stringify(String.fromCharCode(bytes[at]!))}`
          const got = read(file, flipped)
          expect(isPrefix(got.ids), where).toBe(true)
          const isLost = got.ids.length < 3
          // Synced bytes, and a later mark that says so: nothing of them is missing without a word.
          if (isLost) expect(got.damage, where).toBeInstanceOf(Damaged)
          if (isLost) refused++
          if (at >= proven) expect(isLost, where).toBe(false)
          if ((8 * at + bit) % 89 !== 0) continue
          // And the same by way of the seam, and of a writer.
          fs.writeFileSync(file, flipped)
          const { before, outcome } = await meet(directory)
          expect(before.ids, where).toEqual(got.ids)
          if (isLost)
            expect(outcome, where).toMatchObject({ reached: "rejected", cause: { _tag: "Damaged", file } })
          else expect(before.error, where).toBe(undefined)
        }
      }
      expect(refused).toBeGreaterThan(1000)
    }
  )

  test("a whole group in another place, twice, of another stream, or of a lost history is not taken for right", async () => {
    const directory = newFolder()
    const store = await Store.open(directory)
    const file = `${directory}/s.jsonl`
    const ends: Array<number> = []
    for (const id of ["a", "b", "c", "d"]) {
      await store.take("t", [id])
      await store.take("s", [id])
      ends.push(fs.statSync(file).size)
    }
    await store.close()
    const bytes = fs.readFileSync(file)
    const of = (n: number) => bytes.subarray(ends[n - 1], ends[n])
    expect(of(2).length).toBe(of(3).length)
    const put = (...groups: ReadonlyArray<Buffer>) => Buffer.concat([bytes.subarray(0, ends[1]), ...groups])
    expect(read(file, put(of(2), of(3))).ids).toEqual(["a", "b", "c", "d"])
    for (const [what, groups] of Object.entries({
      swapped: [of(3), of(2)],
      twice: [of(2), of(2)],
      "one missing": [of(3)],
      "of another stream": [fs.readFileSync(`${directory}/t.jsonl`).subarray(ends[1], ends[2])]
    })) {
      const got = read(file, put(...groups))
      expect(got.ids, what).toEqual(what === "twice" ? ["a", "b", "c"] : ["a", "b"])
    }
    // A new history of the same length, behind which a piece of the lost one comes back.
    fs.writeFileSync(file, bytes.subarray(0, ends[1]))
    const next = await Store.open(directory)
    await next.take("s", [event("C", { data: '{"text":"c"}' })])
    await next.close()
    const length = fs.statSync(file).size
    const lost = Buffer.from(of(3).toString().replace(`"from":${ends[2]}`, `"from":${length}`))
    const old = Buffer.concat([fs.readFileSync(file), withChecksum(lost, bytes)])
    expect(read(file, old).ids).toEqual(["a", "b", "C"])
    expect(
      read(file, Buffer.concat([bytes.subarray(0, ends[2]), withChecksum(of(3), bytes)])).ids.length
    ).toBe(4)
  })

  test("a label that is missing or there twice is not taken for right, though no seq tells", async () => {
    const directory = newFolder()
    const store = await Store.open(directory)
    const file = `${directory}/s.jsonl`
    const ends: Array<number> = []
    const size = () => ends.push(fs.statSync(file).size)
    await store.take("s", ["a"])
    size()
    await store.take("s", [], { attributes: { title: "1" } })
    size()
    await store.take("s", [], { attributes: { title: "2" } })
    size()
    await store.take("s", ["b"])
    await store.close()
    const bytes = fs.readFileSync(file)
    const of = (n: number) => bytes.subarray(ends[n - 1], ends[n])
    const title = (...groups: ReadonlyArray<Buffer>) => {
      const { ids: got, attributes } = read(file, Buffer.concat([bytes.subarray(0, ends[0]), ...groups]))
      return [got.length, attributes?.["title"]]
    }
    expect(title(of(1), of(2), of(3))).toEqual([2, "2"])
    expect(title(of(2), of(3))).toEqual([1, undefined])
    expect(title(of(2), of(1), of(3))).toEqual([1, undefined])
    expect(title(of(1), of(1), of(3))).toEqual([1, "1"])
  })

  test.each([
    ["a", '"id":"a"', ["c", "d", "e", "f"], []],
    ["c", '"id":"c"', ["a", "b", "d", "e", "f"], ["b"]],
    ["f", '"id":"f"', ["a", "b", "c", "d", "e"], ["b", "c", "d", "e"]],
    ["the mark of the second group", '"end":3,"count":1', ["a", "b", "d", "e", "f"], ["b"]],
    ["the header", "salt", [], []]
  ])('onDamage: "report" answers the rest: %s', async (_, text, rest, before) => {
    const { directory, file, bytes } = await write()
    const store = await Store.open(directory)
    // Everything proven, so that all of it counts as damage.
    await store.append("s", ["f"], { durability: "synced" })
    await store.append("t", ["other"])
    await store.release("s")
    const damaged = fs.readFileSync(file)
    damaged[bytes.indexOf(text) + 1]! ^= 1
    fs.writeFileSync(file, damaged)
    for (const direction of ["forward", "backward"] as const) {
      for (const batchEvents of [1, 512]) {
        const batches = await store.batches({ direction, batchEvents, onDamage: "report" })
        const got = batches.flatMap(({ events }) => events.map(({ id }) => id))
        const wanted = [...rest, "other"]
        expect(got).toEqual(direction === "forward" ? wanted : wanted.toReversed())
        const told = batches.filter(({ damage }) => damage !== undefined)
        expect(told.map(({ events, stream }) => [stream, events])).toEqual([["s", []]])
        expect(told[0]!.damage).toMatchObject({ _tag: "Damaged", stream: "s", file })
      }
    }
    for (const direction of ["forward", "backward"] as const) {
      const named = { streams: ["s"], direction, batchEvents: 1, onDamage: "report" } as const
      const places = (await store.batches(named)).map(({ last }) => last?.seq ?? 0)
      // Once a place was reached it is told to the end, though nothing may stand behind the damage.
      expect(places.lastIndexOf(0)).toBeLessThan(places.findIndex((seq) => seq > 0) >>> 0)
    }
    const failing = await store.answered({})
    expect(failing.ids.filter((id) => id !== "other")).toEqual(before.length > 0 ? ["a", ...before] : [])
    expect(failing.error).toBeInstanceOf(Damaged)
    expect(await store.ids({ streams: ["t"] })).toEqual(["other"])
    await store.close()
  })
})

/** A group with the checksum that it has in this log. */
const withChecksum = (group: Buffer, log: Buffer): Buffer => {
  const reckoned = crc32(group.subarray(0, -11), crc32(log.subarray(0, log.indexOf(10) + 1)))
  return Buffer.concat([group.subarray(0, -11), Buffer.from(`${reckoned.toString(16).padStart(8, "0")}"}\n`)])
}

interface Reading {
  readonly ids: Array<string>
  damage: unknown
  attributes: Head["attributes"] | undefined
}

/** Reads bytes as a log: the events before the first damage, and that. */
const read = (file: string, bytes: Buffer) => {
  const disk: Disk = {
    ...fs,
    fstatSync: () => ({ size: bytes.length, ino: 1, dev: 1, mtimeMs: 0, isFile: () => true }),
    readSync: (_fd, into, offset, length, position) =>
      bytes.copy(into, offset, position, Math.min(bytes.length, position + length))
  }
  const got: Reading = { ids: [], damage: undefined, attributes: undefined }
  try {
    const log = runNow(readLog({ disk, turns: new Turns(), stream: "s", file }, 0))
    if (typeof log === "string") return got
    got.damage = log.damage
    got.attributes = log.head?.attributes
    const events = new Forward(disk, 0, log, 1, log.head?.cursor.seq ?? 0)
    while (events.next()) got.ids.push(events.line.id)
  } catch (error) {
    if (!(error instanceof Damaged)) throw error
    got.damage = error
  }
  return got
}
