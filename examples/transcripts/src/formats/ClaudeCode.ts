/**
 * Claude Code, `~/.claude/projects/<project>/<session>.jsonl`. One answer of the model spans several lines, one a
 * content block, which share `message.id` and repeat its usage, the last with the final numbers. Copies of history
 * (resume, compaction) keep their uuid. One file may hold several sessions: a resumed session goes on under a new id
 * in the file of the old one. Snapshots of file history don't name their session, and are often the first line.
 */
import { countOf, objectOf, objectsOf, textOf, type Json } from "../json.ts"
import type { Fact, LineFormat } from "./Format.ts"

export const ClaudeCode: LineFormat = {
  layout: "lines",
  type: "ClaudeCode",
  agent: "claude-code",
  recognizes: (record) =>
    (typeof record["sessionId"] === "string" &&
      (typeof record["uuid"] === "string" || record["type"] === "queue-operation")) ||
    (record["type"] === "file-history-snapshot" && "snapshot" in record) ||
    (record["type"] === "summary" && "leafUuid" in record),
  session: (record) => record["sessionId"],
  id: (record) => record["uuid"],
  // An update of a snapshot carries the time of the snapshot that it updates, so it has none of its own.
  time: (record) =>
    record["timestamp"] ??
    (record["isSnapshotUpdate"] === false ? objectOf(record["snapshot"])["timestamp"] : undefined),
  *facts(record, id) {
    switch (record["type"]) {
      case "user":
        if (isPrompt(record)) yield { turn: id }
        break
      case "assistant":
        yield* answerFacts(objectOf(record["message"]), id)
        break
      case "progress": {
        // Subagents report through their parent: their answers are paid for, too.
        const { type, message } = objectOf(objectOf(record["data"])["message"])
        if (type === "assistant") yield* answerFacts(objectOf(message), id)
        break
      }
      case "summary":
      case "ai-title":
      case "custom-title": {
        const title = textOf(record["summary"] ?? record["aiTitle"] ?? record["customTitle"])
        if (title !== "") yield { title }
      }
    }
  }
}

/** What the user typed, as against tool results, notes that the program inserts, commands to the program itself. */
const isPrompt = (record: Json): boolean => {
  if (record["isSidechain"] === true || record["isMeta"] === true || record["isCompactSummary"] === true)
    return false
  const { content } = objectOf(record["message"])
  const blocks = typeof content === "string" ? [{ type: "text", text: content }] : objectsOf(content)
  if (blocks.length === 0 || blocks.some((block) => block["type"] === "tool_result")) return false
  const text = textOf(blocks.find((block) => block["type"] === "text")?.["text"])
  return !/^\s*(<(local-command|command-name|bash|task-notification|system-reminder)|\[Request interrupted)/.test(
    text
  )
}

function* answerFacts(message: Json, id: string): Generator<Fact> {
  const model = textOf(message["model"])
  if (model !== "" && model !== "<synthetic>") yield { model }
  for (const block of objectsOf(message["content"])) {
    if (block["type"] === "tool_use") yield { tool: textOf(block["name"]), call: textOf(block["id"]) || id }
  }
  const usage = objectOf(message["usage"])
  if (usage["output_tokens"] === undefined) return
  yield {
    answer: textOf(message["id"]) || id,
    tokens: {
      input: countOf(usage["input_tokens"]) + countOf(usage["cache_creation_input_tokens"]),
      output: countOf(usage["output_tokens"]),
      cached: countOf(usage["cache_read_input_tokens"])
    }
  }
}
