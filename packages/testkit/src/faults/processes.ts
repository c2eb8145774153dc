/** Faults between two processes of which one at a time writes a stream. */
import type { Group, Outcome, StorageService } from "@varve/core"
import { Effect } from "effect"
import { changed, eventsOf, type Fault, fault, faultInModel, mark, stepwise, unmarked } from "./Fault.ts"

/** What others do gets its turn. */
const turn = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))

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

/** A storage that stores a group's events one by one, visible to others. */
const oneByOne = (storage: StorageService): StorageService =>
  stepwise(
    storage,
    Effect.fnUntraced(function* (group, write) {
      const parts: Array<Outcome> = []
      for (const event of group.events) {
        parts.push(yield* write({ ...group, events: [event] }))
        yield* turn
      }
      const last = parts.at(-1)!
      if (last._tag !== "Appended") return last
      return { ...last, seqs: parts.flatMap((part) => (part._tag === "Appended" ? part.seqs : [])) }
    })
  )

export const processFaults: ReadonlyArray<Fault> = [
  faultInModel(
    "A2 seen-whole",
    "a group is stored event by event, others see it grow",
    "an INSERT per event without a transaction",
    oneByOne
  ),
  faultInModel(
    "D3 two-processes at-once",
    "which ids are stored is looked up before the write",
    "a SELECT outside the transaction",
    (storage, opening) =>
      stepwise(
        changed(storage, { event: (event) => ({ ...event, id: unmarked(event.id) }) }),
        Effect.fnUntraced(function* (group, write) {
          const stored = yield* eventsOf(storage, { streams: [group.stream] })
          const known = new Map(stored.map(({ id }) => [unmarked(id), id]))
          yield* turn
          const events = group.events.map((event) => ({
            ...event,
            id: known.get(event.id) ?? `${event.id}${mark}${opening}`
          }))
          return yield* write({ ...group, events })
        })
      )
  ),
  faultInModel(
    "A13 seen-together",
    "the groups of a call are stored one by one",
    "a transaction per stream, under a flag that says one per call",
    (storage) => stepwise(storage, (group, write) => Effect.tap(write(group), () => turn))
  ),
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
