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
import { Content } from "./Content.ts"
import { type DiskError, diskError } from "./DiskError.ts"
import { type DiskCall, type DiskFault, DiskFaults } from "./DiskFault.ts"
import { DiskStats } from "./DiskStats.ts"
import { Names } from "./Names.ts"

/** Thrown by every call of a disk that has crashed. The process it stands for is dead: clean up nothing. */
export class Crashed extends Error {
  override readonly name = "Crashed"
}

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

/** A call that changes the disk or makes it durable. Between two of them a crash leaves the same. */
export interface DiskStep {
  /** Counted from 1. */
  readonly step: number
  readonly call: DiskCall
  readonly path: string
  /** In bytes, of a write; the new length, of a truncation. */
  readonly offset?: number
  readonly length?: number
}

interface Inode {
  readonly ino: number
  /** Kind and permissions. */
  mode: number
  durableMode: number
  mtimeMs: number
  /** Empty for folders. */
  readonly content: Content
  /** Of a symbolic link. */
  readonly target: string | undefined
}

interface Descriptor {
  readonly inode: Inode
  readonly path: string
  readonly flags: number
}

/** Where a path ends: the folder, the name in it and what it leads to, if anything. */
interface Place {
  readonly folder: number
  readonly name: string
  readonly inode: Inode | undefined
}

const root = 1
const permissions = 0o7777
const mostLinks = 40
const { O_CREAT, O_DIRECTORY, O_DSYNC, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR, O_SYNC, O_TRUNC, O_WRONLY } =
  constants

const flagsOf: Readonly<Record<string, number>> = {
  r: O_RDONLY,
  "r+": O_RDWR,
  w: O_WRONLY | O_CREAT | O_TRUNC,
  "w+": O_RDWR | O_CREAT | O_TRUNC,
  wx: O_WRONLY | O_CREAT | O_EXCL,
  "wx+": O_RDWR | O_CREAT | O_EXCL
}

/** A disk in memory, for a storage to be given in place of `node:fs`. A crash answers the disk that it leaves. */
export class SimulatedDisk {
  /** Called before each step is taken; `crash` then answers what a crash in the middle of it leaves. */
  onStep: ((step: DiskStep) => void) | undefined
  private readonly options: SimulatedDiskOptions
  private readonly inodes = new Map<number, Inode>()
  private names = new Names()
  private readonly descriptors = new Map<number, Descriptor>()
  private readonly faults = new DiskFaults()
  private readonly steps: Array<DiskStep> = []
  private stopAt = Infinity
  private dead = false
  private underway: { readonly ino: number; readonly at: number; readonly bytes: Uint8Array } | undefined
  /** Numbers changes, over crashes too. */
  private serial = 0
  private nextIno = root + 1

  constructor(options: SimulatedDiskOptions = {}) {
    this.options = options
    this.inodes.set(root, makeInode(root, constants.S_IFDIR | 0o755, 0))
  }

  // ── what a test does ──

  /** The steps taken so far, in order. */
  get trace(): ReadonlyArray<DiskStep> {
    return this.steps
  }

  /** How many descriptors are open. */
  get openFiles(): number {
    return this.descriptors.size
  }

  get crashed(): boolean {
    return this.dead
  }

  /** Stops at the step of this number, before it is done (a write: in the midst of it). All calls throw from then on. */
  crashAt(step: number): void {
    this.stopAt = step
  }

  /** Makes calls fail. */
  plant(fault: DiskFault): void {
    this.faults.plant(fault)
  }

  /** The disk after a crash here and now, with nothing open and no faults. This one stays as it is. */
  crash(crash: Crash): SimulatedDisk {
    const next = new SimulatedDisk(this.options)
    next.serial = this.serial
    next.nextIno = this.nextIno
    const { kind } = crash
    const choose = crash.choose ?? none
    next.names = kind === "kill" ? this.names.copy() : this.names.afterPowerCut(choose)
    for (const inode of kind === "kill" ? this.inodes.values() : this.reachable(next.names)) {
      let content = inode.content
      if (this.underway?.ino === inode.ino) {
        const { at, bytes } = this.underway
        content = content.copy()
        content.write(this.serial + 1, at, bytes.subarray(0, choose(bytes.length + 1)))
      }
      const undecided = kind === "power" && inode.mode !== inode.durableMode
      next.inodes.set(inode.ino, {
        ...inode,
        ...(undecided && choose(2) === 0 ? { mode: inode.durableMode } : {}),
        content: kind === "kill" ? content.copy() : content.afterPowerCut(choose)
      })
    }
    return next
  }

  /** Makes all that was written durable, as `sync` of the machine does. */
  settle(): void {
    this.names.syncAll()
    for (const inode of this.inodes.values()) this.syncInode(inode, Infinity)
  }

  /** A file's bytes, without a step or a fault. Follows links. */
  readFileSync(path: string): Uint8Array {
    const { content } = this.fileAt(path, "read")
    const bytes = new Uint8Array(content.size)
    content.read(bytes, 0)
    return bytes
  }

  /**
   * The files in a folder by name, with their bytes as they are now: look, don't write. None where there is no such
   * folder. Without a step or a fault, and without following links.
   */
  files(folder: string): ReadonlyMap<string, Uint8Array> {
    const files = new Map<string, Uint8Array>()
    let found = root
    for (const name of folder.split("/")) if (name !== "") found = this.names.get(found, name) ?? 0
    for (const [name, ino] of this.names.entries(found)) {
      const inode = this.inodes.get(ino)!
      if (!isFolder(inode) && !isLink(inode)) files.set(name, inode.content.all)
    }
    return files
  }

  /** Puts a file there, or other bytes into it, durably and without a step or a fault: a disk as somebody else left it. */
  writeFileSync(path: string, bytes: Uint8Array, { mode = 0o644 }: { readonly mode?: number } = {}): void {
    const place = this.find(path, "write")
    const old = place.inode
    const inode = makeInode(
      old?.ino ?? this.nextIno++,
      constants.S_IFREG | mode,
      this.now(),
      new Uint8Array(bytes)
    )
    this.inodes.set(inode.ino, inode)
    if (old === undefined) this.names.change({ folder: place.folder, name: place.name, to: inode.ino })
    this.names.sync(place.folder)
  }

  /** Plants a symbolic link, durably and without a step. */
  symlinkSync(target: string, path: string): void {
    const place = this.freeAt(path, "symlink")
    const ino = this.nextIno++
    this.inodes.set(ino, makeInode(ino, constants.S_IFLNK | 0o777, this.now(), undefined, target))
    this.names.change({ ...place, to: ino })
    this.names.sync(place.folder)
  }

  // ── what a storage does ──

  openSync(path: string, flags: string | number, mode = 0o666): number {
    this.enter("open", path)
    const bits = typeof flags === "number" ? flags : flagsOf[flags]
    if (bits === undefined || (bits & (O_DSYNC | O_SYNC)) !== 0) throw diskError("EINVAL", "open", path)
    const exclusive = (bits & O_EXCL) !== 0
    const place = this.find(path, "open", !exclusive && (bits & O_NOFOLLOW) === 0)
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
      this.step("open", path)
      inode = this.create(place, constants.S_IFREG | (mode & permissions & ~this.umask))
    } else if ((bits & O_TRUNC) !== 0) {
      this.step("open", path, 0, 0)
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
    this.enter("close", path)
  }

  readSync(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number {
    const { flags, inode, path } = this.opened(fd, "read")
    this.enter("read", path)
    if ((flags & O_WRONLY) !== 0) throw diskError("EBADF", "read")
    if (isFolder(inode)) throw diskError("EISDIR", "read")
    return inode.content.read(buffer.subarray(offset, offset + length), position)
  }

  writeSync(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number {
    const { inode, path } = this.writable(fd, "write", "EBADF")
    const fault = this.enter("write", path)
    const bytes = buffer.subarray(offset, offset + Math.min(length, fault?.bytes ?? Infinity))
    this.underway = { ino: inode.ino, at: position, bytes }
    this.step("write", path, position, bytes.length)
    this.underway = undefined
    if (bytes.length > 0) inode.content.write(++this.serial, position, bytes)
    inode.mtimeMs = this.now()
    return bytes.length
  }

  ftruncateSync(fd: number, length: number): void {
    const { inode, path } = this.writable(fd, "ftruncate", "EINVAL")
    this.enter("ftruncate", path)
    this.step("ftruncate", path, 0, length)
    inode.content.truncate(++this.serial, length)
    inode.mtimeMs = this.now()
  }

  fstatSync(fd: number): DiskStats {
    const { inode, path } = this.opened(fd, "fstat")
    this.enter("fstat", path)
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
      if (this.dead) return
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
    this.enter("lstat", path)
    try {
      const { inode } = this.find(path, "lstat", false)
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
    this.enter("readdir", path)
    const inode = this.existing(path, "scandir", true)
    if (!isFolder(inode)) throw diskError("ENOTDIR", "scandir", path)
    return [...this.names.in(inode.ino)]
  }

  mkdirSync(path: string, mode = 0o777): void {
    this.enter("mkdir", path)
    const place = this.freeAt(path, "mkdir")
    this.step("mkdir", path)
    this.create(place, constants.S_IFDIR | (mode & permissions & ~this.umask))
  }

  chmodSync(path: string, mode: number): void {
    this.changeMode("chmod", path, this.existing(path, "chmod", true), mode)
  }

  renameSync(from: string, to: string): void {
    this.enter("rename", from)
    const [old, ...aboveOld] = this.walk(from, "rename", false)
    const [place, ...above] = this.walk(to, "rename", false)
    const { inode } = old
    const replaced = place.inode
    if (inode === undefined) throw diskError("ENOENT", "rename", from)
    if (above.some((folder) => folder.inode === inode)) throw diskError("EINVAL", "rename", to)
    if (aboveOld.some((folder) => folder.inode === replaced)) throw diskError("ENOTEMPTY", "rename", to)
    if (replaced === inode) return
    if (replaced !== undefined && isFolder(replaced)) {
      if (!isFolder(inode)) throw diskError("EISDIR", "rename", to)
      if (this.names.in(replaced.ino).length > 0) throw diskError("ENOTEMPTY", "rename", to)
    } else if (replaced !== undefined && isFolder(inode)) throw diskError("ENOTDIR", "rename", to)
    this.step("rename", from)
    this.names.change(
      { folder: old.folder, name: old.name, to: undefined },
      { folder: place.folder, name: place.name, to: inode.ino }
    )
  }

  linkSync(from: string, to: string): void {
    this.enter("link", from)
    const inode = this.existing(from, "link")
    const place = this.freeAt(to, "link")
    if (isFolder(inode)) throw diskError("EPERM", "link", from)
    this.step("link", from)
    this.names.change({ ...place, to: inode.ino })
  }

  unlinkSync(path: string): void {
    this.enter("unlink", path)
    const { folder, inode, name } = this.find(path, "unlink", false)
    if (inode === undefined) throw diskError("ENOENT", "unlink", path)
    if (isFolder(inode)) throw diskError("EISDIR", "unlink", path)
    this.step("unlink", path)
    this.names.change({ folder, name, to: undefined })
  }

  rmdirSync(path: string): void {
    this.enter("rmdir", path)
    const { folder, inode, name } = this.find(path, "rmdir", false)
    if (inode === undefined) throw diskError("ENOENT", "rmdir", path)
    if (!isFolder(inode)) throw diskError("ENOTDIR", "rmdir", path)
    if (this.names.in(inode.ino).length > 0) throw diskError("ENOTEMPTY", "rmdir", path)
    this.step("rmdir", path)
    this.names.change({ folder, name, to: undefined })
  }

  // ── how ──

  private get umask(): number {
    return this.options.umask ?? 0o022
  }

  private now(): number {
    return 1_700_000_000_000 + 4 * Math.floor(this.serial / 8)
  }

  /** Begins a call. Throws where the disk is dead, or the call meets a fault that has a code. */
  private enter(call: DiskCall, path: string): DiskFault | undefined {
    if (this.dead) throw new Crashed()
    const fault = this.faults.meet(call, path)
    if (fault?.code !== undefined) throw diskError(fault.code, call, path)
    return fault
  }

  private step(call: DiskCall, path: string, offset?: number, length?: number): void {
    const step = this.steps.length + 1
    if (step >= this.stopAt) {
      this.dead = true
      throw new Crashed()
    }
    const taken: DiskStep = {
      step,
      call,
      path,
      ...(offset === undefined ? {} : { offset }),
      ...(length === undefined ? {} : { length })
    }
    this.onStep?.(taken)
    this.steps.push(taken)
  }

  private opened(fd: number, syscall: string): Descriptor {
    if (this.dead) throw new Crashed()
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
    this.step(call, path)
    const code = this.faults.meet(call, path)?.code
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
    else if (isFolder(inode)) this.names.sync(inode.ino)
    else this.syncInode(inode, serial)
  }

  private syncInode(inode: Inode, serial: number): void {
    inode.content.sync(serial)
    inode.durableMode = inode.mode
  }

  private changeMode(call: "chmod" | "fchmod", path: string, inode: Inode, mode: number): void {
    this.enter(call, path)
    this.step(call, path)
    inode.mode = (inode.mode & ~permissions) | (mode & permissions)
  }

  private create(place: Omit<Place, "inode">, mode: number): Inode {
    this.serial++
    const inode = makeInode(this.nextIno++, mode, this.now())
    this.inodes.set(inode.ino, inode)
    this.names.change({ folder: place.folder, name: place.name, to: inode.ino })
    return inode
  }

  private existing(path: string, syscall: string, follow = false): Inode {
    const { inode } = this.find(path, syscall, follow)
    if (inode === undefined) throw diskError("ENOENT", syscall, path)
    return inode
  }

  private fileAt(path: string, syscall: string): Inode {
    const inode = this.existing(path, syscall, true)
    if (isFolder(inode)) throw diskError("EISDIR", syscall, path)
    return inode
  }

  private freeAt(path: string, syscall: string): { readonly folder: number; readonly name: string } {
    const { folder, inode, name } = this.find(path, syscall, false)
    if (inode !== undefined) throw diskError("EEXIST", syscall, path)
    return { folder, name }
  }

  private find(path: string, syscall: string, follow = true): Place {
    return this.walk(path, syscall, follow)[0]
  }

  /** Where a path ends, then what is above it. Links on the way are followed, one at its end where `follow` says so. */
  private walk(path: string, syscall: string, follow: boolean): readonly [Place, ...above: Array<Place>] {
    const way: [Place, ...Array<Place>] = [{ folder: root, name: ".", inode: this.inodes.get(root) }]
    let links = 0
    const left = path.split("/").reverse()
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      if (name === "" || name === ".") continue
      if (name === "..") {
        if (way.length > 1) way.shift()
        continue
      }
      const { inode: folder } = way[0]
      if (folder === undefined) throw diskError("ENOENT", syscall, path)
      if (!isFolder(folder)) throw diskError("ENOTDIR", syscall, path)
      const inode = this.inodes.get(this.names.get(folder.ino, name) ?? 0)
      if (inode?.target === undefined || (left.length === 0 && !follow)) {
        way.unshift({ folder: folder.ino, name, inode })
        continue
      }
      if (++links > mostLinks) throw diskError("ELOOP", syscall, path)
      if (inode.target.startsWith("/")) way.splice(0, way.length - 1)
      left.push(...inode.target.split("/").reverse())
    }
    return way
  }

  /** All that names lead to. */
  private *reachable(names: Names): Iterable<Inode> {
    const seen = new Set([root])
    for (const ino of seen) {
      const inode = this.inodes.get(ino)!
      yield inode
      if (isFolder(inode)) for (const name of names.in(ino)) seen.add(names.get(ino, name)!)
    }
  }
}

const none: Choose = () => 0

const isFolder = ({ mode }: Inode): boolean => (mode & constants.S_IFMT) === constants.S_IFDIR
const isLink = ({ target }: Inode): boolean => target !== undefined

const statsOf = ({ content, ino, mode, mtimeMs }: Inode): DiskStats =>
  new DiskStats(ino, mode, content.size, mtimeMs)

const makeInode = (
  ino: number,
  mode: number,
  mtimeMs: number,
  bytes?: Uint8Array,
  target?: string
): Inode => ({ ino, mode, durableMode: mode, mtimeMs, content: new Content(bytes), target })
