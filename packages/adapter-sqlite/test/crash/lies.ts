/** Storages that break a promise, for the negative controls: a harness that finds nothing wrong with them is wrong. */
import { LogStorage, type OpenFailed, type Outcome } from "@varve/core"
import { Effect, Layer } from "effect"

/** Asks for every group as written, and acknowledges as synced. */
export const unsynced = (storage: Layer.Layer<LogStorage, OpenFailed>): Layer.Layer<LogStorage, OpenFailed> =>
  Layer.effect(
    LogStorage,
    Effect.map(LogStorage, (honest) => ({
      ...honest,
      append: (groups) =>
        Effect.map(
          honest.append(groups.map((group) => ({ ...group, durability: "written" as const }))),
          (outcomes) =>
            outcomes.map((outcome, i) => (groups[i]!.durability === "synced" ? claimed(outcome) : outcome))
        )
    }))
  ).pipe(Layer.provide(storage))

const claimed = (outcome: Outcome): Outcome =>
  outcome._tag !== "Appended" || outcome.head === undefined
    ? outcome
    : { ...outcome, durability: "synced", head: { ...outcome.head, synced: outcome.head.cursor.seq } }
