/** The laws as a vitest suite: one call in a test file proves a storage, or names the law that it breaks. */
import { afterAll, describe, test } from "vitest"
import { Broken } from "./Broken.ts"
import type { Law } from "./Law.ts"
import { checkLaw, explain, type LawOptions, lawsOf, type Verdict } from "./checkLaws.ts"

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
  const verdicts: Array<Verdict> = []
  describe(name, () => {
    afterAll(() => console.log(`${name}: ${briefly(verdicts)}`))
    for (const group of groups) {
      describe(group, () => {
        for (const law of laws) {
          if (groupOf(law) !== group) continue
          test(law.name, { timeout: options.timeout ?? 30_000 }, async (context) => {
            const verdict = await checkLaw(law, options)
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

/** What was proven, and what was skipped and why; broken laws tell themselves. */
const briefly = (verdicts: ReadonlyArray<Verdict>): string => {
  const of = (outcome: Verdict["outcome"]) => verdicts.filter((verdict) => verdict.outcome === outcome)
  const reasons = [...new Set(of("skipped").map(({ reason }) => reason))]
  const skipped = reasons.map((reason) => {
    const laws = of("skipped").filter((verdict) => verdict.reason === reason)
    return `\n  skipped as ${reason}: ${laws.map(({ law }) => law).join(", ")}`
  })
  return `${of("kept").length} laws kept, ${of("broken").length} broken, ${of("skipped").length} skipped${skipped.join("")}`
}

/** The reader's storage is at fault, not a line of this kit. */
const withoutStack = (error: Broken): Broken => {
  error.stack = `${error.name}: ${error.message}`
  return error
}
