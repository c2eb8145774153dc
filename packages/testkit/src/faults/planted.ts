/** A storage in memory with everything that an author can give: it is reopened, opened twice, and crashes. */
import { LogStorage, type StorageService } from "@varve/core"
import { Effect, Layer } from "effect"
import type { Crashing, LawOptions } from "../checkLaws.ts"
import type { Fault } from "./Fault.ts"

export const planted = (make: () => StorageService, plant: Fault["plant"]): LawOptions => {
  const storage = () => {
    const store = make()
    let opening = 0
    return Layer.sync(LogStorage, () => plant(store, ++opening))
  }
  return {
    storage,
    reopen: true,
    secondWriter: true,
    secondProcess: () => {
      const layer = storage()
      return [layer, layer]
    },
    crash: () => crashing(make(), plant)
  }
}

/** Its power can be cut, and with it goes every stream of which nothing was synced. */
const crashing = (store: StorageService, plant: Fault["plant"]): Crashing => {
  let opening = 0
  return {
    storage: Layer.sync(LogStorage, () => {
      const own = ++opening
      // What is dead does nothing more.
      const append: StorageService["append"] = (groups) =>
        Effect.suspend(() => (own === opening ? store.append(groups) : Effect.never))
      return plant({ ...store, append, appendSync: undefined }, own)
    }),
    powerCut: true,
    crash: async () => {
      opening++
      for (const head of await Effect.runPromise(store.heads({})))
        if (head.synced === 0) await Effect.runPromise(store.remove(head.stream))
    }
  }
}
