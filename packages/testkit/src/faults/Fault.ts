/**
 * A planted fault: a storage made wrong in one way that was seen in the wild, and the law that must notice. They
 * prove the kit, as the kit proves a storage: a law that no fault breaks proves nothing.
 */
import type { Batch, Group, Head, Outcome, Query, Selection, StorageService, StoredEvent } from "@varve/core"
import { Effect, Stream } from "effect"

/** A storage with one mistake. {@link faulty} makes it. */
export interface Fault {
  /** What the storage does wrong. */
  readonly name: string
  /** The law that it breaks. */
  readonly breaks: string
  /** Where it was seen, or what makes it likely. */
  readonly seen: string
  /** What it is planted in: `memory` (MemoryStorage), or `model` where it needs what only the model can do. */
  readonly in: "memory" | "model"
  /** Makes the storage wrong. Called at each opening of a store, `opening` counting from 1. */
  readonly plant: (storage: StorageService, opening: number) => StorageService
}

/** A fault in MemoryStorage. */
export const fault = (breaks: string, name: string, seen: string, plant: Fault["plant"]): Fault => ({
  name,
  breaks,
  seen,
  in: "memory",
  plant
})

/** A fault in a capability that only the model has. */
export const faultInModel = (breaks: string, name: string, seen: string, plant: Fault["plant"]): Fault => ({
  ...fault(breaks, name, seen, plant),
  in: "model"
})

/** What may be changed of what goes into a storage and comes out of it. All default to leaving it as it is. */
export interface Changes {
  readonly group?: (group: Group) => Group
  readonly outcome?: (outcome: Outcome, group: Group) => Outcome
  readonly selection?: (selection: Selection) => Selection
  readonly query?: (query: Query) => Query
  readonly batch?: (batch: Batch, query: Query) => Batch
  /** Events as they come out of a query. */
  readonly event?: (event: StoredEvent) => StoredEvent
  /** Heads as they come out of `heads`, of receipts, and as a batch tells them. */
  readonly head?: (head: Head) => Head
}

const same = <T>(value: T): T => value

/** A storage with these changes. */
export const changed = (storage: StorageService, changes: Changes): StorageService => {
  const {
    group = same,
    outcome = same,
    selection = same,
    query = same,
    batch = same,
    event = same,
    head = same
  } = changes
  return {
    ...storage,
    append: (groups) =>
      Effect.map(storage.append(groups.map(group)), (outcomes) =>
        outcomes.map((one, i) => {
          const told =
            one._tag === "Appended" && one.head !== undefined ? { ...one, head: head(one.head) } : one
          return outcome(told, groups[i]!)
        })
      ),
    query: (asked) =>
      Stream.map(storage.query(query({ ...asked, ...selection(asked) })), (one) =>
        batch({ ...one, events: one.events.map(event) }, asked)
      ),
    heads: (asked) => Effect.map(storage.heads(selection(asked)), (heads) => heads.map(head))
  }
}

/** A storage whose appends go group by group through `step`, which may look and wait before it writes. */
export const stepwise = (
  storage: StorageService,
  step: (group: Group, write: (group: Group) => Effect.Effect<Outcome>) => Effect.Effect<Outcome>
): StorageService => ({
  ...storage,
  append: (groups) =>
    Effect.forEach(groups, (group) =>
      step(group, (one) => Effect.map(storage.append([one]), (outcomes) => outcomes[0]!))
    )
})

/** What faults look at first: heads, the head of one stream, events. */
export const headsOf = (storage: StorageService, selection: Selection): Effect.Effect<ReadonlyArray<Head>> =>
  Effect.orDie(storage.heads(selection))

export const headOf = (storage: StorageService, stream: string): Effect.Effect<Head | undefined> =>
  Effect.map(headsOf(storage, { streams: [stream] }), (heads) => heads[0])

export const eventsOf = (storage: StorageService, query: Query): Effect.Effect<ReadonlyArray<StoredEvent>> =>
  Effect.orDie(
    Effect.map(Stream.runCollect(storage.query(query)), (batches) => batches.flatMap((batch) => batch.events))
  )

/** Ends what a fault hides in a text that is stored, and is cut off again when it is read. */
export const mark = "\u0000"

/** The text before the first mark. */
export const unmarked = (text: string): string => text.split(mark)[0]!
