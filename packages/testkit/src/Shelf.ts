/**
 * A log on a store for laws of projections: it counts the events that are read, keeps the snapshots that are saved, and
 * can be made to fail at saving.
 */
import {
  LogStorage,
  type PromiseLog,
  type Projection,
  type SnapshotFailure,
  StorageError,
  type StorageService,
  type StoredSnapshot,
  Varve
} from "@varve/core"
import { Effect, Layer, Stream } from "effect"
import { turn } from "./Desk.ts"
import { Session } from "./Session.ts"
import type { Store } from "./Store.ts"

export interface Shelf {
  readonly log: PromiseLog<typeof Session>
  /** Queries asked, and events read, since the last look. */
  readonly look: () => { readonly queries: number; readonly events: number }
  /** Every snapshot that was saved, in order. */
  readonly saved: ReadonlyArray<StoredSnapshot>
  readonly failures: ReadonlyArray<SnapshotFailure>
  /** Whether saving fails. */
  failing: boolean
}

/**
 * Opens a log over a store's service, uses it, and closes it: then nothing is left to be saved. A slow one lets others
 * in before each write.
 */
export const withShelf = async <A>(
  store: Store,
  use: (shelf: Shelf) => Promise<A>,
  { slow = false }: { readonly slow?: boolean } = {}
): Promise<A> => {
  const { service } = store
  const saved: Array<StoredSnapshot> = []
  const failures: Array<SnapshotFailure> = []
  let [queries, events] = [0, 0]
  const query: StorageService["query"] = (asked) =>
    Stream.suspend(() => {
      queries++
      return Stream.map(service.query(asked), (batch) => {
        events += batch.events.length
        return batch
      })
    })
  const save: StorageService["snapshots"]["save"] = (all) =>
    Effect.suspend(() => {
      if (shelf.failing) return Effect.fail(new StorageError({ operation: "save snapshots", cause: "full" }))
      saved.push(...all)
      return service.snapshots.save(all)
    })
  const append: StorageService["append"] = (groups) =>
    slow
      ? Effect.andThen(
          Effect.promise(() => turn(1)),
          service.append(groups)
        )
      : service.append(groups)
  const log = await Varve.open({
    events: Session,
    storage: Layer.succeed(LogStorage, {
      ...service,
      append,
      query,
      snapshots: { ...service.snapshots, save }
    }),
    onSnapshotFailure: (failure) => void failures.push(failure)
  })
  const shelf: Shelf = {
    log,
    look: () => {
      const since = { queries, events }
      ;[queries, events] = [0, 0]
      return since
    },
    saved,
    failures,
    failing: false
  }
  try {
    return await use(shelf)
  } finally {
    await log.close()
  }
}

/** A state asked of a log that has nothing in memory. */
export const freshState = <S>(
  store: Store,
  stream: string,
  projection: Projection.Projection<typeof Session, S>
): Promise<S> => withShelf(store, ({ log }) => log.state(stream, projection))
