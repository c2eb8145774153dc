/**
 * One who follows a stream: a cursor that moves over contiguous events only (law C8), what waits to be handed over, and
 * whether storage must be read before going on. Plain code, pulled by a stream of items or by a view.
 *
 * - **Watched before it is read**, so that nothing falls between catching up and going on live (law C1).
 * - **What was seen is dropped, what is missing is fetched.** Groups wait as they were told; their place is compared when
 *   they are taken. The storage alone judges cursors: wherever an epoch changed, it is asked.
 * - **Bounded** (law C6): where too much waits, all of that is dropped, told, and read again when the follower comes.
 * - Reads are one bounded query each, so that nothing is held open while a follower sleeps.
 */
import { Effect, Stream } from "effect"
import { type Cursor, type Resync, sameCursor } from "./Cursor.ts"
import type { Damaged, StorageError } from "./Errors.ts"
import type * as EventSet from "./EventSet.ts"
import { Line } from "./Line.ts"
import type { Notification } from "./Listeners.ts"
import type { FollowItem, FollowOptions } from "./LiveSource.ts"
import type { Batch, Head, StorageService, StoredEvent } from "./LogStorage.ts"
import type { Moves, Watcher } from "./Moves.ts"

/** What a follower needs of its log. */
export interface Following<E extends EventSet.Any> {
  readonly storage: StorageService
  readonly moves: Moves
  readonly decode: (stored: StoredEvent) => EventSet.Stored<E>
}

/** Events that one read asks for, and one item of it holds. */
const readEvents = 512

const defaultBufferEvents = 4096

export class Follower<E extends EventSet.Any> {
  readonly stream: string
  /** The last seq known to survive power loss. */
  synced = 0
  /** Nothing more comes: the items that wait are the last. */
  ended = false
  private cursor: Cursor | undefined
  /** To be handed over. */
  private readonly ready = new Line<FollowItem<E>>()
  /** Groups that were told since. */
  private waiting = new Line<Notification>()
  private waitingEvents = 0
  /** Where the stream will be when all that waits is taken. */
  private end: Cursor | undefined
  private dropped = 0
  /** Storage must be read before anything that waits is taken. */
  private behind = true
  private caughtUp = false
  private isOpen = false
  private readonly around: Following<E>
  private readonly replayCap: number
  private readonly most: number
  private readonly wake: () => void
  private readonly stop: () => void

  /** `wake` is called when there may be something to take or to read. */
  constructor(
    around: Following<E>,
    stream: string,
    { after, bufferEvents = defaultBufferEvents, replayCap = Infinity }: FollowOptions,
    wake: () => void
  ) {
    this.around = around
    this.stream = stream
    this.cursor = after
    this.replayCap = replayCap
    this.most = bufferEvents
    this.wake = wake
    const watcher: Watcher = {
      told: (notification) => this.told(notification),
      found: (head) => this.found(head),
      ended: () => {
        this.ended = true
        this.behind = false
        this.wake()
      }
    }
    this.stop = around.moves.watch(stream, watcher)
  }

  /** Whether `read` must be run for there to be more. */
  get mustRead(): boolean {
    return this.behind && !this.ended && this.ready.length === 0
  }

  /** Whether there is anything to do but wait. */
  get isIdle(): boolean {
    return !this.behind && !this.ended && this.ready.length === 0 && this.waiting.length === 0
  }

  close(): void {
    this.stop()
  }

  // --- what comes ----------------------------------------------------------------------------------------------

  private told(notification: Notification): void {
    if (this.ended) return
    const count = Math.max(1, notification.events.length + notification.volatile.length)
    if (this.dropped > 0) {
      this.dropped += count
      return
    }
    if (this.waitingEvents + count > this.most) {
      this.dropped = this.waitingEvents + count
      this.waiting = new Line()
      this.waitingEvents = 0
      this.behind = true
    } else {
      this.waiting.push(notification)
      this.waitingEvents += count
      if (notification.head !== undefined) this.end = notification.head.cursor
    }
    this.wake()
  }

  private found(head: Head | undefined): void {
    if (this.ended) return
    if (!this.behind && !sameCursor(head?.cursor, this.end)) this.behind = true
    if (this.behind) return this.wake()
    if (head === undefined || head.synced <= this.synced || this.waiting.length > 0) return
    this.tellSynced(head)
    this.wake()
  }

  private tellSynced({ cursor, synced }: Head): void {
    if (synced <= this.synced) return
    this.synced = synced
    if (this.caughtUp && sameCursor(cursor, this.cursor))
      this.ready.push({ _tag: "Events", events: [], cursor, synced })
  }

  // --- what is taken -------------------------------------------------------------------------------------------

  /** The next item, if there is one that needs no reading. */
  take(): FollowItem<E> | undefined {
    while (this.ready.length === 0 && !this.behind && this.waiting.length > 0) {
      const notification = this.waiting.at(0)!
      this.waiting.drop(1)
      this.waitingEvents -= Math.max(1, notification.events.length + notification.volatile.length)
      this.takeGroup(notification)
    }
    const item = this.ready.at(0)
    if (item !== undefined) this.ready.drop(1)
    return item
  }

  private takeGroup({ events, head, volatile }: Notification): void {
    const last = events.at(-1)
    if (head !== undefined && last !== undefined && this.isNext(events[0]!, last, events.length)) {
      const cursor = { epoch: last.epoch, seq: last.seq }
      this.cursor = cursor
      this.synced = Math.max(this.synced, head.synced)
      const told = events as ReadonlyArray<EventSet.Stored<E>>
      this.ready.push({ _tag: "Events", events: told, cursor, synced: this.synced })
    } else if (head !== undefined && last === undefined) {
      this.tellSynced(head)
    }
    if (volatile.length > 0)
      this.ready.push({ _tag: "Volatile", events: volatile as ReadonlyArray<EventSet.Volatile<E>> })
    if (head !== undefined && !this.hasSeen(head.cursor)) this.behind = true
    else if (this.waiting.length === 0) this.end = this.cursor
  }

  private isNext(first: Cursor, last: Cursor, count: number): boolean {
    const { cursor } = this
    const isBehind =
      cursor === undefined ? first.seq === 1 : first.seq === cursor.seq + 1 && first.epoch === cursor.epoch
    return isBehind && last.seq - first.seq === count - 1
  }

  private hasSeen(place: Cursor): boolean {
    const { cursor } = this
    return cursor !== undefined && place.epoch === cursor.epoch && place.seq <= cursor.seq
  }

  // --- what is read --------------------------------------------------------------------------------------------

  /** Reads what comes next from storage, a bounded piece of it. */
  readonly read: Effect.Effect<void, StorageError | Damaged> = Effect.suspend(() => {
    const { cursor, isOpen, stream } = this
    const { storage } = this.around
    if (this.dropped > 0) {
      this.ready.push({ _tag: "Lagged", dropped: this.dropped })
      this.dropped = 0
      this.caughtUp = false
    }
    const piece = storage.query({
      streams: [stream],
      ...(cursor === undefined ? {} : { after: new Map([[stream, cursor]]) }),
      limit: readEvents,
      batchEvents: readEvents
    })
    const read = Stream.runForEach(piece, (batch) => Effect.sync(() => this.takeBatch(batch)))
    if (isOpen) return read
    // Batches don't tell what is synced.
    return Effect.flatMap(storage.heads({ streams: [stream] }), ([head]) => {
      this.isOpen = true
      this.synced = head?.synced ?? 0
      return read
    })
  })

  private takeBatch({ events, head, resync }: Batch): void {
    if (this.ended) return
    if (resync !== undefined) return this.cannotGoOn(resync, head)
    const { cursor, replayCap } = this
    if ((head?.seq ?? 0) - (cursor?.seq ?? 0) > replayCap)
      return this.cannotGoOn({ reason: "too-far", survived: cursor }, head)
    const last = events.at(-1)
    if (last !== undefined) {
      this.cursor = { epoch: last.epoch, seq: last.seq }
      const decoded = events.map(this.around.decode)
      this.ready.push({ _tag: "Events", events: decoded, cursor: this.cursor, synced: this.synced })
    }
    const isAtEnd = head === undefined ? this.cursor === undefined : head.seq <= (this.cursor?.seq ?? 0)
    if (!isAtEnd) return
    // What waits is compared with the cursor as it is taken.
    if (this.dropped === 0) this.behind = false
    if (this.waiting.length === 0) this.end = this.cursor
    if (this.caughtUp) return
    this.caughtUp = true
    this.ready.push({ _tag: "CaughtUp", cursor: this.cursor })
  }

  private cannotGoOn({ reason, survived }: Resync, head: Cursor | undefined): void {
    this.ready.push({ _tag: "Resync", reason, survived, head })
    this.ended = true
    this.behind = false
    this.waiting = new Line()
    this.waitingEvents = 0
    this.stop()
  }
}
