/**
 * pi, `~/.pi/agent/sessions/<project>/<time>_<session>.jsonl`: a header and then entries, since version 2 with ids of
 * their own. A branched session copies history under its own, newer header.
 */
import { countOf, objectOf, objectsOf, textOf } from "../json.ts"
import type { LineFormat } from "./Format.ts"

export const Pi: LineFormat = {
  layout: "lines",
  type: "Pi",
  agent: "pi",
  recognizes: (record) =>
    typeof record["timestamp"] === "string" &&
    ((record["type"] === "session" && typeof record["id"] === "string" && "cwd" in record) ||
      (record["type"] === "message" && typeof objectOf(record["message"])["role"] === "string")),
  session: (record) => (record["type"] === "session" ? record["id"] : undefined),
  id: (record) => record["id"],
  time: (record) => record["timestamp"],
  *facts(record, id) {
    if (record["type"] === "session_info" && typeof record["name"] === "string")
      yield { title: record["name"] }
    if (record["type"] !== "message") return
    const message = objectOf(record["message"])
    if (message["role"] === "user") yield { turn: id }
    if (message["role"] !== "assistant") return
    if (typeof message["model"] === "string") yield { model: message["model"] }
    for (const block of objectsOf(message["content"])) {
      if (block["type"] === "toolCall") yield { tool: textOf(block["name"]), call: textOf(block["id"]) || id }
    }
    const usage = objectOf(message["usage"])
    yield {
      answer: id,
      tokens: {
        input: countOf(usage["input"]) + countOf(usage["cacheWrite"]),
        output: countOf(usage["output"]),
        cached: countOf(usage["cacheRead"])
      }
    }
  }
}
