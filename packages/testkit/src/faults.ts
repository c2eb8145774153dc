/** Every planted fault: at least one for each law. */
import { MemoryStorage } from "@varve/core"
import type { LawOptions } from "./checkLaws.ts"
import { appendFaults } from "./faults/append.ts"
import { cursorFaults } from "./faults/cursors.ts"
import { dedupFaults } from "./faults/dedup.ts"
import type { Fault } from "./faults/Fault.ts"
import { headFaults } from "./faults/heads.ts"
import { crashFaults } from "./faults/crash.ts"
import { nameFaults } from "./faults/names.ts"
import { queryFaults } from "./faults/query.ts"
import { refusalFaults } from "./faults/refusals.ts"
import { processFaults } from "./faults/processes.ts"
import { removeFaults } from "./faults/remove.ts"
import { snapshotFaults } from "./faults/snapshots.ts"
import { writerFaults } from "./faults/writers.ts"
import { planted } from "./faults/planted.ts"
import { modelStorage } from "./modelStorage.ts"

/** Storages with one mistake each, which a test of a storage, or of an application, should notice. */
export const faults: ReadonlyArray<Fault> = [
  ...appendFaults,
  ...refusalFaults,
  ...headFaults,
  ...dedupFaults,
  ...queryFaults,
  ...cursorFaults,
  ...snapshotFaults,
  ...removeFaults,
  ...nameFaults,
  ...writerFaults,
  ...processFaults,
  ...crashFaults
]

/** The storage with a fault planted, ready for the laws. Checking the law that it breaks must find it broken. */
export const faulty = (fault: Fault): LawOptions =>
  planted(fault.in === "memory" ? MemoryStorage.make : modelStorage, fault.plant)

/** The reference model with all that an author can give. It keeps every law. */
export const modelOptions: LawOptions = planted(modelStorage, (storage) => storage)
