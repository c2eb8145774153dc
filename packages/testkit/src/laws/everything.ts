import type { Store } from "../Store.ts"

/** All that can be seen of a store: to compare before and after what must change nothing. */
export const everything = async (store: Store, prefix = store.scope) => ({
  heads: await store.heads({ prefix }),
  events: await store.events({ prefix })
})
