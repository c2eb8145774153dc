/** The laws as a vitest suite: one call in a test file proves a storage, or names the law that it breaks. */
import { afterAll, describe, test } from "vitest"
import { Broken } from "./Broken.ts"
import type { Law } from "./Law.ts"
import { checkLaw, explain, type LawOptions, lawsOf, unprovable, type Verdict } from "./checkLaws.ts"

/** What is proven, and how hard it is tried. */
export interface ConformanceOptions extends LawOptions {
  /** The longest that one law may take, in ms. 30 s by default. */
  readonly timeout?: number | undefined
}

/**
 * Registers a test per law, those for every storage first, then by what they need. A law that the storage doesn't
 * claim is skipped and says why.
 *
 * ```ts
 * conformance("my storage", { storage: () => MyStorage.layer({ directory: mkdtempSync("varve-") }), reopen: true })
 * ```
 */
export const conformance = (name: string, options: ConformanceOptions): void => {
  const laws = lawsOf(options)
  const groups = new Set(laws.map(groupOf))
  const timeout = options.timeout ?? 30_000
  const begun = new Set<string>()
  const verdicts: Array<Verdict> = []
  describe(name, () => {
    afterAll(() => console.log(`${name}: ${briefly(verdicts, begun, timeout)}`))
    for (const group of groups) {
      describe(group, () => {
        for (const law of laws) {
          if (groupOf(law) !== group) continue
          test(law.name, { timeout }, async (context) => {
            begun.add(law.name)
            const verdict = await checkLaw(law, options)
            // Too late: the test has failed.
            if (context.signal.aborted) return
            verdicts.push(verdict)
            if (verdict.outcome === "skipped") context.skip(verdict.reason)
            if (verdict.outcome === "broken") throw withoutStack(new Broken(explain(law, verdict)))
          })
        }
      })
    }
  })
}

const groupOf = ({ needs, withLog }: Law): string =>
  (needs.length === 0 ? "MUST" : `where there is ${needs.join(", ")}`) + (withLog ? ", with a log on it" : "")

/** What was proven, what was skipped and why, and what came to no end; broken laws tell themselves. */
export const briefly = (
  verdicts: ReadonlyArray<Verdict>,
  begun: ReadonlySet<string>,
  timeout: number
): string => {
  const of = (outcome: Verdict["outcome"]) => verdicts.filter((verdict) => verdict.outcome === outcome)
  const reasons = [...new Set(of("skipped").map(({ reason }) => reason))]
  const skipped = reasons.map((reason) => {
    const laws = of("skipped").filter((verdict) => verdict.reason === reason)
    return `\n  skipped as ${reason}: ${laws.map(({ law }) => law).join(", ")}`
  })
  const ended = new Set(verdicts.map(({ law }) => law))
  const unfinished = [...begun].filter((law) => !ended.has(law))
  const waiting =
    unfinished.length === 0
      ? ""
      : `\n  unfinished after ${timeout / 1_000} s, neither kept nor broken: ${unfinished.join(", ")}. Raise \`timeout\`, lower \`runs\`, or put the store in memory; a call that never answers looks the same`
  return `${of("kept").length} laws kept, ${of("broken").length} broken, ${of("skipped").length} skipped${unfinished.length === 0 ? "" : `, ${unfinished.length} unfinished`}${skipped.join("")}${waiting}\n  ${unprovable}`
}

/** The reader's storage is at fault, not a line of this kit. */
const withoutStack = (error: Broken): Broken => {
  error.stack = `${error.name}: ${error.message}`
  return error
}
