/** What a storage in another process is asked, and how it answers. Both sides send structured clones. */
import type {
  Batch,
  Group,
  Head,
  Outcome,
  Query,
  Selection,
  StorageService,
  StoredSnapshot
} from "@varve/core"

/** The methods of the seam as they cross: a query answers all of its batches at once. */
export interface Asked {
  append: (groups: ReadonlyArray<Group>) => ReadonlyArray<Outcome>
  query: (query: Query) => ReadonlyArray<Batch>
  heads: (selection: Selection) => ReadonlyArray<Head>
  load: (projection: string, streams: ReadonlyArray<string>) => ReadonlyArray<StoredSnapshot>
  save: (snapshots: ReadonlyArray<StoredSnapshot>) => void
  drop: (projection?: string) => void
  remove: (stream: string) => boolean
  sync: () => void
  release: (stream: string) => void
  close: () => void
}

export interface Ask {
  readonly call: number
  readonly method: keyof Asked
  readonly args: ReadonlyArray<unknown>
}

/** `failed` says why, in words: errors don't cross whole. */
export type Answer = { readonly call: number } & ({ readonly value: unknown } | { readonly failed: string })

/** The first thing that is said, once the storage is open or couldn't be opened. */
export type Opened = Pick<StorageService, "supports" | "limits"> | { readonly failed: string }
