/** A file, a folder or a symbolic link, whatever its names. */
import { constants } from "node:fs"
import { Content } from "./Content.ts"
import { DiskStats } from "./DiskStats.ts"

/** The bits of a mode that `chmod` changes. */
export const permissions = 0o7777

export interface Inode {
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

export const isFolder = ({ mode }: Inode): boolean => (mode & constants.S_IFMT) === constants.S_IFDIR
export const isLink = ({ target }: Inode): boolean => target !== undefined

export const statsOf = ({ content, ino, mode, mtimeMs }: Inode): DiskStats =>
  new DiskStats(ino, mode, content.size, mtimeMs)

export const makeInode = (
  ino: number,
  mode: number,
  mtimeMs: number,
  bytes?: Uint8Array,
  target?: string
): Inode => ({ ino, mode, durableMode: mode, mtimeMs, content: new Content(bytes), target })
