/** Reading, writing and making files through the port, with modes and links as laws S2 and S3 want them. */
import { constants } from "node:fs"
import { dirname } from "node:path"
import type { Disk } from "./Disk.ts"

// Windows knows no such flag, and has no such links without privileges.
const noFollow = constants.O_NOFOLLOW ?? 0

/** Opens a file that exists for reading; undefined when there is none. Follows no link. */
export const openToRead = (disk: Disk, path: string): number | undefined =>
  unlessAbsent(() => disk.openSync(path, constants.O_RDONLY | noFollow))

/** Opens a file that exists for writing; undefined when there is none. Follows no link. */
export const openToWrite = (disk: Disk, path: string): number | undefined =>
  unlessAbsent(() => disk.openSync(path, constants.O_RDWR | noFollow))

/** Makes a file, 0600 whatever the umask. Throws EEXIST. */
export const create = (disk: Disk, path: string): number => {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | noFollow
  const fd = disk.openSync(path, flags, 0o600)
  try {
    disk.fchmodSync(fd, 0o600)
  } catch (error) {
    disk.closeSync(fd)
    throw error
  }
  return fd
}

/**
 * Makes a folder and those above it unless they are there, 0700 whatever the umask. Their names survive power loss, unless
 * what is to lie in them is `derived` and need not.
 */
export const makeFolder = (disk: Disk, path: string, kind?: "derived"): void => {
  const found = disk.lstatSync(path, { throwIfNoEntry: false })
  if (found?.isDirectory() === true) return
  if (found !== undefined && !found.isSymbolicLink())
    throw Object.assign(new Error("not a folder"), { code: "ENOTDIR" })
  if (found !== undefined) return
  makeFolder(disk, dirname(path), kind)
  try {
    disk.mkdirSync(path, 0o700)
  } catch (error) {
    if (codeOf(error) === "EEXIST") return
    throw error
  }
  disk.chmodSync(path, 0o700)
  if (kind !== "derived") syncFolder(disk, dirname(path))
}

/** New and gone names in a folder survive power loss. Windows cannot sync a folder, and need not. */
export const syncFolder = (disk: Disk, path: string): void => {
  if (process.platform === "win32") return
  const fd = disk.openSync(path, constants.O_RDONLY)
  try {
    disk.fsyncSync(fd)
  } finally {
    disk.closeSync(fd)
  }
}

/** Writes all of it: what was written short is completed (law A6). */
export const writeAll = (disk: Disk, fd: number, bytes: Uint8Array, length: number, offset: number): void => {
  let done = 0
  while (done < length) {
    const written = disk.writeSync(fd, bytes, done, length - done, offset + done)
    if (written === 0) throw Object.assign(new Error("nothing more can be written"), { code: "ENOSPC" })
    done += written
  }
}

/** Reads a whole file; undefined when there is none. Follows no link. */
export const readFile = (disk: Disk, path: string): Buffer | undefined => {
  const fd = openToRead(disk, path)
  if (fd === undefined) return undefined
  try {
    const bytes = Buffer.alloc(disk.fstatSync(fd).size)
    let done = 0
    while (done < bytes.length) {
      const read = disk.readSync(fd, bytes, done, bytes.length - done, done)
      if (read === 0) break
      done += read
    }
    return bytes.subarray(0, done)
  } finally {
    disk.closeSync(fd)
  }
}

/** Makes a file with this content, exclusively. What was begun and failed is taken back. */
export const writeFile = (disk: Disk, path: string, content: Uint8Array, synced = false): void => {
  const fd = create(disk, path)
  try {
    writeAll(disk, fd, content, content.length, 0)
    if (synced) disk.fsyncSync(fd)
  } catch (error) {
    removeFile(disk, path)
    throw error
  } finally {
    disk.closeSync(fd)
  }
}

/** Closes a descriptor that isn't trusted any more, whatever that says. */
export const closeQuietly = (disk: Disk, fd: number): void => {
  try {
    disk.closeSync(fd)
  } catch {
    // It isn't used again either way.
  }
}

/** Removes a file; false when there was none. */
export const removeFile = (disk: Disk, path: string): boolean =>
  unlessAbsent(() => {
    disk.unlinkSync(path)
    return true
  }) ?? false

/** The names in a folder; none when there is no folder. */
export const namesIn = (disk: Disk, path: string): ReadonlyArray<string> =>
  unlessAbsent(() => disk.readdirSync(path)) ?? []

export const codeOf = (error: unknown): string =>
  (error as { readonly code?: string } | undefined)?.code ?? ""

export const unlessAbsent = <A>(work: () => A): A | undefined => {
  try {
    return work()
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined
    throw error
  }
}
