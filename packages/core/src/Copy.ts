/**
 * Copies a stream, or its beginning, to another: forks, exports, from one storage to another. Events move as they are
 * stored, unread: ids, times and versions stay, and so do types that nobody here knows. Ids make it idempotent: a copy
 * that was cut off goes on where it stopped. Under a `map` events are read, and what it answers is stored in their place:
 * for what must not be kept as it is.
 */
import { Effect, Option, Stream } from "effect"
import {
  type AppendError,
  CopyFailed,
  InvalidEvent,
  InvalidOption,
  type ReadError,
  StreamNotFound
} from "./Errors.ts"
import * as EventSet from "./EventSet.ts"
import type { NewEvent, Unrecognized } from "./LogEvent.ts"
import type {
  Appended,
  Batch,
  EncodedEvent,
  Group,
  Head,
  Limits,
  StorageService,
  StoredEvent
} from "./LogStorage.ts"
import { encodedSize } from "./Groups.ts"

/** What to copy of a stream. */
export interface CopyOptions<E extends EventSet.Any> {
  /** Copies up to this seq, inclusive. All by default, the seal too. */
  readonly upTo?: number
  /**
   * What becomes of each event: itself, which is copied as it is stored; another in its place, with its id and `at` where
   * those are handed on; or `undefined`, which leaves it out, so that those behind it have lower seqs. Answer the same for
   * the same event, and a copy that was cut off can go on.
   */
  readonly map?: (event: EventSet.Stored<E>) => EventSet.Appendable<E> | Unrecognized | undefined
  /** Set in place of the stream's own. */
  readonly attributes?: Readonly<Record<string, string>>
}

/** What came of a copy. */
export interface Copied {
  /** Events that were not there before. */
  readonly copied: number
  /** Events that were: of a copy that was cut off. */
  readonly duplicates: number
  /** The target stream after it. */
  readonly head: Head | undefined
}

/** Where a copy goes to. */
export interface Target {
  readonly stream: string
  readonly limits: Limits
  /** Stores events as they are, in their place in the stream's line. */
  readonly receive: (
    group: Pick<Group, "events" | "durability" | "attributes">
  ) => Effect.Effect<Appended, AppendError>
}

/** Where a copy comes from. */
export interface Origin<E extends EventSet.Any> {
  readonly set: E
  readonly storage: StorageService
  readonly decode: (stored: StoredEvent) => EventSet.Stored<E>
}

/**
 * Copies `from` out of a storage. Holds two batches. The last group is asked to be synced, which covers those before it;
 * the attributes come last, and so tell that a copy is whole.
 */
export const copy = Effect.fnUntraced(function* <E extends EventSet.Any>(
  { decode, set, storage }: Origin<E>,
  from: string,
  target: Target,
  { attributes: given, map, upTo = Infinity }: CopyOptions<E>
): Effect.fn.Return<Copied, ReadError | AppendError | StreamNotFound | CopyFailed> {
  if (upTo !== Infinity && (!Number.isSafeInteger(upTo) || upTo < 0))
    return yield* new InvalidOption({ option: "upTo", problem: "is not an integer from 0" })
  const [source] = yield* storage.heads({ streams: [from] })
  if (source === undefined) return yield* new StreamNotFound({ stream: from })
  const toSeq = Math.min(upTo, source.cursor.seq)
  let copied = 0
  let duplicates = 0
  let head: Head | undefined
  const receive = Effect.fnUntraced(function* (
    events: ReadonlyArray<EncodedEvent>,
    durability: Group["durability"]
  ) {
    const appended = yield* target.receive({ events, durability })
    duplicates += appended.duplicates.length
    copied += events.length - appended.duplicates.length
    head = appended.head
  })
  const encoded = (stored: StoredEvent): EncodedEvent | InvalidEvent | undefined => {
    if (map === undefined) return unstored(stored)
    const event = decode(stored)
    const mapped = map(event)
    if (mapped === event) return unstored(stored)
    return mapped === undefined ? undefined : EventSet.tryEncode(set, target.stream, mapped as NewEvent)
  }
  let read = 0
  const groups = Effect.fnUntraced(function* ({ events }: Batch) {
    const taken: Array<EncodedEvent> = []
    for (const event of events) {
      const one = encoded(event)
      if (one instanceof InvalidEvent) return yield* one
      if (one !== undefined) taken.push(one)
    }
    read += events.length
    return Stream.fromIterable(split(taken, target.limits))
  })
  const all = Effect.gen(function* () {
    const groupsOfAll = Stream.flatten(Stream.mapEffect(storage.query({ streams: [from], toSeq }), groups))
    yield* Stream.runForEach(Stream.zipWithNext(groupsOfAll), ([group, next]) =>
      receive(group, Option.isNone(next) ? "synced" : "written")
    )
    // Removed meanwhile: what was copied is not what was asked for.
    if (read < toSeq) return yield* new StreamNotFound({ stream: from })
    const attributes = given ?? source.attributes
    if (head !== undefined && Object.keys(attributes).length > 0)
      head = (yield* target.receive({ events: [], durability: "written", attributes })).head
  })
  if (toSeq >= 1) {
    yield* Effect.mapError(all, (cause) => {
      const { stream } = target
      return copied === 0 ? cause : new CopyFailed({ stream, copied, head: head?.cursor, cause })
    })
  }
  return { copied, duplicates, head }
})

const unstored = ({ id, type, version, at, data, meta, seals }: EncodedEvent): EncodedEvent => ({
  id,
  type,
  version,
  at,
  data,
  meta,
  seals
})

/** Events in groups that a storage takes. */
const split = function* <A extends EncodedEvent>(
  events: ReadonlyArray<A>,
  { groupBytes, groupEvents }: Limits
): Generator<ReadonlyArray<A>> {
  let group: Array<A> = []
  let bytes = 0
  for (const event of events) {
    const size = encodedSize(event, groupBytes - bytes)
    if (group.length === groupEvents || (group.length > 0 && bytes + size > groupBytes)) {
      yield group
      group = []
      bytes = 0
    }
    group.push(event)
    bytes += size
  }
  if (group.length > 0) yield group
}
