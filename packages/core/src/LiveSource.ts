/** Where live streams come from: a log in this process, or one behind a channel. */
import type { Effect, Stream } from "effect"
import type { Cursor, Resync } from "./Cursor.ts"
import type { ReadError } from "./Errors.ts"
import type * as EventSet from "./EventSet.ts"
import type { Folded } from "./Folding.ts"
import type { Projection } from "./Projection.ts"

/** How a stream is followed. */
export interface FollowOptions {
  /** Only what comes behind this cursor; everything by default. */
  readonly after?: Cursor | undefined
  /** The most events that are replayed to catch up; a longer gap gets a resync. No limit by default. */
  readonly replayCap?: number | undefined
  /** How many events may wait for a slow follower before they are dropped and read again. 4,096 by default. */
  readonly bufferEvents?: number | undefined
}

/** What a follower is told. */
export type FollowItem<E extends EventSet.Any> =
  | Events<E>
  | VolatileEvents<E>
  | CaughtUp
  | CannotGoOn
  | Lagged

/** The next events of the stream, without a hole. A group that comes live is one item. */
export interface Events<E extends EventSet.Any> {
  readonly _tag: "Events"
  /** Empty where only `synced` rose. */
  readonly events: ReadonlyArray<EventSet.Stored<E>>
  /** Where to go on from, once these were handled. */
  readonly cursor: Cursor
  /** The last seq of the stream that is proven to survive power loss, as far as it is known here; 0 for none. */
  readonly synced: number
}

/** Volatile events: stored nowhere, and moving no cursor. */
export interface VolatileEvents<E extends EventSet.Any> {
  readonly _tag: "Volatile"
  readonly events: ReadonlyArray<EventSet.Volatile<E>>
}

/** All that was stored has been told (law C12): at first, and again behind each `Lagged`. Empty streams have no cursor. */
export interface CaughtUp {
  readonly _tag: "CaughtUp"
  readonly cursor: Cursor | undefined
}

/** The cursor cannot go on, or the gap is over the cap: begin anew, by a state and its cursor. The follow ends behind it. */
export interface CannotGoOn extends Resync {
  readonly _tag: "Resync"
  /** Where the stream ends; `undefined` when it doesn't exist. */
  readonly head: Cursor | undefined
}

/** This follower was too slow: so many events were dropped from its buffer. They are read again and follow here. */
export interface Lagged {
  readonly _tag: "Lagged"
  readonly dropped: number
}

/** What is told of attention. */
export type AttentionItem<E extends EventSet.Any> = AttentionBegan | Attention<E>

/** Where a lane that was asked for without cursors begins: from here on nothing is missed. */
export interface AttentionBegan {
  readonly _tag: "Began"
  /** The heads of all streams. */
  readonly after: ReadonlyMap<string, Cursor>
}

/** An event that wants attention, of any stream. Its own epoch and seq are the cursor to keep for its lane. */
export interface Attention<E extends EventSet.Any> {
  readonly _tag: "Attention"
  readonly stream: string
  readonly event: EventSet.Stored<E>
}

/**
 * What a live set follows: a log in this process (`log.effect`), or one behind a channel (`Remote.connect`), which may
 * lose its connection and goes on.
 */
export interface LiveSource<E extends EventSet.Any> {
  /** Catches up behind a cursor, then tells what comes, for ever: each event once and in order (law C1). */
  readonly follow: (stream: string, options?: FollowOptions) => Stream.Stream<FollowItem<E>, ReadError>

  /** A projection's state and its cursor: where a resync begins anew. */
  readonly stateWithCursor: <S>(
    stream: string,
    projection: Projection<E, S>
  ) => Effect.Effect<Folded<S>, ReadError>

  /**
   * The attention events of every stream, whoever follows it, each at least once: all that stands behind the cursors in
   * `after`, of streams that are not in it from their start; where a cursor cannot go on, from what survived. Without
   * `after` it begins now and tells so: what is pending is asked with `viewAll`. Moves no stream's own cursor (law C8).
   */
  readonly attention: (options?: {
    readonly after?: ReadonlyMap<string, Cursor> | undefined
  }) => Stream.Stream<AttentionItem<E>, ReadError>
}
