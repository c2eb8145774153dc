/** Runs laws against a storage and says which it keeps, without any test runner. */
import * as fc from "fast-check"
import { Broken } from "./Broken.ts"
import type { Bench, Law, Need, Option } from "./Law.ts"
import { allLaws } from "./laws.ts"
import { Connection, type Recipe, type StorageLayer, Store } from "./Store.ts"

/** Which storage is held against the laws, and how hard it is tried. */
export interface LawOptions {
  /** Called for every store that is wanted: a layer over a fresh, empty one. */
  readonly storage: () => StorageLayer
  /** Building the same layer again, after it was closed, opens the same store. False by default. */
  readonly reopen?: boolean | undefined
  /** Building the same layer twice gives two writers on one store. False by default. */
  readonly secondWriter?: boolean | undefined
  /**
   * A fresh store that can crash: `crash` ends the life of what is open without closing it, and building `storage` again
   * opens what is left. {@link otherProcess} makes one that is killed; with `powerCut`, what wasn't synced may be gone.
   */
  readonly crash?: (() => Crashing) | undefined
  /** One fresh store, to be opened by two processes: a layer for each. {@link otherProcess} has one of a real other process. */
  readonly secondProcess?: (() => readonly [here: StorageLayer, there: StorageLayer]) | undefined
  /** How often a property is tried, 100 by default. */
  readonly runs?: number | undefined
  /** Repeats a run that failed: the report names its seed. */
  readonly seed?: number | undefined
  /** Only laws whose name is one of these or begins with its words: `["A7", "D3 for-ever"]`. Throws at one without a law. */
  readonly only?: ReadonlyArray<string> | undefined
}

/** A store that can crash. */
export interface Crashing {
  readonly storage: StorageLayer
  readonly crash: () => void | Promise<void>
  readonly powerCut?: boolean | undefined
}

/** What became of a law. */
export interface Verdict {
  readonly law: string
  readonly outcome: "kept" | "broken" | "skipped"
  /** Why it is broken or was skipped. */
  readonly reason?: string | undefined
  /** The calls that show it, shrunk to the fewest. */
  readonly counterexample?: string | undefined
  /** Give it as `seed` to see the same again. */
  readonly seed?: number | undefined
  /** How long it took, ms. */
  readonly ms: number
}

/** What became of each law, in the order in which they were tried. */
export type Report = ReadonlyArray<Verdict>

/** Every law in turn. Whatever a storage does, it doesn't reject: one that cannot be opened breaks every law. */
export const checkLaws = async (options: LawOptions): Promise<Report> => {
  const verdicts: Array<Verdict> = []
  for (const law of lawsOf(options)) verdicts.push(await checkLaw(law, options))
  return verdicts
}

/** The laws that the options ask for. */
export const lawsOf = ({ only }: Pick<LawOptions, "only">): ReadonlyArray<Law> => {
  if (only === undefined) return allLaws
  const isOf = (words: string) => (law: Law) => `${law.name} `.startsWith(`${words} `)
  const unknown = only.filter((words) => !allLaws.some(isOf(words)))
  if (unknown.length > 0)
    throw new Error(
      `No law is named, or begins with the words, ${unknown.map((words) => JSON.stringify(words)).join(", ")}`
    )
  return allLaws.filter((law) => only.some((words) => isOf(words)(law)))
}

export const checkLaw = async (law: Law, options: LawOptions): Promise<Verdict> => {
  const start = performance.now()
  const seed = options.seed ?? Math.floor(Math.random() * 0x7fffffff)
  const opened: Array<Store> = []
  const verdict = (rest: Omit<Verdict, "law" | "ms">): Verdict => ({
    law: law.name,
    ...rest,
    ms: performance.now() - start
  })
  try {
    const plain = (): Recipe => ({ storage: options.storage() })
    const first = law.needs.length === 0 ? undefined : await fresh(plain, opened)
    const missing = first && law.needs.find((need) => !has(need, first, options))
    if (missing !== undefined) return verdict({ outcome: "skipped", reason: reasonToSkip(missing) })
    const make = recipes(law, options) ?? plain
    await law.check(bench(options, make, seed, opened))
    return verdict({ outcome: "kept" })
  } catch (error) {
    const { message, history } = error instanceof Broken ? error : new Broken(crash(error))
    const last = opened.at(-1)?.history()
    return verdict({ outcome: "broken", reason: message, counterexample: history ?? last, seed })
  } finally {
    for (const store of opened) await store.close().catch(() => undefined)
  }
}

/** How stores are made for a law that needs them to be of a kind. */
const recipes = ({ needs }: Law, { crash, secondProcess }: LawOptions): (() => Recipe) | undefined => {
  if (needs.includes("crash")) return crash
  if (!needs.includes("secondProcess") || secondProcess === undefined) return undefined
  return () => {
    const [storage, elsewhere] = secondProcess()
    return { storage, elsewhere }
  }
}

const fresh = async (make: () => Recipe, opened: Array<Store>): Promise<Store> => {
  const store = new Store(await new Connection(make()).open())
  opened.push(store)
  return store
}

/** How long a counterexample is shrunk, ms: where a run starts processes, a verdict in time is worth more than the fewest calls. */
const shrinking = 5_000

const bench = (options: LawOptions, make: () => Recipe, seed: number, opened: Array<Store>): Bench => {
  let runs = 0
  return {
    reopens: options.reopen === true,
    store: () => fresh(make, opened),
    property: async (arbitrary, check, { fresh: freshEachRun = false, share = 1 } = {}) => {
      const shared = freshEachRun ? undefined : new Connection(make())
      if (shared !== undefined) opened.push(new Store(await shared.open()))
      let found = Infinity
      const property = fc.asyncProperty(arbitrary, async (value) => {
        if (performance.now() - found > shrinking) return
        const store = shared
          ? new Store(shared, `${runs++}/`)
          : new Store(await new Connection(make()).open())
        try {
          await check(store, value)
        } catch (error) {
          found = Math.min(found, performance.now())
          throw new Broken(error instanceof Broken ? error.message : crash(error), store.history())
        } finally {
          if (freshEachRun) await store.close()
        }
      })
      const numRuns = Math.max(1, Math.round((options.runs ?? 100) * share))
      const result = await fc.check(property, { seed, numRuns })
      if (!result.failed) return
      const error = result.errorInstance
      throw error instanceof Broken
        ? error
        : new Broken(`${String(error)}`, fc.stringify(result.counterexample))
    }
  }
}

const isOption = (need: Need): need is Option =>
  need === "reopen" || need === "secondWriter" || need === "crash" || need === "secondProcess"

const has = (need: Need, { service, supports }: Store, options: LawOptions): boolean => {
  if (isOption(need)) return options[need] !== undefined && options[need] !== false
  if (need === "appendSync") return service.appendSync !== undefined
  return need === "claims" ? !supports.sharedWriters : supports[need]
}

const reasonToSkip = (need: Need): string => {
  if (isOption(need)) return `the option ${need} isn't given`
  if (need === "appendSync") return "it has no appendSync"
  return need === "claims" ? "supports.sharedWriters is true" : `supports.${need} is false`
}

/** A mistake of a law, or something thrown that isn't a verdict: shown with its stack. */
const crash = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error)

/** A verdict as text: the law, its promise, what was found, the calls that show it, and how to see it again. */
export const explain = (law: Law, verdict: Verdict): string =>
  [
    `The law "${law.name}" is ${verdict.outcome}.`,
    `  It promises: ${law.promise}`,
    ...(verdict.reason === undefined ? [] : ["", `  ${verdict.reason}`]),
    ...(verdict.counterexample === undefined
      ? []
      : ["", "  The calls that show it, the fewest that were found:", verdict.counterexample]),
    ...(verdict.seed === undefined
      ? []
      : ["", `  To see it again: { only: ["${law.name}"], seed: ${verdict.seed} }`])
  ].join("\n")

/** What no run of this kit tells of a storage, whatever it kept. */
export const unprovable =
  "beyond this kit: writes and syncs that fail (A4, A5, A6), and power cuts, but for a `crash` with `powerCut`; see docs/laws.md"

/** A report as text: what was proven, what was skipped and why, and every broken law in full. */
export const summarise = (report: Report): string => {
  const of = (outcome: Verdict["outcome"]) => report.filter((verdict) => verdict.outcome === outcome)
  const broken = of("broken")
  return [
    `${of("kept").length} laws kept, ${broken.length} broken, ${of("skipped").length} skipped`,
    ...of("skipped").map((verdict) => `  skipped ${verdict.law}: ${verdict.reason}`),
    ...broken.map(
      (verdict) =>
        `\n${explain(
          allLaws.find((law) => law.name === verdict.law)!,
          verdict
        )}`
    ),
    `  ${unprovable}`
  ].join("\n")
}
