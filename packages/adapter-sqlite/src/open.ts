/** Opening: Node first, then the driver, then the file; each thing that can be wrong with them has its reason. */
import { OpenFailed } from "@varve/core"
import type Sqlite from "better-sqlite3"
import { Effect } from "effect"
import { codeOf, Connection, type Driver, identify, isBusy, patiently } from "./Connection.ts"
import { claimFile, findFile } from "./StoreFile.ts"

/** What is wrong with a version of Node: better-sqlite3 13 crashes the whole process under Node 20. */
export const nodeProblem = (version: string): string | undefined => {
  const [major = 0, minor = 0] = version.split(".").map(Number)
  const fine = major > 22 || (major === 22 && minor >= 18)
  return fine
    ? undefined
    : `@varve/adapter-sqlite needs Node 22.18 or newer, this is Node ${version}; start the program with a newer one`
}

/** Opens a store. Waits while another process holds its lock, `busyTimeout` ms at most. */
export const open = Effect.fnUntraced(function* (
  filename: string,
  busyTimeout: number
): Effect.fn.Return<Connection, OpenFailed> {
  const problem = nodeProblem(process.versions.node)
  if (problem !== undefined) return yield* new OpenFailed({ reason: "node-too-old", problem })
  // With NaN it would wait for ever.
  if (!(busyTimeout >= 0)) {
    const problem = `busyTimeout takes ms, 0 or more, not ${busyTimeout}`
    return yield* new OpenFailed({ reason: "unsupported", problem })
  }
  const driver = yield* loadDriver
  const work = (): Connection =>
    new Connection(driver, filename === ":memory:" ? filename : claimFile(filename), busyTimeout)
  return yield* Effect.mapError(patiently(work, busyTimeout), (error) => openFailed(filename, error))
})

/**
 * Opens a store that is there, for whoever looks after it, and begins a transaction: "readonly" beside others, or
 * "exclusive" where nobody else has it open, not even without a transaction.
 */
export const openInspection = (
  filename: string,
  mode: "readonly" | "exclusive"
): Effect.Effect<Sqlite.Database, OpenFailed> =>
  Effect.gen(function* () {
    const problem = nodeProblem(process.versions.node)
    if (problem !== undefined) return yield* new OpenFailed({ reason: "node-too-old", problem })
    const driver = yield* loadDriver
    return yield* Effect.try({
      try: () => inspect(driver, findFile(filename), mode),
      catch: (error) => openFailed(filename, error)
    })
  })

const inspect = (driver: Driver, file: string, mode: "readonly" | "exclusive"): Sqlite.Database => {
  const isOwn = mode === "exclusive"
  const db = new driver(file, { readonly: !isOwn, fileMustExist: true, timeout: 100 })
  try {
    db.exec("PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF")
    if (isOwn) {
      db.exec("PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON")
      // Before anything is read: then the lock is on the file as a whole, and excludes connections that do nothing.
      db.exec("PRAGMA secure_delete = ON; PRAGMA locking_mode = EXCLUSIVE")
    }
    db.exec(isOwn ? "BEGIN EXCLUSIVE" : "BEGIN")
    identify(db, file, "made")
    return db
  } catch (error) {
    db.close()
    if (!isOwn || !isBusy(error)) throw error
    const problem = "is in use; close it everywhere, then repair it"
    throw new OpenFailed({ reason: "in-use", file, problem })
  }
}

const loadDriver = Effect.tryPromise({
  try: async (): Promise<Driver> => (await import("better-sqlite3")).default,
  catch: (error) => unsupported(codeOf(error))
})

const unsupported = (code: string): OpenFailed =>
  new OpenFailed({
    reason: "unsupported",
    problem: `better-sqlite3 cannot be loaded here (${code}); install it for this platform`
  })

/** What an opening that threw is told as. */
export const openFailed = (file: string, error: unknown): OpenFailed => {
  if (error instanceof OpenFailed) return error
  const code = codeOf(error)
  // The driver loads its binary with the first database.
  if (code === "MODULE_NOT_FOUND" || code === "ERR_DLOPEN_FAILED") return unsupported(code)
  const failed = (reason: OpenFailed["reason"], problem: string) => new OpenFailed({ reason, file, problem })
  if (code === "SQLITE_NOTADB") return failed("not-a-store", "is not a SQLite database; choose another file")
  if (code.startsWith("SQLITE_CORRUPT"))
    return failed("not-a-store", `is damaged (${code}); restore it from a backup`)
  if (isBusy(error)) return failed("unreachable", "is locked by another process; try again later")
  return failed("unreachable", `cannot be opened (${code === "" ? String(error) : code})`)
}
