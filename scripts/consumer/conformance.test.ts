// The testkit as an adapter's author gets it: from the packed package, under their own vitest.
import { MemoryStorage } from "@varve/core"
import { conformance } from "@varve/testkit"

conformance("memory, packed", { storage: () => MemoryStorage.layer, runs: 20 })
