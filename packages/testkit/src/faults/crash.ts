/** Faults that a crash brings to light. */
import type { Outcome } from "@varve/core"
import { Effect } from "effect"
import { changed, type Fault, faultInModel, headOf, stepwise } from "./Fault.ts"

export const crashFaults: ReadonlyArray<Fault> = [
  faultInModel("A1 crash", "says synced before it is", "fsync left to the operating system", (storage) =>
    stepwise(storage, (group, write) =>
      Effect.map(write({ ...group, durability: "written" }), (outcome) =>
        outcome._tag === "Appended" ? { ...outcome, durability: group.durability } : outcome
      )
    )
  ),
  faultInModel(
    "A2 crash",
    "a group is written event by event",
    "a line per event, each with its own write",
    (storage) =>
      stepwise(
        storage,
        Effect.fnUntraced(function* (group, write) {
          const parts: Array<Outcome> = []
          for (const event of group.events) {
            parts.push(yield* write({ ...group, events: [event], durability: "synced" }))
            yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve)))
          }
          const last = parts.at(-1)!
          if (last._tag !== "Appended") return last
          return { ...last, seqs: parts.flatMap((part) => (part._tag === "Appended" ? part.seqs : [])) }
        })
      )
  ),
  faultInModel(
    "A13 crash",
    "the groups of a call are stored one by one",
    "a transaction per stream, under a flag that says one per call",
    (storage) =>
      stepwise(storage, (group, write) =>
        Effect.tap(write(group), () => Effect.promise(() => new Promise((resolve) => setImmediate(resolve))))
      )
  ),
  faultInModel("V1 crash", "a removal is carried out on closing", "tombstones in memory", (storage) => {
    const removed = new Set<string>()
    return {
      ...changed(storage, {
        batch: (batch) => (removed.has(batch.stream) ? { ...batch, events: [], head: undefined } : batch)
      }),
      heads: (selection) =>
        Effect.map(storage.heads(selection), (heads) => heads.filter(({ stream }) => !removed.has(stream))),
      remove: (stream) =>
        Effect.map(Effect.orDie(headOf(storage, stream)), (head) => {
          removed.add(stream)
          return head !== undefined
        })
    }
  })
]
