/** Small histories that a filter can tell apart, and how they are read page by page. */
import type { Query } from "@varve/core"
import * as fc from "fast-check"
import { must } from "../Broken.ts"
import { event } from "../generators/events.ts"
import type { Store } from "../Store.ts"

export const filters = fc.record<Pick<Query, "types" | "since" | "until">>({
  types: fc.constantFrom(undefined, ["chunk"], ["chunk", "prompt"]),
  since: fc.constantFrom(undefined, 0, 2),
  until: fc.constantFrom(undefined, 3)
})

/** A few streams of events with types and times that a filter can tell apart. */
export const history = fc.array(
  fc.tuple(
    fc.constantFrom("a", "b", "c"),
    fc.array(fc.tuple(fc.constantFrom("chunk", "prompt", "tool"), fc.integer({ min: 0, max: 3 })), {
      minLength: 1,
      maxLength: 4
    })
  ),
  { minLength: 1, maxLength: 6 }
)

export const write = async (
  store: Store,
  groups: ReadonlyArray<readonly [string, ReadonlyArray<readonly [string, number]>]>
): Promise<void> => {
  for (const [g, [stream, all]] of groups.entries()) {
    await store.append(
      store.name(stream),
      all.map(([type, at], i) => event(`${g}.${i}`, { type, at }))
    )
  }
}

export const place = (one: { readonly stream: string; readonly seq: number }): string =>
  `${one.stream} ${one.seq}`

/** Reads on from each batch's `last` until nothing comes. `between` happens after each page. */
export const pages = async (
  store: Store,
  query: Query,
  between = async (): Promise<void> => {}
): Promise<ReadonlyArray<string>> => {
  const after = new Map(query.after)
  const seen: Array<string> = []
  for (let page = 0; page < 100; page++) {
    const batches = await store.query({ ...query, after: new Map(after) })
    for (const batch of batches) {
      must(
        batch.resync === undefined,
        () => `Reading on from \`last\` never needs a resync: ${batch.resync?.reason}`
      )
      if (batch.last !== undefined) after.set(batch.stream, batch.last)
      seen.push(...batch.events.map(place))
    }
    if (batches.every((batch) => batch.events.length === 0)) return seen
    await between()
  }
  must(false, "Reading on from `last` comes to an end")
}
