/**
 * The laws of a Varve storage as a test suite. `conformance` runs them under vitest, `checkLaws` under anything else;
 * generators, the reference model and planted faults serve tests of your own.
 */
export { coalescingLaws, type CoalescingLawOptions } from "./coalescingLaws.ts"
export { type Compared, compareStorages, differential, modelTest } from "./differential.ts"
export { conformance, type ConformanceOptions } from "./conformance.ts"
export {
  checkLaws,
  type Crashing,
  explain,
  type LawOptions,
  type Report,
  summarise,
  type Verdict
} from "./checkLaws.ts"
export { type Choose, chooseBy } from "./disk/Choose.ts"
export type { DiskCall, DiskFault } from "./disk/DiskFault.ts"
export type { DiskStats } from "./disk/DiskStats.ts"
export { type Crash, SimulatedDisk, type SimulatedDiskOptions } from "./disk/SimulatedDisk.ts"
export { Crashed, type DiskStep } from "./disk/Steps.ts"
export { type Fault } from "./faults/Fault.ts"
export { faults, faulty } from "./faults.ts"
export * as generators from "./generators.ts"
export type { Law, Need, Option } from "./Law.ts"
export { linearizable, type Operation } from "./linearizable.ts"
export { allLaws } from "./laws.ts"
export { modelLayer, modelStorage } from "./modelStorage.ts"
export { otherProcess, type OtherProcess, type OtherProcessOptions } from "./process/otherProcess.ts"
export { projectionChecks, projectionLaws, type ProjectionLawOptions } from "./projectionLaws.ts"
export { type Trouble, type Troubled, troubled } from "./troubled.ts"
export { rows as admissionTable, type Row as AdmissionRow } from "./admissionTable.ts"
