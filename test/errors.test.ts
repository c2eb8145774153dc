/** docs/errors.md knows every error by name, its fields too, and each comes about as it says: here, on purpose. */
import { FileStorage } from "@varve/adapter-file"
import * as core from "@varve/core"
import { admissionTable, troubled } from "@varve/testkit"
import { Effect, Layer, Schema } from "effect"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, test } from "vitest"
import { headingsOf, textOf } from "./Document.ts"

const { Channel, decision, EventSet, event, MemoryStorage, Projection, Remote, Varve } = core

const documented = textOf("docs/errors.md")

/** Every error class that the package exports. */
const errors = { ...core, ...Remote } as Record<string, unknown>
const names = Object.keys(errors).filter((name) => {
  const value = errors[name]
  return typeof value === "function" && value.prototype instanceof Error
})

class Session extends EventSet.make({
  Said: { text: Schema.String },
  Ended: event({}, { seals: true })
}) {}
const said = Session.Said({ text: "hi" })
const Count = Projection.make(Session, {
  name: "count",
  version: 1,
  state: Schema.Int,
  initial: () => 0,
  on: { Said: (count) => count + 1 }
})
const Half = Projection.make(Session, { ...Count, name: "half", on: { Said: () => 0.5 } })

type Options = Partial<core.LogOptions<typeof Session>> & { readonly storage?: Layer.Layer<core.LogStorage> }

const open = ({ storage = MemoryStorage.layer, ...options }: Options = {}) =>
  Varve.open({ events: Session, storage, ...options })

const directory = mkdtempSync(join(tmpdir(), "varve-errors-"))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const inFiles = (name: string) =>
  Varve.open({ events: Session, storage: FileStorage.layer({ directory: join(directory, name) }) })

const withTrouble = async (trouble: "rejected" | "unknown, not written") => {
  const { append, storage } = troubled(MemoryStorage.layer)
  await using log = await open({ storage })
  append(trouble)
  await log.append("s", said)
}

/** How each error comes about. */
const produce: Record<string, () => Promise<unknown>> = {
  InvalidName: async () => (await open()).append("", said),
  InvalidEvent: async () => (await open()).append("s", { ...said, data: { text: 7 } } as never),
  InvalidOption: async () => (await open()).append("s", said, { expected: -1 }),
  Unsupported: async () => (await open()).query({ order: "total" })[Symbol.asyncIterator]().next(),
  Conflict: async () => (await open()).append("s", said, { expected: 7 }),
  Sealed: async () => {
    const log = await open()
    await log.append("s", Session.Ended())
    await log.append("s", said)
  },
  IdConflict: async () => {
    const log = await open()
    await log.append("s", said)
    await log.append("s", { ...said, data: { text: "other" } })
  },
  CopyFailed: async () => {
    const log = await open()
    const events = Array.from({ length: 1100 }, (_, i) => Session.Said({ text: "hi" }, { id: `${i}` }))
    await log.append("s", events)
    await log.append("t", Session.Said({ text: "other" }, { id: "1099" }))
    await log.copy("s", "t")
  },
  Busy: async () => {
    await using owner = await inFiles("busy")
    await owner.append("s", said)
    await using other = await inFiles("busy")
    await other.append("s", Session.Said({ text: "me too" }))
  },
  StreamNotFound: async () => (await open()).label("s", { a: "b" }),
  DecisionFailed: async () => {
    const log = await open()
    const overtaken = () => {
      log.record("s", Session.Said({ text: "faster" }))
      return said
    }
    await log.decide("s", Count, overtaken, { tries: 1 })
  },
  AppendRejected: () => withTrouble("rejected"),
  AppendUnknown: () => withTrouble("unknown, not written"),
  RecordFailed: async () => {
    const log = await open({ onFailure: () => undefined })
    await log.append("s", Session.Ended())
    log.record("s", said)
    await log.flush("s")
  },
  QueueFull: async () => (await open({ hardLimit: { events: 0 } })).record("s", said),
  LogClosed: async () => {
    const log = await open()
    await log.close()
    await log.append("s", said)
  },
  StorageError: async () => {
    const { query, storage } = troubled(MemoryStorage.layer)
    const log = await open({ storage })
    query(1)
    await log.read("s")[Symbol.asyncIterator]().next()
  },
  Damaged: async () => {
    {
      await using log = await inFiles("damaged")
      await log.append("s", [said, Session.Ended()])
    }
    const file = join(directory, "damaged", "s.jsonl")
    writeFileSync(file, readFileSync(file, "utf8").replace('"hi"', '"ho"'))
    await using log = await inFiles("damaged")
    for await (const _ of log.read("s")) continue
  },
  OpenFailed: () => open({ durability: "power" }),
  CursorLost: async () => {
    const log = await open()
    const after = { epoch: "another store's", seq: 1 }
    await log.read("s", { after })[Symbol.asyncIterator]().next()
  },
  InvalidState: async () => {
    const log = await open()
    await log.append("s", said)
    await log.snapshot("s", Half)
  },
  RemoteRefused: async () => {
    const log = await open()
    const [near, far] = Channel.pair()
    Remote.serve(Session, log.effect, far, { projections: [Count], allow: () => false })
    using source = Remote.connect(Session, () => near)
    const refused = await Effect.runPromise(Effect.flip(source.stateWithCursor("s", Count)))
    throw (refused as core.StorageError).cause
  },
  WrongDecision: async () =>
    decision(Count, () => said)
      .when(undefined)
      .then([])
}

test.for(names)("%s comes about", async (name) => {
  const error = await produce[name]!().then(
    () => undefined,
    (failure: unknown) => failure
  )
  expect(error).toBeInstanceOf(errors[name])
  expect((error as Error).message).not.toBe("")
})

test("docs/errors.md has a heading for every error, and tells all its fields", () => {
  expect(names.length).toBeGreaterThan(20)
  expect(names.filter((name) => !headingsOf(documented).includes(name))).toEqual([])
  for (const name of names) {
    const [, section = ""] =
      new RegExp(`^### ${name}\n([\\s\\S]*?)(?=^##|$(?![\\s\\S]))`, "m").exec(documented) ?? []
    const { fields = {} } = errors[name] as { readonly fields?: Record<string, unknown> }
    const untold = Object.keys(fields).filter(
      (field) => field !== "_tag" && !section.includes(`\`${field}\``)
    )
    expect(untold, name).toEqual([])
  }
})

test("the admission table of docs/errors.md is the one that every storage is held against", () => {
  const kinds = (before: string) => [
    ...new Set(admissionTable.filter((row) => row.before === before).map(({ kind }) => kind))
  ]
  const columns = [
    ...new Set(admissionTable.filter(({ before }) => before === "open").map((row) => row.expected))
  ]
  const lines = (["absent", "open", "sealed"] as const).flatMap((before) => [
    [before, ...columns],
    ...kinds(before).map((kind) => [
      kind,
      ...columns.map(
        (expected) =>
          admissionTable.find(
            (row) => row.before === before && row.kind === kind && row.expected === expected
          )?.cell ?? "."
      )
    ])
  ])
  const cellsOf = (text: string) =>
    text
      .split("\n")
      .filter((line) => line.startsWith("| ") && !line.startsWith("| ---"))
      .map((line) =>
        line
          .split("|")
          .slice(1, -1)
          .map((cell) => cell.trim().replaceAll("`", ""))
      )
  const section = documented.slice(documented.indexOf("## The admission table"))
  expect(cellsOf(section).slice(-lines.length)).toEqual(lines)
})
