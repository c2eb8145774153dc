/**
 * Copies a stream, or its beginning, to another: forks, exports, from one storage to another. Events move as they are
 * stored, unread: ids, times and versions stay, and so do types that nobody here knows. Ids make it idempotent: a copy
 * that was cut off goes on where it stopped.
 */
import { Effect, Stream } from "effect"
import { type AppendError, InvalidOption, type ReadError, StreamNotFound } from "./Errors.ts"
import type { Appended, EncodedEvent, Group, Head, Limits, StorageService } from "./LogStorage.ts"
import { encodedSize } from "./Groups.ts"

export interface CopyOptions {
  /** Copies up to this seq, inclusive. All by default, the seal too. */
  readonly upTo?: number
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
  readonly limits: Limits
  /** Stores events as they are, in their place in the stream's line. */
  readonly receive: (
    group: Pick<Group, "events" | "durability" | "attributes">
  ) => Effect.Effect<Appended, AppendError>
}

/**
 * Copies `from` out of a storage. Holds one batch. The last group is asked to be synced, which covers those before it;
 * the attributes come last, and so tell that a copy is whole.
 */
export const copy = Effect.fnUntraced(function* (
  storage: StorageService,
  from: string,
  target: Target,
  { upTo = Infinity }: CopyOptions
): Effect.fn.Return<Copied, ReadError | AppendError | StreamNotFound> {
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
  if (toSeq >= 1) {
    yield* Stream.runForEach(storage.query({ streams: [from], toSeq }), ({ events }) =>
      Effect.forEach(
        split(events, target.limits),
        (group) => receive(group.map(unstored), group.at(-1)!.seq === toSeq ? "synced" : "written"),
        { discard: true }
      )
    )
    // Removed meanwhile: what was copied is not what was asked for.
    if (copied + duplicates < toSeq) return yield* new StreamNotFound({ stream: from })
    if (Object.keys(source.attributes).length > 0) {
      const { attributes } = source
      head = (yield* target.receive({ events: [], durability: "written", attributes })).head
    }
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
