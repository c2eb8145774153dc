/** One plan on several storages: every answer of each is compared with the reference model's, and so with the others'. */
import type { Supports } from "@varve/core"
import * as fc from "fast-check"
import { test } from "vitest"
import { Broken } from "./Broken.ts"
import type { ConformanceOptions } from "./conformance.ts"
import { plan, runPlan } from "./Plan.ts"
import { Connection, type StorageLayer, Store } from "./Store.ts"

/** A storage to compare. */
export interface Compared {
  /** Called for every plan: a layer over a fresh, empty store. */
  readonly storage: () => StorageLayer
  /** Building the same layer again, after it was closed, opens the same store. False by default. */
  readonly reopen?: boolean | undefined
}

/**
 * Registers a test that runs plans (appends, labels, queries, snapshots, removals, reopenings) on all storages at once.
 * What one of them can't do (`supports`) is in no plan. Epoch ids and clock times are not compared.
 *
 * ```ts
 * differential("memory and mine", {
 *   memory: { storage: () => MemoryStorage.layer },
 *   mine: { storage: () => MyStorage.layer({ directory: mkdtempSync("varve-") }), reopen: true }
 * })
 * ```
 */
export const differential = (
  name: string,
  storages: Readonly<Record<string, Compared>>,
  options: Pick<ConformanceOptions, "runs" | "seed" | "timeout"> = {}
): void => {
  test(name, { timeout: options.timeout ?? 60_000 }, () => compareStorages(storages, options))
}

/** The same for one storage, against the model alone. `conformance` holds it as the law "model every-answer". */
export const modelTest = (name: string, { storage, reopen, ...options }: ConformanceOptions): void =>
  differential(name, { storage: { storage, reopen } }, options)

/** The comparison without a test runner. Rejects with the shrunk plan, each storage's calls and answers, and the seed. */
export const compareStorages = async (
  storages: Readonly<Record<string, Compared>>,
  {
    runs = 100,
    seed = Math.floor(Math.random() * 0x7fffffff)
  }: Pick<ConformanceOptions, "runs" | "seed"> = {}
): Promise<void> => {
  const supports = await commonSupports(storages)
  const reopen = Object.values(storages).some((one) => one.reopen === true)
  const property = fc.asyncProperty(plan({ supports, reopen }), (commands) =>
    withStores(storages, async (stores) => {
      await runPlan(commands, stores, (name) => storages[name]?.reopen === true).catch((error: unknown) => {
        const calls = Object.entries(stores).map(
          ([name, store]) => `  The calls and answers of ${name}:\n${store.history()}`
        )
        throw new Broken(`${error instanceof Error ? error.message : String(error)}\n\n${calls.join("\n\n")}`)
      })
    })
  )
  const result = await fc.check(property, { numRuns: runs, seed })
  if (!result.failed) return
  const found = result.errorInstance
  throw new Broken(
    `A storage answers otherwise than the model.\n\n  ${found instanceof Error ? found.message : String(found)}\n\n  To see it again: { seed: ${seed} }`
  )
}

/** Opens a fresh store of each storage, and closes all of them. */
const withStores = async <A>(
  storages: Readonly<Record<string, Compared>>,
  use: (stores: Readonly<Record<string, Store>>) => Promise<A>
): Promise<A> => {
  const stores: Record<string, Store> = {}
  try {
    for (const [name, { storage }] of Object.entries(storages))
      stores[name] = new Store(await new Connection({ storage: storage() }).open())
    return await use(stores)
  } finally {
    for (const store of Object.values(stores)) await store.close()
  }
}

const commonSupports = (storages: Readonly<Record<string, Compared>>): Promise<Pick<Supports, "reverse">> =>
  withStores(storages, async (stores) => ({
    reverse: Object.values(stores).every((store) => store.supports.reverse)
  }))
