// The testkit as an adapter's author gets it: from the packed package, under their own vitest.
import * as testkit from "@varve/testkit"
import { expect, test } from "vitest"

test("the packed testkit loads", () => {
  expect(Object.keys(testkit)).not.toEqual([])
})
