/** Faults in stored snapshots. */
import type { StoredSnapshot } from "@varve/core"
import { Effect } from "effect"
import { type Fault, fault } from "./Fault.ts"

export const snapshotFaults: ReadonlyArray<Fault> = [
  fault("N2 disposable", "dropping one projection drops all", "a missing WHERE", (storage) => ({
    ...storage,
    snapshots: { ...storage.snapshots, drop: () => storage.snapshots.drop() }
  })),
  fault("N2 disposable", "projections are compared without case", "COLLATE NOCASE", (storage) => ({
    ...storage,
    snapshots: {
      ...storage.snapshots,
      drop: (projection) =>
        projection === undefined
          ? storage.snapshots.drop()
          : Effect.andThen(
              storage.snapshots.drop(projection),
              storage.snapshots.drop(projection[0]!.toUpperCase() + projection.slice(1))
            )
    }
  })),
  fault("N2 over-all", "snapshots need a stream", "an inner join, a foreign key", (storage) => ({
    ...storage,
    snapshots: {
      ...storage.snapshots,
      save: (all) => storage.snapshots.save(all.filter((one) => one.stream !== ""))
    }
  })),
  fault(
    "N3 replaced",
    "snapshots are stored in addition, and the first is answered",
    "stored snapshots of each chunk: 64 of 73 GB in 8 days",
    (storage) => {
      const first = new Map<string, StoredSnapshot>()
      const key = (one: StoredSnapshot) => JSON.stringify([one.stream, one.projection])
      return {
        ...storage,
        snapshots: {
          ...storage.snapshots,
          save: (all) => {
            for (const one of all) if (!first.has(key(one))) first.set(key(one), one)
            return storage.snapshots.save(all)
          },
          load: (projection, streams) =>
            Effect.map(storage.snapshots.load(projection, streams), (all) =>
              all.map((one) => first.get(key(one)) ?? one)
            )
        }
      }
    }
  ),
  fault("N3 replaced", "a snapshot's text is parsed and printed", "a JSON column", (storage) => ({
    ...storage,
    snapshots: {
      ...storage.snapshots,
      save: (all) =>
        storage.snapshots.save(all.map((one) => ({ ...one, state: JSON.stringify(JSON.parse(one.state)) })))
    }
  }))
]
