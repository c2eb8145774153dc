/**
 * All that is done to files goes through this: a subset of `node:fs`, so that production passes `node:fs` itself and
 * tests pass a disk that loses, tears and refuses. Synchronous, because a write of a group into the page cache takes
 * microseconds and a trip through the thread pool tens of them; only the sync of an append, which waits for the
 * device, goes there.
 *
 * Everything throws Node's errors, told apart by `code`.
 */
export interface Disk {
  openSync(path: string, flags: string | number, mode?: number): number
  closeSync(fd: number): void
  /** May read short. */
  readSync(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number
  /** May write short: on a full disk it does so without an error. */
  writeSync(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number
  ftruncateSync(fd: number, length: number): void
  fstatSync(fd: number): FileFacts
  fchmodSync(fd: number, mode: number): void
  fdatasync(fd: number, callback: (error: NodeJS.ErrnoException | null) => void): void
  fdatasyncSync(fd: number): void
  /** Of folders too: a new name is durable only after it. */
  fsyncSync(fd: number): void
  lstatSync(path: string, options: { throwIfNoEntry: false }): PathFacts | undefined
  readdirSync(path: string): Array<string>
  mkdirSync(path: string, mode: number): void
  chmodSync(path: string, mode: number): void
  renameSync(from: string, to: string): void
  linkSync(from: string, to: string): void
  unlinkSync(path: string): void
  rmdirSync(path: string): void
}

export interface FileFacts {
  readonly size: number
  readonly ino: number
  readonly dev: number
  readonly mtimeMs: number
  isFile(): boolean
}

export interface PathFacts {
  readonly size: number
  readonly mode: number
  readonly ino: number
  readonly mtimeMs: number
  isFile(): boolean
  isDirectory(): boolean
  isSymbolicLink(): boolean
}
