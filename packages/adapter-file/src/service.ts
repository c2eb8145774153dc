/** The seam of core over an opened folder. */
import type { Group, Outcome, StorageService } from "@varve/core"
import { Clock, Effect } from "effect"
import { limits } from "./Format.ts"
import { heads } from "./heads.ts"
import { query } from "./query.ts"
import { remove } from "./remove.ts"
import { snapshots } from "./snapshots.ts"
import { run } from "./Steps.ts"
import { failed, type Store } from "./Store.ts"

export const service = (store: Store): StorageService => {
  const { counters } = store
  return {
    supports: {
      durability: "power",
      sharedWriters: false,
      totalOrder: false,
      reverse: true,
      checksums: true,
      counters: true,
      atomicAcrossStreams: false,
      hints: false
    },
    limits,

    append: (groups) =>
      groups.length === 0
        ? Effect.succeed([])
        : Effect.flatMap(Clock.currentTimeMillis, (now) => append(store, groups, now)),
    appendSync: (groups) => {
      counters.appends++
      const now = Date.now()
      return groups.map((group) => store.log(group.stream).appendNow(group, now))
    },
    query: (asked) => query(store, asked),
    heads: (selection) => heads(store, selection),
    snapshots: snapshots(store),
    remove: (stream) => remove(store, stream),
    sync: Effect.tryPromise({ try: () => store.sync(), catch: (cause) => failed("sync", cause) }),
    release: (stream) => Effect.promise(() => store.release(stream)),
    counters: () => ({ ...counters })
  }
}

/** Each group goes its own way: one waits for its sync while the others write, and none fails another (law A13). */
const append = (
  store: Store,
  groups: ReadonlyArray<Group>,
  now: number
): Effect.Effect<ReadonlyArray<Outcome>> => {
  store.counters.appends++
  const answers = groups.map((group) => run(store.log(group.stream).append(group, now)))
  return answers.some((answer) => answer instanceof Promise)
    ? Effect.promise(() => Promise.all(answers.map(async (answer) => answer)))
    : Effect.succeed(answers as ReadonlyArray<Outcome>)
}
