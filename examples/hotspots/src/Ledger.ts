/** What an agent's sessions are made of: twelve kinds of events, most bytes in what tools answer. */
import { EventSet, event, type PromiseLog } from "@varve/core"
import { Schema } from "effect"

const { Number, String } = Schema

export class Ledger extends EventSet.make({
  SessionStarted: event({ project: String, model: String }, { barrier: true }),
  PromptSubmitted: event({ text: String }, { barrier: true }),
  ThoughtAdded: { text: String },
  MessageChunk: { messageId: String, text: String },
  ToolCalled: { callId: String, tool: String, input: String },
  ToolReturned: { callId: String, tool: String, output: String, ms: Number },
  FileRead: { path: String, bytes: Number },
  FileEdited: { path: String, diff: String },
  CommandRun: { command: String, exitCode: Number, output: String },
  UsageReported: { tool: String, inputTokens: Number, outputTokens: Number },
  WarningShown: { text: String },
  TurnEnded: event({ reason: String }, { durability: "synced" })
}) {}

export type LedgerLog = PromiseLog<typeof Ledger>
