/** Faults between two writers of one store. */
import type { Head, StorageService } from "@varve/core"
import { Effect } from "effect"
import { type Fault, fault, faultInModel, headOf, mark, changed, stepwise, unmarked } from "./Fault.ts"

/** Heads as this opening last saw them. */
const cached = (): Map<string, Head> => new Map()

/** A storage whose reads see an append one read late. */
const lagging = (storage: StorageService): StorageService => {
  const unseen = new Map<string, number>()
  return changed(
    stepwise(
      storage,
      Effect.fnUntraced(function* (group, write) {
        const outcome = yield* write(group)
        if (outcome._tag === "Appended" && outcome.head !== undefined)
          unseen.set(group.stream, outcome.head.cursor.seq)
        return outcome
      })
    ),
    {
      batch: (batch) => {
        const late = unseen.get(batch.stream)
        unseen.delete(batch.stream)
        return late === undefined
          ? batch
          : { ...batch, events: batch.events.filter(({ seq }) => seq !== late) }
      }
    }
  )
}

const twoWriters: ReadonlyArray<Fault> = [
  fault(
    "M2 linearizable",
    "an append is seen by the second read behind it",
    "reads from a replica that lags",
    lagging
  ),
  faultInModel(
    "M2 linearizable: two writers",
    "an append is seen by the second read behind it",
    "a cache per process that is refreshed by reading",
    lagging
  ),
  faultInModel(
    "A7 two-writers",
    "`expected` is checked against a head in memory",
    "a cache per process",
    (storage) => {
      const heads = cached()
      return stepwise(
        storage,
        Effect.fnUntraced(function* ({ expected, ...group }, write) {
          const head = heads.get(group.stream)
          if (typeof expected === "number" && expected < (head?.cursor.seq ?? 0))
            return { _tag: "Conflict", expected, actual: head?.cursor }
          const outcome = yield* write(group)
          if (outcome._tag === "Appended" && outcome.head) heads.set(group.stream, outcome.head)
          return outcome
        })
      )
    }
  ),
  faultInModel(
    "A11 two-writers",
    "seals of the other writer aren't seen",
    "a cache per process",
    (storage, opening) => {
      const sealed = new Set<string>()
      return stepwise(
        changed(storage, {
          group: (group) => ({ ...group, events: group.events.map((event) => ({ ...event, seals: false })) })
        }),
        Effect.fnUntraced(function* (group, write) {
          if (sealed.has(group.stream)) return { _tag: "Sealed", seq: opening }
          if (group.events.some((event) => event.seals)) sealed.add(group.stream)
          return yield* write(group)
        })
      )
    }
  ),
  faultInModel(
    "D3 two-writers",
    "ids of the other writer aren't known",
    "a Set of ids per process",
    (storage, opening) =>
      changed(storage, {
        group: (group) => ({
          ...group,
          events: group.events.map((event) => ({ ...event, id: `${event.id}${mark}${opening}` }))
        }),
        event: (event) => ({ ...event, id: unmarked(event.id) })
      })
  ),
  faultInModel(
    "C2 two-writers",
    "heads of the other writer are seen late",
    "effect/eventlog: other processes unseen",
    (storage) => {
      const heads = cached()
      return {
        ...stepwise(
          storage,
          Effect.fnUntraced(function* (group, write) {
            const outcome = yield* write(group)
            const head = yield* headOf(storage, group.stream)
            if (head !== undefined) heads.set(group.stream, head)
            return outcome
          })
        ),
        heads: (selection) =>
          Effect.map(storage.heads(selection), (all) => all.map((head) => heads.get(head.stream) ?? head))
      }
    }
  )
]

/** What goes wrong between two writers goes wrong between two processes. */
export const writerFaults: ReadonlyArray<Fault> = [
  ...twoWriters,
  ...twoWriters
    .filter(({ breaks }) => /two.writers$/.test(breaks))
    .map((one) => ({ ...one, breaks: one.breaks.replace(/writers$/, "processes") }))
]
