import { LogStorage, MemoryStorage } from "@varve/core"
import { Layer } from "effect"
import { expect, test } from "vitest"
import { modelOptions } from "../src/faults.ts"
import { compareStorages, conformance, differential, faults, faulty, modelStorage } from "../src/index.ts"

// The model claims every capability, so that every law is tried on something that keeps it.
conformance("the reference model", { ...modelOptions, runs: 30 })

differential("MemoryStorage and the model answer one plan alike", {
  memory: { storage: () => MemoryStorage.layer },
  model: { storage: () => Layer.succeed(LogStorage, modelStorage()), reopen: true }
})

test("a storage that answers otherwise is named, with its calls and the seed", async () => {
  const wrong = faults.find((fault) => fault.name === "`toSeq` is exclusive")!
  const compared = compareStorages(
    { good: { storage: () => MemoryStorage.layer }, wrong: faulty(wrong) },
    { seed: 7 }
  )
  await expect(compared).rejects.toThrow(
    /wrong: the events of this query[^]*calls and answers of wrong[^]*append[^]*seed: 7/
  )
})
