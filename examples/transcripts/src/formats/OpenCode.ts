/**
 * OpenCode exports: one pretty-printed document of `info` and `messages`, whatever the file is called. OpenCode
 * rewrites its messages (a tool that runs, then its result; the tokens at the end), so a message's id names something
 * that changes. An event here is a state of a message: its id is derived, and the facts are keyed by the message.
 */
import { countOf, objectOf, objectsOf, textOf } from "../json.ts"
import type { DocumentFormat } from "./Format.ts"

export const OpenCode: DocumentFormat = {
  layout: "document",
  type: "OpenCode",
  agent: "opencode",
  list: (outline) => (outline.get("info")?.has("id") && outline.has("messages") ? "messages" : undefined),
  session: (record) => objectOf(record["info"])["sessionID"] ?? objectOf(record["info"])["id"],
  time: (record) => objectOf(objectOf(record["info"])["time"])["created"],
  *facts(record, id) {
    const info = objectOf(record["info"])
    if ("messages" in record) {
      yield { title: textOf(info["title"]) }
      return
    }
    const message = textOf(info["id"]) || id
    if (info["role"] === "user") yield { turn: message }
    if (info["role"] !== "assistant") return
    if (typeof info["modelID"] === "string") yield { model: info["modelID"] }
    for (const part of objectsOf(record["parts"])) {
      if (part["type"] === "tool")
        yield { tool: textOf(part["tool"]), call: textOf(part["callID"]) || textOf(part["id"]) }
    }
    const tokens = objectOf(info["tokens"])
    const cache = objectOf(tokens["cache"])
    yield {
      answer: message,
      tokens: {
        input: countOf(tokens["input"]) + countOf(cache["write"]),
        output: countOf(tokens["output"]) + countOf(tokens["reasoning"]),
        cached: countOf(cache["read"])
      }
    }
  }
}
