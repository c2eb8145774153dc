/**
 * Codex rollouts, `~/.codex/sessions/<yyyy>/<mm>/<dd>/rollout-*.jsonl`: an envelope of timestamp, type and payload.
 * Records have no ids (a payload's `id` names an item of the conversation). A fork begins with its own `session_meta`
 * and then copies its parent's history, that of its parent's `session_meta` included; so the first one holds.
 * Before September 2025 there was no envelope, and the first line was the bare header.
 */
import { countOf, objectOf, objectsOf, textOf, type Json } from "../json.ts"
import type { LineFormat } from "./Format.ts"

export const Codex: LineFormat = {
  layout: "lines",
  type: "Codex",
  agent: "codex",
  recognizes: (record) =>
    typeof record["timestamp"] === "string" &&
    ((typeof record["type"] === "string" && "payload" in record) || isBareHeader(record)),
  session: (record) =>
    record["type"] === "session_meta"
      ? objectOf(record["payload"])["id"]
      : isBareHeader(record)
        ? record["id"]
        : undefined,
  oneSession: true,
  time: (record) => record["timestamp"],
  *facts(record, id) {
    const item = "payload" in record ? objectOf(record["payload"]) : record
    const call = textOf(item["call_id"]) || textOf(item["id"]) || id
    switch (item["type"]) {
      case "user_message":
        yield { turn: id }
        break
      case "message":
        if (item === record && isPrompt(record)) yield { turn: id }
        break
      case "function_call":
      case "custom_tool_call":
        yield { tool: textOf(item["name"]), call }
        break
      case "local_shell_call":
      case "web_search_call":
      case "tool_search_call":
        yield { tool: textOf(item["type"]).slice(0, -"_call".length), call }
        break
      case "token_count": {
        // The same numbers are often told twice, so the session's total is the sum that counts each answer once.
        const total = objectOf(objectOf(item["info"])["total_token_usage"])
        const cached = countOf(total["cached_input_tokens"])
        const input = countOf(total["input_tokens"]) - cached
        if (total["output_tokens"] === undefined) break
        yield { answer: "session", tokens: { input, output: countOf(total["output_tokens"]), cached } }
        break
      }
    }
    if (record["type"] === "turn_context" && typeof item["model"] === "string") yield { model: item["model"] }
  }
}

const isBareHeader = (record: Json): boolean =>
  record["type"] === undefined && typeof record["id"] === "string" && "instructions" in record

/** Without an envelope the prompts stand among instructions and context in tags that the program inserts. */
const isPrompt = (message: Json): boolean =>
  message["role"] === "user" && !textOf(objectsOf(message["content"])[0]?.["text"]).startsWith("<")
