import { MemoryStorage } from "@varve/core"
import { expect, test } from "vitest"
import { checkLaw } from "../src/checkLaws.ts"
import { orderingLaws } from "../src/laws/ordering.ts"

test.each(orderingLaws)("$name", async (law) => {
  const verdict = await checkLaw(law, { storage: () => MemoryStorage.layer })
  expect(verdict.outcome, `${verdict.reason}\n${verdict.counterexample} seed ${verdict.seed}`).toBe("kept")
})
