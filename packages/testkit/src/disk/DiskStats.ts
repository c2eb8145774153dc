import { constants } from "node:fs"

/** What `lstat` and `fstat` tell. */
export class DiskStats {
  readonly dev: number = 1
  readonly ino: number
  /** Kind and permissions, as Node has them. */
  readonly mode: number
  /** In bytes. */
  readonly size: number
  /** Epoch ms of the last change, but coarse: several changes may share a time, as they do on real disks. */
  readonly mtimeMs: number

  constructor(ino: number, mode: number, size: number, mtimeMs: number) {
    this.ino = ino
    this.mode = mode
    this.size = size
    this.mtimeMs = mtimeMs
  }

  isFile(): boolean {
    return (this.mode & constants.S_IFMT) === constants.S_IFREG
  }

  isDirectory(): boolean {
    return (this.mode & constants.S_IFMT) === constants.S_IFDIR
  }

  isSymbolicLink(): boolean {
    return (this.mode & constants.S_IFMT) === constants.S_IFLNK
  }
}
