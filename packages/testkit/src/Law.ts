/**
 * A law is a promise that every storage keeps, and the check that proves it. MUST unless it names what it needs: a
 * flag of `supports`, or an option that only the author of the storage can give.
 */
import type { Supports } from "@varve/core"
import type * as fc from "fast-check"
import type { Store } from "./Store.ts"

/**
 * What a law may need beyond the MUST: a flag of `supports`, or what the options say of the storage. With `crash` or
 * `secondProcess`, the stores that the law gets are of that kind: `store.crash()`, `store.beside()`.
 */
export type Need = Flag | "claims" | "appendSync" | Option
/** What only the author of a storage can give. */
export type Option = "reopen" | "secondWriter" | "crash" | "secondProcess"
type Flag = { [K in keyof Supports]: Supports[K] extends boolean ? K : never }[keyof Supports]

/** A promise, and its check. */
export interface Law {
  /** As docs/laws.md numbers it, and what this test of it is about: `A7 expected`. */
  readonly name: string
  /** The promise in a sentence or two, for the reader who broke it. */
  readonly promise: string
  readonly needs: ReadonlyArray<Need>
  /** Runs a whole log over the storage: what it finds may be the log's mistake. */
  readonly withLog?: boolean
  readonly check: (bench: Bench) => Promise<void>
}

/** What a check works with. Everything it opens is closed after it. */
export interface Bench {
  /** Whether a store can be closed and opened again (the option `reopen`). */
  readonly reopens: boolean
  /** A fresh, empty store. */
  readonly store: () => Promise<Store>
  /**
   * The check holds for every value. All runs share one store, each with a scope of its own for its stream names
   * (`store.name`); with `fresh` each run gets an empty store. `share` is the part of the runs asked for that this
   * property needs, 1 by default.
   */
  readonly property: <T>(
    arbitrary: fc.Arbitrary<T>,
    check: (store: Store, value: T) => Promise<void>,
    options?: { readonly fresh?: boolean; readonly share?: number }
  ) => Promise<void>
}

/** A law that every storage keeps. */
export const law = (name: string, promise: string, check: Law["check"]): Law => ({
  name,
  promise,
  needs: [],
  check
})

/** A law of storages that have what it needs. */
export const lawWhere = (
  needs: ReadonlyArray<Need>,
  name: string,
  promise: string,
  check: Law["check"]
): Law => ({
  name,
  promise,
  needs,
  check
})
