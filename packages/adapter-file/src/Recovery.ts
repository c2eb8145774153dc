/**
 * What happens to a log before its first append under a claim, and again after a failed write or sync:
 *
 * 1. All of it is read and checked. Damage to what had been secured refuses the stream (law R2).
 * 2. What is torn behind the last whole group is kept aside, durably, then cut.
 * 3. What isn't proven to be on disk is written once more and synced through a new descriptor: after a failed sync the
 *    page cache answers what the disk doesn't have, so reading back proves nothing (law A5).
 *
 * Each step leaves a log from which all of it may begin again (law R3).
 */
import { Damaged } from "@varve/core"
import { randomBytes } from "node:crypto"
import { dirname } from "node:path"
import { crc32 } from "node:zlib"
import type { Disk } from "./Disk.ts"
import { namesIn, openToWrite, removeFile, syncFolder, unlessAbsent, writeAll, create } from "./files.ts"
import { IdTable } from "./IdTable.ts"
import type { Notice } from "./Notice.ts"
import { type Steps, wait } from "./Steps.ts"
import { type Place, readLog, type Summary } from "./Summary.ts"

/** A log that may be appended to. */
export interface Recovered {
  /** Undefined while the stream has no events and no file. */
  readonly summary: Summary | undefined
  readonly fd: number | undefined
  readonly ids: IdTable
}

export interface Recovery extends Place {
  readonly salt: number
  readonly notify: (notice: Notice) => void
  /** From here on the file holds nothing but a write of this process that failed, and was told as unknown. */
  readonly failedAt: number | undefined
}

export function* recover(recovery: Recovery): Steps<Recovered> {
  const { disk, file, salt } = recovery
  const ids = new IdTable(salt)
  let fd = openToWrite(disk, file)
  if (fd === undefined) return { summary: undefined, fd, ids }
  try {
    const found = yield* readLog(recovery, fd, ids)
    if (found === "foreign") {
      const problem = "it does not begin as a log"
      throw new Damaged({ stream: recovery.stream, file, offset: 0, problem })
    }
    if (typeof found === "string") {
      yield* cut(recovery, fd, 0)
      return { summary: undefined, fd, ids }
    }
    if (found.damage !== undefined) throw found.damage
    yield* cut(recovery, fd, found.end)
    if (found.proven < found.used) fd = yield* rewrite(recovery, fd, found)
    return { summary: found, fd, ids }
  } catch (error) {
    disk.closeSync(fd)
    throw error
  }
}

/** Keeps aside and cuts what stands behind `end`. */
function* cut(recovery: Recovery, fd: number, end: number): Steps<void> {
  const { disk, file, notify, stream, turns } = recovery
  const { size } = disk.fstatSync(fd)
  if (size === end) return
  if (recovery.failedAt !== undefined && end >= recovery.failedAt) {
    disk.ftruncateSync(fd, end)
    disk.fsyncSync(fd)
    return
  }
  const folder = dirname(file)
  const base = file.slice(0, -".jsonl".length)
  // A recovery that was interrupted may have left half a copy.
  const own = `${base.slice(folder.length + 1)}.`
  for (const name of namesIn(disk, folder)) {
    if (name.startsWith(own) && name.endsWith(".tmp")) removeFile(disk, `${folder}/${name}`)
  }
  const temporary = `${base}.${randomBytes(8).toString("hex")}.tmp`
  const copy = create(disk, temporary)
  let sum = 0
  try {
    for (let offset = end; offset < size;) {
      yield* turns.give()
      const piece = readPiece(disk, fd, offset, size)
      if (piece.length === 0) break
      writeAll(disk, copy, piece, piece.length, offset - end)
      sum = crc32(piece, sum)
      offset += piece.length
    }
    yield* sync(disk, copy)
  } catch (error) {
    unlessAbsent(() => disk.unlinkSync(temporary))
    throw error
  } finally {
    disk.closeSync(copy)
  }
  // Named for what it holds: once more the same is no second file.
  const keptIn = `${base}.${end}-${sum.toString(16).padStart(8, "0")}.torn`
  disk.renameSync(temporary, keptIn)
  syncFolder(disk, folder)
  disk.ftruncateSync(fd, end)
  disk.fsyncSync(fd)
  notify({ stream, file, kind: "torn", from: end, bytes: size - end, keptIn })
}

/** Writes everything behind the last proof once more, through a new descriptor, and syncs that. Answers it. */
function* rewrite(recovery: Recovery, old: number, summary: Summary): Steps<number> {
  const { disk, file, turns } = recovery
  const fd = openToWrite(disk, file)
  if (fd === undefined) throw Object.assign(new Error("the log was removed"), { code: "ENOENT" })
  try {
    // A file that never was synced has a name that may not be on disk either.
    const isNew = summary.proven === 0
    for (let offset = summary.proven; offset < summary.end;) {
      yield* turns.give()
      const piece = readPiece(disk, old, offset, summary.end)
      if (piece.length === 0) throw Object.assign(new Error("the log became shorter"), { code: "EIO" })
      writeAll(disk, fd, piece, piece.length, offset)
      offset += piece.length
    }
    yield* sync(disk, fd)
    if (isNew) syncFolder(disk, dirname(file))
  } catch (error) {
    disk.closeSync(fd)
    throw error
  }
  disk.closeSync(old)
  summary.prove(summary.end, summary.head?.cursor.seq ?? 0)
  return fd
}

/** Syncs in the thread pool, so that the files of a call are synced side by side. */
export const sync = (disk: Disk, fd: number): Steps<void> =>
  wait({
    now: () => disk.fdatasyncSync(fd),
    later: () =>
      new Promise((resolve, reject) =>
        disk.fdatasync(fd, (error) => (error === null ? resolve() : reject(error)))
      )
  })

const pieceBytes = 1024 * 1024

const readPiece = (disk: Disk, fd: number, offset: number, end: number): Buffer => {
  const piece = Buffer.allocUnsafe(Math.min(pieceBytes, end - offset))
  return piece.subarray(0, disk.readSync(fd, piece, 0, piece.length, offset))
}
