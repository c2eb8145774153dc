/**
 * GitHub Copilot CLI, `~/.copilot/session-state/<session>/events.jsonl`: events with id, parentId, timestamp and data.
 * Answers tell only what they wrote; what they read is told per run of the program when it shuts down (measured: the
 * outputs add up to the same there), a resumed session having one shutdown for each run.
 */
import { countOf, objectOf, textOf } from "../json.ts"
import type { LineFormat } from "./Format.ts"

export const Copilot: LineFormat = {
  layout: "lines",
  type: "Copilot",
  agent: "copilot",
  recognizes: (record) =>
    typeof record["id"] === "string" &&
    typeof record["type"] === "string" &&
    typeof record["timestamp"] === "string" &&
    "parentId" in record &&
    "data" in record,
  session: (record) =>
    record["type"] === "session.start" ? objectOf(record["data"])["sessionId"] : undefined,
  id: (record) => record["id"],
  time: (record) => record["timestamp"],
  *facts(record, id) {
    const data = objectOf(record["data"])
    switch (record["type"]) {
      case "user.message":
        yield { turn: id }
        break
      case "tool.execution_start":
        yield { tool: textOf(data["toolName"]), call: textOf(data["toolCallId"]) || id }
        break
      case "assistant.message":
        if (typeof data["model"] === "string") yield { model: data["model"] }
        yield {
          answer: textOf(data["messageId"]) || id,
          tokens: { input: 0, output: countOf(data["outputTokens"]), cached: 0 }
        }
        break
      case "session.shutdown": {
        let [input, cached] = [0, 0]
        for (const metric of Object.values(objectOf(data["modelMetrics"]))) {
          const usage = objectOf(objectOf(metric)["usage"])
          input += countOf(usage["inputTokens"]) - countOf(usage["cacheReadTokens"])
          cached += countOf(usage["cacheReadTokens"])
        }
        yield { answer: id, tokens: { input, output: 0, cached } }
        break
      }
    }
  }
}
