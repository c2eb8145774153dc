/** What is in a file, read with the real adapter, and what its readers are told of the cursors that they hold. */
import { copyFileSync, existsSync, rmSync } from "node:fs"
import { SqliteStorage } from "@varve/adapter-sqlite"
import { Varve } from "@varve/core"
import Database from "better-sqlite3"
import { Crash } from "./events.ts"
import type { Finding, Found, FoundStream, Held, Ledger } from "./Ledger.ts"
import type { Random } from "./Random.ts"

export interface CheckOptions {
  readonly cut?: boolean
  /** Read a copy, so that the next worker and not the check is the first to recover the file. */
  readonly copy?: boolean
}

/** Opens the file after its workers died, and compares it with the ledger. */
export const checkFile = async (
  file: string,
  ledger: Ledger,
  random: Random,
  { copy = false, cut = false }: CheckOptions = {}
): Promise<ReadonlyArray<Finding>> => {
  const read = copy ? copyOf(file) : file
  // A worker may die before it has made the file.
  if (!existsSync(read)) return ledger.check(new Map(), cut)
  const log = await Varve.open({ events: Crash, storage: SqliteStorage.layer({ filename: read }) })
  try {
    const found = await readAll(log)
    return [
      ...ledger.check(found, cut),
      ...(await checkCursors(log, found, ledger.held(found), random)),
      ...integrity(read)
    ]
  } finally {
    await log.close()
  }
}

/** The file and its write-ahead log, as a backup of a stopped program would take them. */
const copyOf = (file: string): string => {
  const to = `${file}.copy`
  for (const end of ["", "-wal", "-shm"]) rmSync(to + end, { force: true })
  for (const end of ["", "-wal"]) if (existsSync(file + end)) copyFileSync(file + end, to + end)
  return to
}

type Opened = Varve.PromiseLog<typeof Crash>

const readAll = async (log: Opened): Promise<ReadonlyMap<string, FoundStream>> => {
  const found = new Map<string, { events: Array<Found>; label: number }>()
  for (const { stream, attributes } of await log.heads()) {
    found.set(stream, { events: [], label: Number(attributes["label"] ?? 0) })
  }
  for await (const batch of log.query()) {
    let known = found.get(batch.stream)
    if (known === undefined) found.set(batch.stream, (known = { events: [], label: 0 }))
    for (const { data, epoch, id, seq, type } of batch.events) {
      known.events.push({ id, seq, epoch, type, text: "text" in data ? data.text : "" })
    }
  }
  return found
}

/** Law C3: a cursor of what is there goes on with exactly the rest; one of what was lost is told so. */
const checkCursors = async (
  log: Opened,
  found: ReadonlyMap<string, FoundStream>,
  held: ReturnType<Ledger["held"]>,
  random: Random
): Promise<ReadonlyArray<Finding>> => {
  const findings: Array<Finding> = []
  const wrong = (stream: string, told: string) => void findings.push({ law: "number", stream, told })
  const after = async (stream: string, { epoch, seq }: Held): Promise<string> => {
    const ids: Array<string> = []
    try {
      for await (const event of log.read(stream, { after: { epoch, seq } })) ids.push(event.id)
    } catch (error) {
      return (error as { readonly _tag: string })._tag
    }
    return ids.join()
  }
  for (const [stream, { lost, there }] of held) {
    const ids = found.get(stream)?.events.map(({ id }) => id) ?? []
    for (const cursor of there.length === 0 ? [] : [there.at(-1)!, random.pick(there)]) {
      const rest = await after(stream, cursor)
      if (rest !== ids.slice(cursor.seq).join()) wrong(stream, `after ${cursor.seq} comes ${rest}`)
    }
    for (const cursor of lost.length === 0 ? [] : [lost.at(-1)!, random.pick(lost)]) {
      const rest = await after(stream, cursor)
      if (rest !== "CursorLost") wrong(stream, `after ${cursor.seq}, which was lost, comes ${rest}`)
    }
  }
  return findings
}

const integrity = (file: string): ReadonlyArray<Finding> => {
  const db = new Database(file, { readonly: true })
  try {
    const told = db.pragma("quick_check", { simple: true })
    return told === "ok" ? [] : [{ law: "content", stream: "", told: String(told) }]
  } finally {
    db.close()
  }
}
