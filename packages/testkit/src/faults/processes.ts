/** Faults between two processes of which one at a time writes a stream. */
import type { Group, Outcome, StorageService } from "@varve/core"
import { Effect } from "effect"
import { type Fault, fault, faultInModel, stepwise } from "./Fault.ts"

/** Who writes which stream of a store. */
const owners = new WeakMap<StorageService, Map<string, number>>()

/** A storage in which whoever appends first to a stream owns it. */
const claiming = (
  storage: StorageService,
  opening: number,
  needsClaim: (group: Group) => boolean = () => true
): StorageService => {
  const claims = owners.get(storage) ?? new Map<string, number>()
  owners.set(storage, claims)
  return {
    ...stepwise(storage, (group, write) => {
      const owner = claims.get(group.stream) ?? opening
      if (owner !== opening && needsClaim(group))
        return Effect.succeed<Outcome>({ _tag: "Claimed", owner: `opening ${owner}` })
      claims.set(group.stream, owner)
      return write(group)
    }),
    release: (stream) => Effect.sync(() => void claims.delete(stream))
  }
}

export const processFaults: ReadonlyArray<Fault> = [
  faultInModel(
    "M3 readers-are-harmless",
    "heads that were read once are not read again",
    "a cache that nobody empties",
    (storage) => {
      const seen = new Map<string, ReturnType<StorageService["heads"]>>()
      return {
        ...storage,
        heads: (selection) => {
          const asked = JSON.stringify(selection)
          const known = seen.get(asked) ?? Effect.runSync(Effect.cached(storage.heads(selection)))
          seen.set(asked, known)
          return known
        }
      }
    }
  ),
  fault(
    "M1 one-writer",
    "nobody asks who else writes",
    "a file opened for appending, twice",
    (storage) => storage
  ),
  fault("M1 one-writer", "a label needs no claim", "metadata beside the log", (storage, opening) =>
    claiming(storage, opening, (group) => group.events.length > 0)
  ),
  fault("M1 one-writer", "the owner has no name", "an error code and no more", (storage, opening) => {
    const claimed = claiming(storage, opening)
    return {
      ...claimed,
      append: (groups) =>
        Effect.map(claimed.append(groups), (outcomes) =>
          outcomes.map((one) => (one._tag === "Claimed" ? { ...one, owner: "" } : one))
        )
    }
  }),
  fault(
    "M1 handover",
    "a claim is kept until the process ends",
    "release not implemented",
    (storage, opening) => ({
      ...claiming(storage, opening),
      release: () => Effect.void
    })
  ),
  fault(
    "M1 handover",
    "the next writer goes by the head it knew",
    "a cache per process",
    (storage, opening) => {
      const known = new Map<string, number>()
      return stepwise(claiming(storage, opening), (group, write) => {
        const { expected } = group
        const seq = known.get(group.stream)
        if (typeof expected === "object" && seq !== undefined && seq !== expected.seq)
          return Effect.succeed<Outcome>({ _tag: "Conflict", expected, actual: undefined })
        return Effect.tap(write(group), (outcome) =>
          Effect.sync(() => {
            if (outcome._tag === "Appended") known.set(group.stream, outcome.head!.cursor.seq)
          })
        )
      })
    }
  )
]
