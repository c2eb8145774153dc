/**
 * What records mean for the table of sessions. The log keeps records as they came; whoever folds them asks here.
 * Pure: text in, facts out. What a format changes tomorrow is read anew from the same log.
 */
import type { Fact, RecordType } from "./formats/Format.ts"
import { formats } from "./formats/formats.ts"
import { parseObject } from "./json.ts"

export type { Fact, RecordType, Tokens } from "./formats/Format.ts"

/** The name of the agent that writes records of this type. */
export const agentOf = (type: RecordType): string => formats[type].agent

/**
 * The facts that one event tells: often none. Cost: one `JSON.parse` of the record.
 *
 * @example
 * interpret("Pi", "e1", '{"type":"message","message":{"role":"user"}}')   // [{ turn: "e1" }]
 */
export const interpret = (type: RecordType, id: string, text: string): ReadonlyArray<Fact> => {
  const record = parseObject(text)
  return record === undefined ? [] : [...formats[type].facts(record, id)]
}
