/**
 * Which names lead to which files: as every process sees it, as it is durable, and the changes between. A change (a
 * rename takes one name and gives another) happens wholly or not at all; which of several come to the disk is open.
 */
import type { Choose } from "./Choose.ts"

/** A name in a folder, and the number of what it leads to from now on; `undefined` for nothing. */
export interface Naming {
  readonly folder: number
  readonly name: string
  readonly to: number | undefined
}

type Change = ReadonlyArray<Naming>
type Entries = ReadonlyMap<string, number>

const empty: Entries = new Map()

export class Names {
  private readonly cached: Map<number, Entries>
  private readonly durable: Map<number, Entries>
  private changes: ReadonlyArray<Change>

  constructor(
    cached: ReadonlyMap<number, Entries> = new Map(),
    durable: ReadonlyMap<number, Entries> = new Map(),
    changes: ReadonlyArray<Change> = []
  ) {
    this.cached = new Map(cached)
    this.durable = new Map(durable)
    this.changes = changes
  }

  /** The same, to go its own way from here. */
  copy(): Names {
    return new Names(this.cached, this.durable, this.changes)
  }

  get(folder: number, name: string): number | undefined {
    return this.cached.get(folder)?.get(name)
  }

  in(folder: number): ReadonlyArray<string> {
    return [...this.entries(folder).keys()]
  }

  entries(folder: number): Entries {
    return this.cached.get(folder) ?? empty
  }

  change(...change: Change): void {
    apply(this.cached, change)
    this.changes = [...this.changes, change]
  }

  /** Makes what changed in a folder durable, and with it the other half of what moved in or out. */
  sync(folder: number): void {
    let waiting: ReadonlyArray<Change> = []
    for (const change of this.changes) {
      if (!change.some((naming) => naming.folder === folder)) {
        waiting = [...waiting, change]
        continue
      }
      apply(this.durable, change)
      // Earlier changes of the same names are past.
      waiting = waiting
        .map((earlier) => earlier.filter((old) => !change.some((naming) => isSame(naming, old))))
        .filter(({ length }) => length > 0)
    }
    this.changes = waiting
  }

  /** Makes everything durable. */
  syncAll(): void {
    for (const change of this.changes) apply(this.durable, change)
    this.changes = []
  }

  /** What a power cut may leave: the changes up to some one, or any of them. */
  afterPowerCut(choose: Choose): Names {
    const { changes } = this
    if (changes.length === 0) return new Names(this.durable, this.durable)
    const entries = new Map(this.durable)
    const copied = new Set<number>()
    const happens = (change: Change): void => {
      for (const { folder } of change) {
        if (copied.has(folder)) continue
        copied.add(folder)
        entries.set(folder, new Map(entries.get(folder)))
      }
      for (const { folder, name, to } of change) put(entries.get(folder) as Map<string, number>, name, to)
    }
    if (choose(2) === 0) for (const change of changes.slice(0, choose(changes.length + 1))) happens(change)
    else for (const change of changes) if (choose(2) === 1) happens(change)
    return new Names(entries, entries)
  }
}

const isSame = (a: Naming, b: Naming): boolean => a.folder === b.folder && a.name === b.name

/** Replaces entries and never edits them: other disks share them. */
const apply = (folders: Map<number, Entries>, change: Change): void => {
  for (const { folder, name, to } of change) {
    const entries = new Map(folders.get(folder))
    put(entries, name, to)
    folders.set(folder, entries)
  }
}

const put = (entries: Map<string, number>, name: string, to: number | undefined): void => {
  if (to === undefined) entries.delete(name)
  else entries.set(name, to)
}
