/**
 * SWE-agent trajectories, `*.traj`: one document of `trajectory` (the steps) and `history` (the same as the model saw
 * it, which stays in the header). Demonstrations may have the history only; then its messages are the records.
 * Neither sessions, nor ids, nor times: the file is the stream, and the file's time is the records' time.
 */
import { countOf, objectOf, objectsOf, textOf } from "../json.ts"
import type { DocumentFormat } from "./Format.ts"

export const SweAgent: DocumentFormat = {
  layout: "document",
  type: "SweAgent",
  agent: "swe-agent",
  list: (outline) => {
    if (outline.get("trajectory")?.has("action") && outline.get("trajectory")?.has("observation"))
      return "trajectory"
    const message = outline.get("history")
    return message?.has("role") && message.has("agent") ? "history" : undefined
  },
  *facts(record, id) {
    if ("trajectory" in record || "history" in record) {
      yield { turn: "problem" } // one task a run
      const stats = objectOf(objectOf(record["info"])["model_stats"])
      const [input, output] = [countOf(stats["tokens_sent"]), countOf(stats["tokens_received"])]
      yield { answer: "session", tokens: { input, output, cached: 0 } }
      return
    }
    const calls = objectsOf(record["tool_calls"])
    for (const call of calls) {
      yield { tool: textOf(objectOf(call["function"])["name"]), call: textOf(call["id"]) || id }
    }
    // A step's action is a command line; its first word is the tool.
    const tool = /\S+/.exec(textOf(record["action"]))?.[0]
    if (calls.length === 0 && tool !== undefined) yield { tool, call: id }
  }
}
