/** What operators are told of a folder, and what of it is mended: never a log. */
import * as fs from "node:fs"
import { crc32 } from "node:zlib"
import { type Problem, snapshotCheck } from "@varve/core"
import { Effect } from "effect"
import { describe, expect, test } from "vitest"
import { FileStorage } from "../src/index.ts"
import { event, newFolder, Store } from "./Store.ts"

const verify = (directory: string, options?: FileStorage.VerifyOptions) =>
  Effect.runPromise(FileStorage.verify(directory, options))
const repair = (directory: string) => Effect.runPromise(FileStorage.repair(directory))

const secret = "needle"
const longName = "long ".repeat(100)

/** Where each group of "s" ends, as told by the size of the file after each append. */
let ends: ReadonlyArray<number> = []

/** Streams "s" (four groups and their proofs), "t" and one of a long name, with labels and snapshots; closed. */
const written = async (): Promise<string> => {
  const directory = newFolder()
  const store = await Store.open(directory)
  const sizes: Array<number> = []
  for (let i = 1; i <= 4; i++) {
    await store.take("s", [event(String(i), { at: i, data: `{"text":"${secret} ${i}"}` })], {
      attributes: { project: `${secret} ${i}` },
      durability: "synced"
    })
    sizes.push(fs.statSync(`${directory}/s.jsonl`).size)
  }
  ends = sizes
  await store.take("t", ["a", event("b", { seals: true })])
  await store.take(longName, ["a"])
  const { cursor } = (await store.head("s"))!
  const snapshot = { stream: "s", projection: "p", version: 1, cursor, state: `"${secret}"` }
  const overAll = { ...snapshot, stream: "" }
  const all = [snapshot, overAll].map((one) => ({ ...one, check: snapshotCheck(one) }))
  await Effect.runPromise(store.storage.snapshots.save(all))
  await store.close()
  return directory
}

/** All that lies in a folder, with modes; of logs alone where asked. */
const dump = (directory: string, of = ""): ReadonlyMap<string, string> => {
  const names = fs
    .readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(of))
  return new Map(
    names.sort().map((name) => {
      const facts = fs.lstatSync(`${directory}/${name}`)
      const content = facts.isFile() ? fs.readFileSync(`${directory}/${name}`, "base64") : ""
      return [name, `${of === "" ? facts.mode : ""} ${content}`]
    })
  )
}

const flip = (file: string, offset: number): void => {
  const bytes = fs.readFileSync(file)
  bytes[offset]! ^= 1
  fs.writeFileSync(file, bytes)
}

/** Writes an index that has the right checksum. */
const reindex = (directory: string, change: (body: string) => string): void => {
  const file = `${directory}/.varve/heads`
  const [first, ...lines] = fs.readFileSync(file, "utf8").split("\n")
  const body = change(lines.join("\n"))
  expect(body).not.toBe(lines.join("\n"))
  const sum = crc32(body).toString(16).padStart(8, "0")
  fs.writeFileSync(file, `${first!.slice(0, -8)}${sum}\n${body}`)
}

/** The card of an owner that is gone, as FORMAT.md has it; under a claim too. */
const die = (directory: string, ...links: ReadonlyArray<string>): void => {
  const claims = `${directory}/.varve/claims`
  const id = "0123456789abcdef01234567"
  fs.writeFileSync(`${claims}/${id}.card`, `{"id":"${id}","name":"process 1"}\n`, { mode: 0o600 })
  for (const link of links) fs.linkSync(`${claims}/${id}.card`, `${claims}/${link}`)
}

describe("a good folder", () => {
  test("is found good, and every stream and event counted; nothing is touched", async () => {
    const directory = await written()
    const before = dump(directory)
    const bytes = ["s", "t"].map((name) => fs.statSync(`${directory}/${name}.jsonl`).size)
    let last: unknown
    const report = await verify(directory, { onProgress: (progress) => (last = progress) })
    expect(report).toEqual({ streams: 3, events: 7, problems: [] })
    const total = fs
      .readdirSync(directory)
      .filter((name) => name.endsWith(".jsonl"))
      .reduce((sum, name) => sum + fs.statSync(`${directory}/${name}`).size, 0)
    expect(total).toBeGreaterThan(bytes[0]! + bytes[1]!)
    expect(last).toEqual({ done: total, total, unit: "bytes" })
    expect(await repair(directory)).toEqual({ mended: [], left: [] })
    expect(dump(directory)).toEqual(before)
  })

  test("is looked through while it is written, and repaired only when nobody has it open", async () => {
    const directory = await written()
    const store = await Store.open(directory)
    await store.take("s", ["5"])
    // What somebody may be writing just now.
    const half = `${directory}/t.0123456789abcdef.tmp`
    fs.writeFileSync(half, "half", { mode: 0o600 })
    fs.appendFileSync(`${directory}/s.jsonl`, '{"seq":6')
    expect(await verify(directory)).toEqual({ streams: 3, events: 8, problems: [] })
    const before = dump(directory)
    await expect(repair(directory)).rejects.toMatchObject({
      _tag: "OpenFailed",
      reason: "in-use",
      file: directory
    })
    expect(dump(directory)).toEqual(before)
    await store.close()
    expect((await repair(directory)).mended).toEqual([expect.objectContaining({ file: half, stream: "t" })])
  })

  test("where there is none, none is made", async () => {
    const directory = `${newFolder()}/none`
    for (const work of [verify, repair])
      await expect(work(directory)).rejects.toMatchObject({ _tag: "OpenFailed", reason: "unreachable" })
    expect(fs.existsSync(directory)).toBe(false)
  })
})

interface Planted {
  readonly what: string
  readonly plant: (directory: string) => void
  /** The file is told by its name in the folder. */
  readonly found: () => ReadonlyArray<Omit<Problem, "mend">>
}

const groupBad = "a group that was secured is not what was written"
const s = { stream: "s", file: "s.jsonl" }

const damage: ReadonlyArray<Planted> = [
  {
    what: "a changed byte of a secured group",
    plant: (directory) => flip(`${directory}/s.jsonl`, ends[0]! + 40),
    found: () => [{ kind: "damaged", ...s, offset: ends[0]!, problem: groupBad }]
  },
  {
    what: "two places",
    plant: (directory) => {
      flip(`${directory}/s.jsonl`, ends[0]! + 40)
      flip(`${directory}/s.jsonl`, ends[2]! + 40)
    },
    found: () => [0, 2].map((i) => ({ kind: "damaged", ...s, offset: ends[i]!, problem: groupBad }))
  },
  {
    what: "a log in another's place",
    plant: (directory) => fs.copyFileSync(`${directory}/s.jsonl`, `${directory}/t.jsonl`),
    found: () => [
      { kind: "damaged", stream: "t", file: "t.jsonl", offset: 0, problem: "it is the log of another stream" }
    ]
  },
  {
    what: "a log under a name that no stream has",
    plant: (directory) => fs.renameSync(`${directory}/s.jsonl`, `${directory}/S s.jsonl`),
    found: () => [
      {
        kind: "damaged",
        stream: "s",
        file: "S s.jsonl",
        offset: 0,
        problem: "its name stands for another stream, so nobody finds it"
      }
    ]
  },
  {
    what: "what isn't a log",
    plant: (directory) => fs.writeFileSync(`${directory}/u.jsonl`, `{"${secret}":1}\n`, { mode: 0o600 }),
    found: () => [
      { kind: "damaged", stream: "u", file: "u.jsonl", offset: 0, problem: "it does not begin as a log" }
    ]
  },
  {
    what: "a log of a newer version",
    plant: (directory) =>
      fs.writeFileSync(`${directory}/u.jsonl`, '{"varve":9,"stream":"u","salt":"0"}\n', { mode: 0o600 }),
    found: () => [
      {
        kind: "damaged",
        stream: "u",
        file: "u.jsonl",
        offset: 0,
        problem: "its format is version 9, newer than 0, which is known here"
      }
    ]
  },
  {
    what: "a link",
    plant: (directory) => fs.symlinkSync("s.jsonl", `${directory}/u.jsonl`),
    found: () => [
      {
        kind: "damaged",
        stream: "u",
        file: "u.jsonl",
        problem: "it is no file, or a link, which is not followed"
      }
    ]
  },
  {
    what: "half a group at the end",
    plant: (directory) => fs.appendFileSync(`${directory}/t.jsonl`, `{"seq":3,"id":"${secret}`),
    found: () => [
      {
        kind: "torn",
        stream: "t",
        file: "t.jsonl",
        offset: expect.any(Number) as number,
        problem: "its end is no whole group: events that were not synced may be lost"
      }
    ]
  },
  {
    what: "half a header",
    plant: (directory) => fs.writeFileSync(`${directory}/u.jsonl`, '{"varve":', { mode: 0o600 }),
    found: () => [
      {
        kind: "torn",
        stream: "u",
        file: "u.jsonl",
        offset: 0,
        problem: "its end is no whole group: events that were not synced may be lost"
      }
    ]
  }
]

const dead = "0123456789abcdef01234567"
const ownerDied = {
  kind: "derived",
  file: `.varve/claims/${dead}.card`,
  problem: "the card of an owner that died"
} as const

const derived: ReadonlyArray<Planted> = [
  {
    what: "a changed byte of the index",
    plant: (directory) => flip(`${directory}/.varve/heads`, 100),
    found: () => [
      { kind: "derived", file: ".varve/heads", problem: "the index of heads is not what was written" }
    ]
  },
  ...(
    [
      ["a seq", 8, 3],
      ["an attribute", 14, { project: `${secret} 5` }],
      ["an epoch", 17, 2],
      ["another header", 5, 1],
      ["a type", 15, ["other"]]
    ] as const
  ).map(([what, field, value]) => ({
    what: `an index that is whole and tells other than a log: ${what}`,
    plant: (directory: string) =>
      reindex(directory, (body) =>
        body.replace(/^s (.*)$/m, (_, line: string) => {
          const fields = JSON.parse(line) as ReadonlyArray<unknown>
          return `s ${JSON.stringify(fields.with(field, value))}`
        })
      ),
    found: () => [
      {
        kind: "derived" as const,
        stream: "s",
        file: ".varve/heads",
        problem: "the index of heads tells other than the log"
      }
    ]
  })),
  {
    what: "a changed snapshot",
    plant: (directory) => {
      const file = `${directory}/.varve/snapshots/s/p.json`
      flip(file, fs.statSync(file).size - 3)
    },
    found: () => [
      { kind: "derived", file: ".varve/snapshots/s/p.json", problem: "a snapshot is not what was written" }
    ]
  },
  {
    what: "half a snapshot",
    plant: (directory) => fs.truncateSync(`${directory}/.varve/snapshots/%/p.json`, 20),
    found: () => [
      { kind: "derived", file: ".varve/snapshots/%/p.json", problem: "a snapshot is not what was written" }
    ]
  },
  {
    what: "a snapshot in another's place",
    plant: (directory) =>
      fs.renameSync(`${directory}/.varve/snapshots/s/p.json`, `${directory}/.varve/snapshots/s/q.json`),
    found: () => [
      { kind: "derived", file: ".varve/snapshots/s/q.json", problem: "a snapshot is not what was written" }
    ]
  },
  {
    what: "a snapshot of a stream whose log was deleted",
    plant: (directory) => fs.rmSync(`${directory}/s.jsonl`),
    found: () => [
      {
        kind: "derived",
        stream: "s",
        file: ".varve/snapshots/s/p.json",
        problem: "a snapshot of a stream that is not there"
      }
    ]
  },
  {
    what: "half a file beside a log",
    plant: (directory) => fs.writeFileSync(`${directory}/s.0123456789abcdef.tmp`, secret, { mode: 0o600 }),
    found: () => [
      {
        kind: "derived",
        stream: "s",
        file: "s.0123456789abcdef.tmp",
        problem: "half a file that a crash left"
      }
    ]
  },
  {
    what: "half a snapshot that was never put in its place",
    plant: (directory) =>
      fs.writeFileSync(`${directory}/.varve/snapshots/s/0123456789abcdef.tmp`, secret, { mode: 0o600 }),
    found: () => [
      {
        kind: "derived",
        file: ".varve/snapshots/s/0123456789abcdef.tmp",
        problem: "half a file that a crash left"
      }
    ]
  },
  {
    what: "an owner that died",
    plant: (directory) => die(directory),
    found: () => [ownerDied]
  },
  {
    what: "the claims of an owner that died",
    plant: (directory) => die(directory, "s.claim", `t.claim.after-${dead}`),
    found: () => [
      ownerDied,
      {
        kind: "derived",
        stream: "s",
        file: ".varve/claims/s.claim",
        problem: "the claim of an owner that died"
      },
      {
        kind: "derived",
        stream: "t",
        file: `.varve/claims/t.claim.after-${dead}`,
        problem: "the claim of an owner that died"
      }
    ]
  },
  {
    what: "modes that let others in",
    plant: (directory) => {
      fs.chmodSync(`${directory}/s.jsonl`, 0o640)
      fs.chmodSync(`${directory}/.varve/snapshots`, 0o755)
    },
    found: () => [
      { kind: "derived", file: "s.jsonl", problem: "others than its owner may use it" },
      { kind: "derived", file: ".varve/snapshots", problem: "others than its owner may use it" }
    ]
  }
]

const inFolder = (directory: string, problem: Omit<Problem, "mend">) => ({
  ...problem,
  file: `${directory}/${problem.file}`
})

test.each(damage)("is named, and left as it is: $what", async ({ plant, found }) => {
  const directory = await written()
  plant(directory)
  const before = dump(directory)
  const logs = dump(directory, ".jsonl")
  const wanted = found().map((problem) => inFolder(directory, problem))
  const { problems } = await verify(directory)
  expect(problems.filter(({ kind }) => kind !== "derived")).toEqual(wanted)
  expect(JSON.stringify(problems)).not.toContain(secret)
  expect(dump(directory)).toEqual(before)
  const { left } = await repair(directory)
  expect(left).toEqual(wanted)
  expect(dump(directory, ".jsonl")).toEqual(logs)
})

test.each(derived)("is named and mended, and no log touched: $what", async ({ plant, found }) => {
  const directory = await written()
  plant(directory)
  const before = dump(directory, ".jsonl")
  const { problems } = await verify(directory)
  const wanted = found().map((problem) => ({
    ...inFolder(directory, problem),
    mend: expect.any(String) as string
  }))
  expect(problems).toHaveLength(wanted.length)
  expect(problems).toEqual(expect.arrayContaining(wanted))
  expect(JSON.stringify(problems)).not.toContain(secret)
  expect(await repair(directory)).toEqual({ mended: problems, left: [] })
  expect(dump(directory, ".jsonl")).toEqual(before)
  expect((await verify(directory)).problems).toEqual([])
  expect(fs.readdirSync(`${directory}/.varve/claims`)).toEqual([])
})

test("claims and takeovers that a power cut left unreadable are mended", async () => {
  const directory = await written()
  const claims = `${directory}/.varve/claims`
  const names = ["s.claim", "s.claim.after-nobody-1"]
  for (const name of names) fs.writeFileSync(`${claims}/${name}`, "\0\0", { mode: 0o600 })
  const { problems } = await verify(directory)
  expect(problems.map(({ file }) => file)).toEqual(names.map((name) => `${claims}/${name}`))
  expect(await repair(directory)).toEqual({ mended: problems, left: [] })
  expect(fs.readdirSync(claims)).toEqual([])
})
