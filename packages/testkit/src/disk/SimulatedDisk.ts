/**
 * A disk for authors of file storages: file operations by Node's names (hand it to your storage in place of
 * `node:fs`), over a file system in memory that knows what a power cut would leave.
 *
 * - Reads answer what was written. Durable is only what was synced: `fdatasync` and `fsync` make the bytes and the
 *   size of a file durable, `fsync` of a folder its names. All else may or may not have come to the disk, in any
 *   order: lost, torn at any byte, as zeros, or with later pages there and earlier ones not.
 * - A **failed sync** is what it is on Linux: the bytes read back as if nothing had happened, the next sync succeeds
 *   without writing them, and a power cut then loses them. Only writing them again helps. (A failed sync of a folder
 *   merely leaves its names as undecided as they were.)
 * - Writes are atomic for nobody, `O_DSYNC` and `O_SYNC` are refused (they don't cover what was written before), and
 *   permissions are kept but not enforced.
 *
 * ```ts
 * const disk = new SimulatedDisk()
 * disk.crashAt(17)                                             // or: disk.plant({ call: "fdatasync", code: "EIO" })
 * await useIt(disk).catch(() => undefined)                     // every call from the 17th step on throws Crashed
 * const after = disk.crash({ kind: "power", choose: chooseBy(seed) })
 * ```
 *
 * A crash answers another disk and leaves this one as it is, so that many can be tried from one point; a copy costs
 * some microseconds and shares the bytes.
 */
import { constants } from "node:fs"
import type { Choose } from "./Choose.ts"
import { type DiskError, diskError } from "./DiskError.ts"
import type { DiskFault } from "./DiskFault.ts"
import type { DiskStats } from "./DiskStats.ts"
import { type Inode, isFolder, isLink, permissions, statsOf } from "./Inode.ts"
import {
  flagsOf,
  O_CREAT,
  O_DIRECTORY,
  O_DSYNC,
  O_EXCL,
  O_NOFOLLOW,
  O_RDWR,
  O_SYNC,
  O_TRUNC,
  O_WRONLY
} from "./OpenFlags.ts"
import { type DiskStep, Steps } from "./Steps.ts"
import { type Place, Tree } from "./Tree.ts"

/** How a simulated disk behaves where systems differ. */
export interface SimulatedDiskOptions {
  /** What is taken from the permissions of new files and folders; 0o022 by default. */
  readonly umask?: number
  /** When `fdatasync` ends and calls back; `setImmediate` by default. What is written until then is not synced by it. */
  readonly defer?: (end: () => void) => void
}

/** How the machine stopped. */
export type Crash =
  /** The process died: all that was written is there, and still not durable. A write under way is there in part. */
  | { readonly kind: "kill"; readonly choose?: Choose }
  /** The power went. */
  | { readonly kind: "power"; readonly choose: Choose }

interface Descriptor {
  readonly inode: Inode
  readonly path: string
  readonly flags: number
}

/** A disk in memory, for a storage to be given in place of `node:fs`. A crash answers the disk that it leaves. */
export class SimulatedDisk {
  /** Called before each step is taken; `crash` then answers what a crash in the middle of it leaves. */
  onStep: ((step: DiskStep) => void) | undefined
  private readonly options: SimulatedDiskOptions
  private tree = new Tree()
  private readonly descriptors = new Map<number, Descriptor>()
  private readonly steps = new Steps((step) => this.onStep?.(step))
  private underway: { readonly ino: number; readonly at: number; readonly bytes: Uint8Array } | undefined
  /** Numbers changes, over crashes too. */
  private serial = 0

  constructor(options: SimulatedDiskOptions = {}) {
    this.options = options
  }

  // ── what a test does ──

  /** The steps taken so far, in order. */
  get trace(): ReadonlyArray<DiskStep> {
    return this.steps.taken
  }

  /** How many descriptors are open. */
  get openFiles(): number {
    return this.descriptors.size
  }

  get crashed(): boolean {
    return this.steps.crashed
  }

  /** Stops at the step of this number, before it is done (a write: in the midst of it). All calls throw from then on. */
  crashAt(step: number): void {
    this.steps.stopAt = step
  }

  /** Makes calls fail. */
  plant(fault: DiskFault): void {
    this.steps.faults.plant(fault)
  }

  /** The disk after a crash here and now, with nothing open and no faults. This one stays as it is. */
  crash(crash: Crash): SimulatedDisk {
    const next = new SimulatedDisk(this.options)
    next.serial = this.serial
    const { kind } = crash
    const choose = crash.choose ?? none
    next.tree = this.tree.after(kind, choose, ({ content, ino }) => {
      if (this.underway?.ino !== ino) return content
      const { at, bytes } = this.underway
      const torn = content.copy()
      torn.write(this.serial + 1, at, bytes.subarray(0, choose(bytes.length + 1)))
      return torn
    })
    return next
  }

  /** Makes all that was written durable, as `sync` of the machine does. */
  settle(): void {
    this.tree.names.syncAll()
    for (const inode of this.tree.all()) this.syncInode(inode, Infinity)
  }

  /** A file's bytes, without a step or a fault. Follows links. */
  readFileSync(path: string): Uint8Array {
    const { content } = this.tree.fileAt(path, "read")
    const bytes = new Uint8Array(content.size)
    content.read(bytes, 0)
    return bytes
  }

  /**
   * The files in a folder by name, with their bytes as they are now: look, don't write. None where there is no such
   * folder. Without a step or a fault, and without following links.
   */
  files(folder: string): ReadonlyMap<string, Uint8Array> {
    return new Map(Array.from(this.tree.files(folder), ([name, { content }]) => [name, content.all]))
  }

  /** Puts a file there, or other bytes into it, durably and without a step or a fault: a disk as somebody else left it. */
  writeFileSync(path: string, bytes: Uint8Array, { mode = 0o644 }: { readonly mode?: number } = {}): void {
    const place = this.tree.find(path, "write")
    const file = { bytes: new Uint8Array(bytes), ino: place.inode?.ino }
    this.tree.put(place, constants.S_IFREG | mode, this.now(), file)
    this.tree.names.sync(place.folder)
  }

  /** Plants a symbolic link, durably and without a step. */
  symlinkSync(target: string, path: string): void {
    const place = this.tree.freeAt(path, "symlink")
    this.tree.put(place, constants.S_IFLNK | 0o777, this.now(), { target })
    this.tree.names.sync(place.folder)
  }

  // ── what a storage does ──

  openSync(path: string, flags: string | number, mode = 0o666): number {
    this.steps.enter("open", path)
    const bits = typeof flags === "number" ? flags : flagsOf[flags]
    if (bits === undefined || (bits & (O_DSYNC | O_SYNC)) !== 0) throw diskError("EINVAL", "open", path)
    const exclusive = (bits & O_EXCL) !== 0
    const place = this.tree.find(path, "open", !exclusive && (bits & O_NOFOLLOW) === 0)
    let { inode } = place
    const creates = (bits & O_CREAT) !== 0
    if (inode === undefined && !creates) throw diskError("ENOENT", "open", path)
    if (inode !== undefined && creates && exclusive) throw diskError("EEXIST", "open", path)
    if (inode !== undefined && isLink(inode)) throw diskError("ELOOP", "open", path)
    if (inode !== undefined && isFolder(inode) && (bits & (O_WRONLY | O_RDWR | O_CREAT)) !== 0) {
      throw diskError("EISDIR", "open", path)
    }
    if (inode !== undefined && !isFolder(inode) && (bits & O_DIRECTORY) !== 0) {
      throw diskError("ENOTDIR", "open", path)
    }
    if (inode === undefined) {
      this.steps.take("open", path)
      inode = this.create(place, constants.S_IFREG, mode)
    } else if ((bits & O_TRUNC) !== 0) {
      this.steps.take("open", path, 0, 0)
      inode.content.truncate(++this.serial, 0)
    }
    let fd = 3
    while (this.descriptors.has(fd)) fd++
    this.descriptors.set(fd, { inode, path, flags: bits })
    return fd
  }

  closeSync(fd: number): void {
    const { path } = this.opened(fd, "close")
    this.descriptors.delete(fd)
    // As on Linux, the descriptor is gone even if closing fails.
    this.steps.enter("close", path)
  }

  readSync(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number {
    const { flags, inode, path } = this.opened(fd, "read")
    this.steps.enter("read", path)
    if ((flags & O_WRONLY) !== 0) throw diskError("EBADF", "read")
    if (isFolder(inode)) throw diskError("EISDIR", "read")
    return inode.content.read(buffer.subarray(offset, offset + length), position)
  }

  writeSync(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number {
    const { inode, path } = this.writable(fd, "write", "EBADF")
    const fault = this.steps.enter("write", path)
    const bytes = buffer.subarray(offset, offset + Math.min(length, fault?.bytes ?? Infinity))
    this.underway = { ino: inode.ino, at: position, bytes }
    this.steps.take("write", path, position, bytes.length)
    this.underway = undefined
    if (bytes.length > 0) inode.content.write(++this.serial, position, bytes)
    inode.mtimeMs = this.now()
    return bytes.length
  }

  ftruncateSync(fd: number, length: number): void {
    const { inode, path } = this.writable(fd, "ftruncate", "EINVAL")
    this.steps.enter("ftruncate", path)
    this.steps.take("ftruncate", path, 0, length)
    inode.content.truncate(++this.serial, length)
    inode.mtimeMs = this.now()
  }

  fstatSync(fd: number): DiskStats {
    const { inode, path } = this.opened(fd, "fstat")
    this.steps.enter("fstat", path)
    return statsOf(inode)
  }

  fchmodSync(fd: number, mode: number): void {
    const { inode, path } = this.opened(fd, "fchmod")
    this.changeMode("fchmod", path, inode, mode)
  }

  /** What is written after this call and before its end is not synced by it. */
  fdatasync(fd: number, callback: (error: DiskError | null) => void): void {
    const { inode, path } = this.opened(fd, "fdatasync")
    const { serial } = this
    const failure = this.failureOfSync("fdatasync", path)
    ;(this.options.defer ?? setImmediate)(() => {
      // Whoever waits for a dead process waits for ever.
      if (this.steps.crashed) return
      this.endSync(inode, serial, failure)
      callback(failure ?? null)
    })
  }

  fdatasyncSync(fd: number): void {
    this.syncNow(fd, "fdatasync")
  }

  fsyncSync(fd: number): void {
    this.syncNow(fd, "fsync")
  }

  lstatSync(path: string): DiskStats
  lstatSync(path: string, options: { readonly throwIfNoEntry: false }): DiskStats | undefined
  lstatSync(path: string, options?: { readonly throwIfNoEntry: false }): DiskStats | undefined {
    this.steps.enter("lstat", path)
    try {
      const { inode } = this.tree.find(path, "lstat", false)
      // An error costs more than the rest of a crash state.
      if (inode === undefined && options?.throwIfNoEntry === false) return undefined
      if (inode === undefined) throw diskError("ENOENT", "lstat", path)
      return statsOf(inode)
    } catch (error) {
      const missing = (error as DiskError).code === "ENOENT"
      if (options?.throwIfNoEntry === false && missing) return undefined
      throw error
    }
  }

  readdirSync(path: string): Array<string> {
    this.steps.enter("readdir", path)
    const inode = this.tree.existing(path, "scandir", true)
    if (!isFolder(inode)) throw diskError("ENOTDIR", "scandir", path)
    return [...this.tree.names.in(inode.ino)]
  }

  mkdirSync(path: string, mode = 0o777): void {
    this.steps.enter("mkdir", path)
    const place = this.tree.freeAt(path, "mkdir")
    this.steps.take("mkdir", path)
    this.create(place, constants.S_IFDIR, mode)
  }

  chmodSync(path: string, mode: number): void {
    this.changeMode("chmod", path, this.tree.existing(path, "chmod", true), mode)
  }

  renameSync(from: string, to: string): void {
    this.steps.enter("rename", from)
    const [old, ...aboveOld] = this.tree.walk(from, "rename", false)
    const [place, ...above] = this.tree.walk(to, "rename", false)
    const { inode } = old
    const replaced = place.inode
    if (inode === undefined) throw diskError("ENOENT", "rename", from)
    if (above.some((folder) => folder.inode === inode)) throw diskError("EINVAL", "rename", to)
    if (aboveOld.some((folder) => folder.inode === replaced)) throw diskError("ENOTEMPTY", "rename", to)
    if (replaced === inode) return
    if (replaced !== undefined && isFolder(replaced)) {
      if (!isFolder(inode)) throw diskError("EISDIR", "rename", to)
      if (this.tree.names.in(replaced.ino).length > 0) throw diskError("ENOTEMPTY", "rename", to)
    } else if (replaced !== undefined && isFolder(inode)) throw diskError("ENOTDIR", "rename", to)
    this.steps.take("rename", from)
    this.tree.names.change(
      { folder: old.folder, name: old.name, to: undefined },
      { folder: place.folder, name: place.name, to: inode.ino }
    )
  }

  linkSync(from: string, to: string): void {
    this.steps.enter("link", from)
    const inode = this.tree.existing(from, "link")
    const place = this.tree.freeAt(to, "link")
    if (isFolder(inode)) throw diskError("EPERM", "link", from)
    this.steps.take("link", from)
    this.tree.names.change({ ...place, to: inode.ino })
  }

  unlinkSync(path: string): void {
    this.steps.enter("unlink", path)
    const { folder, inode, name } = this.tree.find(path, "unlink", false)
    if (inode === undefined) throw diskError("ENOENT", "unlink", path)
    if (isFolder(inode)) throw diskError("EISDIR", "unlink", path)
    this.steps.take("unlink", path)
    this.tree.names.change({ folder, name, to: undefined })
  }

  rmdirSync(path: string): void {
    this.steps.enter("rmdir", path)
    const { folder, inode, name } = this.tree.find(path, "rmdir", false)
    if (inode === undefined) throw diskError("ENOENT", "rmdir", path)
    if (!isFolder(inode)) throw diskError("ENOTDIR", "rmdir", path)
    if (this.tree.names.in(inode.ino).length > 0) throw diskError("ENOTEMPTY", "rmdir", path)
    this.steps.take("rmdir", path)
    this.tree.names.change({ folder, name, to: undefined })
  }

  // ── how ──

  private now(): number {
    return 1_700_000_000_000 + 4 * Math.floor(this.serial / 8)
  }

  private opened(fd: number, syscall: string): Descriptor {
    this.steps.mustLive()
    const descriptor = this.descriptors.get(fd)
    if (descriptor === undefined) throw diskError("EBADF", syscall)
    return descriptor
  }

  private writable(fd: number, syscall: string, code: string): Descriptor {
    const descriptor = this.opened(fd, syscall)
    if ((descriptor.flags & (O_WRONLY | O_RDWR)) === 0) throw diskError(code, syscall)
    return descriptor
  }

  /** Begins a sync. A failure is answered: it does harm at the sync's end. */
  private failureOfSync(call: "fdatasync" | "fsync", path: string): DiskError | undefined {
    this.steps.take(call, path)
    const code = this.steps.faults.meet(call, path)?.code
    return code === undefined ? undefined : diskError(code, call)
  }

  private syncNow(fd: number, call: "fdatasync" | "fsync"): void {
    const { inode, path } = this.opened(fd, call)
    const failure = this.failureOfSync(call, path)
    this.endSync(inode, this.serial, failure)
    if (failure !== undefined) throw failure
  }

  private endSync(inode: Inode, serial: number, failure: Error | undefined): void {
    if (failure !== undefined) inode.content.failSync(serial)
    else if (isFolder(inode)) this.tree.names.sync(inode.ino)
    else this.syncInode(inode, serial)
  }

  private syncInode(inode: Inode, serial: number): void {
    inode.content.sync(serial)
    inode.durableMode = inode.mode
  }

  private changeMode(call: "chmod" | "fchmod", path: string, inode: Inode, mode: number): void {
    this.steps.enter(call, path)
    this.steps.take(call, path)
    inode.mode = (inode.mode & ~permissions) | (mode & permissions)
  }

  private create(place: Omit<Place, "inode">, kind: number, mode: number): Inode {
    this.serial++
    return this.tree.put(place, kind | (mode & permissions & ~(this.options.umask ?? 0o022)), this.now())
  }
}

const none: Choose = () => 0
