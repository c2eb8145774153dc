/**
 * The place of a store: its folder is made 0700 and its file 0600 whatever the umask, since transcripts hold secrets
 * (law S2); SQLite gives the -wal and -shm beside it the same mode. What is there already keeps its modes.
 *
 * A file that exists is never opened here: closing any descriptor of it would drop the locks of every other
 * connection that this process has to it (a rule of POSIX locks).
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { OpenFailed } from "@varve/core"

/** Makes folder and file unless they are there, and answers the file's absolute path. Throws {@link OpenFailed}. */
export const claimFile = (filename: string): string => {
  const file = path.resolve(filename)
  // better-sqlite3 trims the name, and would then open another file than the one made here.
  if (file !== file.trim())
    throw new OpenFailed({ reason: "unreachable", file, problem: "a name that ends in white space" })
  try {
    makeFolder(path.dirname(file))
    if (!exists(file)) makeFile(file)
    fs.accessSync(file, fs.constants.R_OK | fs.constants.W_OK)
    fs.accessSync(path.dirname(file), fs.constants.W_OK)
  } catch (error) {
    if (error instanceof OpenFailed) throw error
    const code = String((error as NodeJS.ErrnoException).code)
    throw new OpenFailed({
      reason: "unreachable",
      file,
      problem: `cannot be read and written (${code}); choose another place or mend its permissions`
    })
  }
  return file
}

/** The absolute path of a file that has to be there; makes nothing. Throws {@link OpenFailed}. */
export const findFile = (filename: string): string => {
  const file = path.resolve(filename)
  if (file === file.trim() && exists(file)) return file
  throw new OpenFailed({ reason: "unreachable", file, problem: "is not there; name the file of a store" })
}

const exists = (file: string): boolean => {
  const found = fs.lstatSync(file, { throwIfNoEntry: false })
  if (found === undefined) return false
  // SQLite would resolve the link and write wherever it points (law S3).
  if (found.isSymbolicLink()) {
    throw new OpenFailed({
      reason: "not-a-store",
      file,
      problem: "is a symbolic link, which is not followed; name the file itself"
    })
  }
  if (!found.isFile()) throw new OpenFailed({ reason: "not-a-store", file, problem: "is not a file" })
  return true
}

const makeFolder = (folder: string): void => {
  if (fs.existsSync(folder)) return
  makeFolder(path.dirname(folder))
  try {
    fs.mkdirSync(folder, 0o700)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return
    throw error
  }
  fs.chmodSync(folder, 0o700)
  syncFolder(path.dirname(folder))
}

const makeFile = (file: string): void => {
  try {
    // Exclusive: follows no link, and opens nothing that another connection may have locked.
    const descriptor = fs.openSync(file, "wx", 0o600)
    fs.fchmodSync(descriptor, 0o600)
    fs.closeSync(descriptor)
    syncFolder(path.dirname(file))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST" || !exists(file)) throw error
  }
}

/** The name of what was made survives power loss too (law A1). Windows cannot sync a folder, and need not. */
const syncFolder = (folder: string): void => {
  if (process.platform === "win32") return
  const descriptor = fs.openSync(folder, "r")
  try {
    fs.fsyncSync(descriptor)
  } finally {
    fs.closeSync(descriptor)
  }
}
