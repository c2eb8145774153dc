/** Heads: what the logs say together, without answering their events. */
import {
  compareNames,
  type Damaged,
  type Head,
  type Selection,
  selector,
  type StorageError
} from "@varve/core"
import type { Effect } from "effect"
import type { Steps } from "./Steps.ts"
import { runEffect } from "./runEffect.ts"
import type { Store } from "./Store.ts"
import type { Summary } from "./Summary.ts"

/** The summaries of the streams that are there, by name. */
export function* summaries(store: Store, selection: Selection): Steps<ReadonlyArray<Summary>> {
  const names = selection.streams === undefined ? store.streams() : [...new Set(selection.streams)]
  const found: Array<Summary> = []
  for (const name of names.filter(selector(selection)).sort(compareNames)) {
    yield* store.turns.give()
    const summary = yield* store.look(name)
    if (summary !== undefined) found.push(summary)
  }
  return found
}

/**
 * Of a damaged log the head that is known, as from the index, which knows nothing of damage: else one log would hide all
 * others. The damage is told by whoever reads the stream, appends to it, or verifies the folder.
 */
export const heads = (
  store: Store,
  selection: Selection
): Effect.Effect<ReadonlyArray<Head>, StorageError | Damaged> =>
  runEffect("heads", () => collect(store, selection))

function* collect(store: Store, selection: Selection): Steps<ReadonlyArray<Head>> {
  return (yield* summaries(store, selection)).flatMap(({ head }) => head ?? [])
}
