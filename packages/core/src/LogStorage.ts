/**
 * The seam: what a storage implements and nothing more. Core validates, encodes, orders and coalesces before it,
 * decodes and folds behind it. `MemoryStorage` is the reference to copy; `fromPromises` serves authors without
 * Effect; `@varve/testkit` proves an implementation law by law.
 *
 * Three ideas carry it:
 *
 * - A **group** is what lies between two barriers of one stream. It is stored wholly or not at all, and outcomes are
 *   values, one per group, because groups of different streams must not fail each other (law A13).
 * - **Admission is core's** ({@link admit}, pure). The storage calls it inside its lock or transaction, where head and
 *   known ids cannot move, and stores what it admits.
 * - **`data` crosses as JSON text**, so that what a filter excludes is never parsed (law Q4).
 */
import { Context, type Effect, type Stream } from "effect"
import type { Cursor, Resync } from "./Cursor.ts"
import type { Busy, Damaged, StorageError } from "./Errors.ts"

/** `written` survives the death of the process; `synced` survives power loss as well. */
export type Durability = "written" | "synced"

/** An event as it is handed to a storage. All texts are checked: names are well-formed, `data` and `meta` are JSON. */
export interface EncodedEvent {
  readonly id: string
  readonly type: string
  /** The version of the type that `data` was encoded with, from 1. */
  readonly version: number
  /** When it happened, by the caller's clock: integer epoch ms. Never an order. */
  readonly at: number
  /** JSON text without line breaks, so that it can stand on a line of a file. Comes back byte for byte. */
  readonly data: string
  /** JSON text of a record of strings, `undefined` for none. */
  readonly meta: string | undefined
  /** Whether the stream takes no events after this one. */
  readonly seals: boolean
}

/** An event as it comes out of a storage. */
export interface StoredEvent extends EncodedEvent {
  readonly stream: string
  /** 1, 2, 3, ... within its stream, without a hole. */
  readonly seq: number
  /** The epoch that it was written under. `{ epoch, seq }` is its cursor. */
  readonly epoch: string
  /** When its group was written, by the storage's clock: epoch ms. */
  readonly writtenAt: number
}

/** What is asked of one stream in one call. */
export interface Group {
  readonly stream: string
  /** May be empty, with `attributes`: a label, which moves no seq and is taken on a sealed stream too. */
  readonly events: ReadonlyArray<EncodedEvent>
  /** Where the stream must be for anything to be written: 0 = must not exist, "exists" = must. Absent = anywhere. */
  readonly expected?: number | Cursor | "exists" | undefined
  readonly durability: Durability
  /** Set with the group's new events; a group of nothing but duplicates sets nothing. */
  readonly attributes?: Readonly<Record<string, string>> | undefined
  /** What an id taken by other content does: refuse the group (default), or keep the stored event and say so. */
  readonly onIdConflict?: "reject" | "keep" | undefined
  /** Whether a stored event and an offered one mean the same, lifts included; never throws. Default: `sameContent`. */
  readonly sameContent?: ((stored: EventContent, offered: EventContent) => boolean) | undefined
}

/** What makes two events under one id the same: not `at`, not `meta`, since a retry mints new ones. */
export type EventContent = Pick<EncodedEvent, "type" | "version" | "data">

/** All that is known of a stream without reading its events. */
export interface Head {
  readonly stream: string
  /** The last event. */
  readonly cursor: Cursor
  /** The last seq that is proven to survive power loss; 0 for none. */
  readonly synced: number
  readonly sealed: boolean
  /** The least and greatest `at` of its events, epoch ms. */
  readonly minAt: number
  readonly maxAt: number
  /** When the last group was written, by the storage's clock: epoch ms. */
  readonly writtenAt: number
  readonly attributes: Readonly<Record<string, string>>
}

/** What became of a group. */
export type Outcome = Appended | Refused | Claimed | Failed

/** Stored, all of it; or all of it was there. */
export interface Appended {
  readonly _tag: "Appended"
  /** For each event of the group its seq: the new one, or the original's for a duplicate. */
  readonly seqs: ReadonlyArray<number>
  /** Indices of events that were stored before, with the same content. */
  readonly duplicates: ReadonlyArray<number>
  /** Indices of events whose id is taken by other content, under `onIdConflict: "keep"`. They were not stored. */
  readonly kept: ReadonlyArray<number>
  /** `undefined` only when nothing was asked of a stream that doesn't exist. */
  readonly head: Head | undefined
  /** What was reached, for duplicates too. `none`: the storage keeps nothing beyond this process. */
  readonly durability: "none" | Durability
}

/** Refused by admission: nothing was written. */
export type Refused =
  | { readonly _tag: "Conflict"; readonly expected: Group["expected"]; readonly actual: Cursor | undefined }
  | { readonly _tag: "Sealed"; readonly seq: number }
  | { readonly _tag: "IdConflict"; readonly id: string; readonly seq: number }

/** Another process writes this stream: nothing was written. */
export interface Claimed {
  readonly _tag: "Claimed"
  readonly owner: string
}

/** `rejected`: nothing was written. `unknown`: it may have been, until a retry under the same ids tells (law A4). */
export interface Failed {
  readonly _tag: "Failed"
  readonly reached: "rejected" | "unknown"
  readonly cause: unknown
}

/** Which streams: all, or those that are named in `streams` (each once, also where named twice) and begin with `prefix`. */
export interface Selection {
  readonly streams?: ReadonlyArray<string> | undefined
  readonly prefix?: string | undefined
}

/** How far a query has come. Rises to `total`; `total` may grow while it runs. */
export interface Progress {
  readonly done: number
  readonly total: number
  readonly unit: "bytes" | "events" | "streams"
}

/** A query over one stream, some or all. Everything given must hold. */
export interface Query extends Selection {
  /** Only events behind these cursors; exclusive. A cursor that cannot go on is answered with a resync. */
  readonly after?: ReadonlyMap<string, Cursor> | undefined
  /** Seq range, both inclusive. */
  readonly fromSeq?: number | undefined
  readonly toSeq?: number | undefined
  readonly types?: ReadonlyArray<string> | undefined
  /** `since <= at < until`, epoch ms. Time is no order: any event of a stream may match. */
  readonly since?: number | undefined
  readonly until?: number | undefined
  /** Streams whose attributes hold all these pairs now. */
  readonly attributes?: Readonly<Record<string, string>> | undefined
  /** At most so many events in all. */
  readonly limit?: number | undefined
  /** Backward answers exactly the forward result reversed, before the limit. */
  readonly direction?: "forward" | "backward" | undefined
  /** `stream`: names by code point, then seq. `total`: the one order in which the storage took them. */
  readonly order?: "stream" | "total" | undefined
  /** At most so many events a batch; 512 by default. */
  readonly batchEvents?: number | undefined
  /** `fail` (default): damage ends the query. `report`: it is told in a batch, and the rest is answered. */
  readonly onDamage?: "fail" | "report" | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

/**
 * A piece of an answer, of one stream. Every stream named in `streams` or `after` is answered by at least one batch,
 * if an empty one, unless the limit ends the query before it comes to it; other streams only where events match.
 */
export interface Batch {
  readonly stream: string
  readonly events: ReadonlyArray<StoredEvent>
  /** How far this stream has been examined, matching or not: the place to go on from. */
  readonly last: Cursor | undefined
  /** Where the stream ended when this was read; `undefined` when it doesn't exist. */
  readonly head: Cursor | undefined
  /** Set when the stream's `after` cannot go on; then `events` is empty. */
  readonly resync?: Resync | undefined
  /** Under `onDamage: "report"`: what could not be read here. Then `events` is empty; what stands behind it follows. */
  readonly damage?: Damaged | undefined
}

/** A projection's state as stored. Disposable: a storage may lose any (law N2). */
export interface StoredSnapshot {
  /** Empty for a projection over all streams: kept though no stream has that name, and whichever is removed. */
  readonly stream: string
  readonly projection: string
  readonly version: number
  readonly cursor: Cursor
  /** JSON text. */
  readonly state: string
  /** Core's checksum over all of the above. */
  readonly check: string
}

/** What a storage can do. A law without a flag is a MUST; a flag is the one way to skip a test. */
export interface Supports {
  /** What survives: nothing, the process's death, power loss. */
  readonly durability: "none" | "process" | "power"
  /** Several processes may append to one stream. */
  readonly sharedWriters: boolean
  /** `order: "total"`. */
  readonly totalOrder: boolean
  /** `direction: "backward"`. */
  readonly reverse: boolean
  /** Damage inside a stored event is found before it is answered (law R1). */
  readonly checksums: boolean
  /** `counters` tell what was read and written. */
  readonly counters: boolean
  /** What is taken of one call's groups commits together; a refused one leaves the others alone all the same (law A13). */
  readonly atomicAcrossStreams: boolean
  /** `hints` tells of streams that other processes moved. */
  readonly hints: boolean
}

/** The most that a group may hold. Core splits what was recorded and refuses what was appended beyond it. */
export interface Limits {
  readonly groupEvents: number
  /** UTF-8 bytes of ids, types, data and meta together. */
  readonly groupBytes: number
}

/** Work done since opening, for users and tests that want to see one pass (law Q2). */
export interface Counters {
  readonly appends: number
  readonly syncs: number
  readonly queries: number
  readonly eventsRead: number
  readonly bytesRead: number
}

/** What a storage does. `append` tells what failed as a value, a group each; anything else fails as its type says. */
export interface StorageService {
  readonly supports: Supports
  readonly limits: Limits

  /**
   * Stores groups, at most one a stream, in one write and at most one sync per file or transaction touched. Answers
   * one outcome a group, in their order, and never fails as a whole. May be called while another call is under way.
   */
  readonly append: (groups: ReadonlyArray<Group>) => Effect.Effect<ReadonlyArray<Outcome>>

  /** `append` for storages that need not wait: what `flushSync` runs in exit and signal handlers. */
  readonly appendSync?: ((groups: ReadonlyArray<Group>) => ReadonlyArray<Outcome>) | undefined

  /** Answers in one pass, in batches, no faster than they are pulled. `scan` implements it over a range read. */
  readonly query: (query: Query) => Stream.Stream<Batch, StorageError | Damaged>

  /** Heads of the streams that exist, by name in code-point order. Reads no events. */
  readonly heads: (selection: Selection) => Effect.Effect<ReadonlyArray<Head>, StorageError | Damaged>

  readonly snapshots: {
    /** The newest stored ones of `projection`, for those of `streams` that have one, in any order. */
    readonly load: (
      projection: string,
      streams: ReadonlyArray<string>
    ) => Effect.Effect<ReadonlyArray<StoredSnapshot>, StorageError>
    /** Stores each in place of the one with the same stream and projection; nothing for streams that don't exist. */
    readonly save: (snapshots: ReadonlyArray<StoredSnapshot>) => Effect.Effect<void, StorageError>
    /** Forgets those of a projection, or of everything, of all streams. */
    readonly drop: (projection?: string) => Effect.Effect<void, StorageError>
  }

  /** Deletes a stream, its snapshots and what was kept aside of it, durably. False when it didn't exist. */
  readonly remove: (stream: string) => Effect.Effect<boolean, StorageError | Busy>

  /** Makes everything written so far survive power loss, as far as `supports.durability` goes. */
  readonly sync: Effect.Effect<void, StorageError>

  /** Lets another process write this stream. Nothing to do under `sharedWriters`. */
  readonly release: (stream: string) => Effect.Effect<void>

  /** Streams that other processes may have moved. Losing hints only delays (law C7). */
  readonly hints?: Stream.Stream<string> | undefined

  readonly counters?: (() => Counters) | undefined
}

/** The service that an adapter provides as a layer: `SqliteStorage.layer({ filename })`. */
export class LogStorage extends Context.Service<LogStorage, StorageService>()("@varve/core/LogStorage") {}
