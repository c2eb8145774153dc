import { LogStorage, MemoryStorage } from "@varve/core"
import { Layer } from "effect"
import { conformance } from "../src/index.ts"

conformance("MemoryStorage", { storage: () => MemoryStorage.layer })

// One store that outlives its layers, so that the laws of reopening can be tried on it too.
conformance("MemoryStorage, kept", {
  storage: () => Layer.succeed(LogStorage, MemoryStorage.make()),
  reopen: true,
  only: ["A1 reopened", "D3 reopened", "C2 reopened", "model"]
})
