/**
 * An event-sourced log for session-shaped data. Start with `EventSet.make` and `Varve.open` (promises) or
 * `Varve.Service` (Effect); write a storage against `LogStorage`, with `MemoryStorage` to copy.
 */
export { type Admitted, admit, advance, type KnownEvent, sameContent, type StreamState } from "./Admission.ts"
export * as Channel from "./Channel.ts"
export {
  type Cursor,
  type Epoch,
  epochAt,
  isCursor,
  makeEpoch,
  type Resync,
  type ResyncReason,
  resyncOf,
  sameCursor
} from "./Cursor.ts"
export * from "./Errors.ts"
export { EventDefinition, event, type Policy } from "./EventDefinition.ts"
export type { AllStreamsQuery } from "./AllStreams.ts"
export type { Copied, CopyOptions } from "./Copy.ts"
export { type Decided, type DecideOptions, decision, WrongDecision } from "./Decision.ts"
export * as EventId from "./EventId.ts"
export * as EventSet from "./EventSet.ts"
export { sameJson } from "./Json.ts"
export {
  cursorOf,
  type LogEvent,
  type Meta,
  type NewEvent,
  type Unrecognized,
  type UnrecognizedData
} from "./LogEvent.ts"
export type { Folded } from "./Folding.ts"
export type { Failure, Notification } from "./Listeners.ts"
export * as LiveSet from "./LiveSet.ts"
export type {
  Attention,
  AttentionBegan,
  AttentionItem,
  CannotGoOn,
  CaughtUp,
  Events as FollowedEvents,
  FollowItem,
  FollowOptions,
  Lagged,
  LiveSource,
  VolatileEvents
} from "./LiveSource.ts"
export type { Log, LogOptions } from "./Log.ts"
export type {
  Batch as LogBatch,
  ByStreamQuery,
  Query as LogQuery,
  ReadOptions,
  StreamAnswer
} from "./LogQuery.ts"
export {
  type Appended,
  type Batch,
  type Claimed,
  type Counters,
  type Durability,
  type EncodedEvent,
  type EventContent,
  type Failed,
  type Group,
  type Head,
  type Limits,
  LogStorage,
  type Outcome,
  type Progress,
  type Query,
  type Refused,
  type Selection,
  type StorageService,
  type StoredEvent,
  type StoredSnapshot,
  type Supports
} from "./LogStorage.ts"
export * as MemoryStorage from "./MemoryStorage.ts"
export { fromPromises, type PromiseStorage, type QueryStorage, type RangeStorage } from "./PromiseStorage.ts"
export * as Projection from "./Projection.ts"
export { compareNames, limits as nameLimits, nameProblem } from "./Name.ts"
export {
  defaultBatchEvents,
  hasAttributes,
  matches,
  scan,
  selector,
  type Source,
  type Target,
  targets
} from "./Scan.ts"
export type { MovesOptions } from "./Moves.ts"
export type { AppendOptions, Receipt } from "./Receipt.ts"
export * as Remote from "./Remote.ts"
export * as Rows from "./Rows.ts"
export type { Selected } from "./Select.ts"
export { allStreams, snapshotCheck } from "./Snapshot.ts"
export type { SnapshotFailure } from "./SnapshotWriter.ts"
export type { StatesOptions, StatesQuery, StatesSelection } from "./States.ts"
export * as StreamId from "./StreamId.ts"
export { nextTurn, TurnBudget } from "./TurnBudget.ts"
export type { PromiseLog, PromiseStreamAnswer } from "./Varve.ts"
export * as Varve from "./Varve.ts"
export type { Problem, Repair, Verification } from "./Verification.ts"
export type { View, ViewSnapshot, ViewStatus } from "./View.ts"
export type { AllSnapshot, ShownStream, ViewAll } from "./ViewAll.ts"
export type { WriterOptions } from "./Writer.ts"
