/** What stands on a disk, found by path: folders, files and links, and what a crash leaves of them. */
import { constants } from "node:fs"
import type { Choose } from "./Choose.ts"
import type { Content } from "./Content.ts"
import { diskError } from "./DiskError.ts"
import { type Inode, isFolder, isLink, makeInode } from "./Inode.ts"
import { Names } from "./Names.ts"

/** Where a path ends: the folder, the name in it and what it leads to, if anything. */
export interface Place {
  readonly folder: number
  readonly name: string
  readonly inode: Inode | undefined
}

const root = 1
const mostLinks = 40

interface PutOptions {
  readonly bytes?: Uint8Array
  /** Of a symbolic link. */
  readonly target?: string
  /** Of the one that it replaces. */
  readonly ino?: number | undefined
}

export class Tree {
  private readonly inodes = new Map<number, Inode>()
  private nextIno = root + 1
  readonly names: Names

  constructor(names = new Names()) {
    this.names = names
    this.inodes.set(root, makeInode(root, constants.S_IFDIR | 0o755, 0))
  }

  /** What is left when the process died (`kill`) or the power went. `contentOf` answers what a file then holds. */
  after(kind: "kill" | "power", choose: Choose, contentOf: (inode: Inode) => Content): Tree {
    const next = new Tree(kind === "kill" ? this.names.copy() : this.names.afterPowerCut(choose))
    next.nextIno = this.nextIno
    for (const inode of kind === "kill" ? this.inodes.values() : this.reachable(next.names)) {
      const content = contentOf(inode)
      const undecided = kind === "power" && inode.mode !== inode.durableMode
      next.inodes.set(inode.ino, {
        ...inode,
        ...(undecided && choose(2) === 0 ? { mode: inode.durableMode } : {}),
        content: kind === "kill" ? content.copy() : content.afterPowerCut(choose)
      })
    }
    return next
  }

  /** Each file, folder and link, named or not. */
  all(): Iterable<Inode> {
    return this.inodes.values()
  }

  /** The files in a folder by name; none where there is no such folder. Follows no links. */
  files(folder: string): ReadonlyMap<string, Inode> {
    const files = new Map<string, Inode>()
    let found = root
    for (const name of folder.split("/")) if (name !== "") found = this.names.get(found, name) ?? 0
    for (const [name, ino] of this.names.entries(found)) {
      const inode = this.inodes.get(ino)!
      if (!isFolder(inode) && !isLink(inode)) files.set(name, inode)
    }
    return files
  }

  /** Puts it in a place; what was there under its own number is replaced, names and all else stay. */
  put(place: Omit<Place, "inode">, mode: number, mtimeMs: number, more: PutOptions = {}): Inode {
    const { bytes, ino = this.nextIno++, target } = more
    const inode = makeInode(ino, mode, mtimeMs, bytes, target)
    this.inodes.set(ino, inode)
    if (more.ino === undefined) this.names.change({ folder: place.folder, name: place.name, to: ino })
    return inode
  }

  existing(path: string, syscall: string, follow = false): Inode {
    const { inode } = this.find(path, syscall, follow)
    if (inode === undefined) throw diskError("ENOENT", syscall, path)
    return inode
  }

  fileAt(path: string, syscall: string): Inode {
    const inode = this.existing(path, syscall, true)
    if (isFolder(inode)) throw diskError("EISDIR", syscall, path)
    return inode
  }

  freeAt(path: string, syscall: string): { readonly folder: number; readonly name: string } {
    const { folder, inode, name } = this.find(path, syscall, false)
    if (inode !== undefined) throw diskError("EEXIST", syscall, path)
    return { folder, name }
  }

  find(path: string, syscall: string, follow = true): Place {
    return this.walk(path, syscall, follow)[0]
  }

  /** Where a path ends, then what is above it. Links on the way are followed, one at its end where `follow` says so. */
  walk(path: string, syscall: string, follow: boolean): readonly [Place, ...above: Array<Place>] {
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
