/**
 * DeepSeek harness (dsh) traces: a header, then events numbered by `seq`, runs of chunks packed into one line under
 * their first number (`seq0`). A trace is one file. Its session id does not tell traces apart: recorded ones have it
 * templated (`{{sessionId}}`) or fixed, and in `dsh-sessions` 125 traces share 68 ids. So the file is the stream.
 */
import { countOf, isObject, objectOf, textOf } from "../json.ts"
import type { LineFormat } from "./Format.ts"

export const Dsh: LineFormat = {
  layout: "lines",
  type: "Dsh",
  agent: "dsh",
  recognizes: (record) =>
    (record["type"] === "session" && typeof record["createdAt"] === "number") ||
    (typeof (record["seq"] ?? record["seq0"]) === "number" &&
      typeof record["type"] === "string" &&
      isObject(record["data"])),
  id: (record) => record["seq"] ?? record["seq0"],
  time: (record) => record["time"] ?? record["time0"] ?? record["createdAt"],
  *facts(record, id) {
    const data = objectOf(record["data"])
    switch (record["type"]) {
      case "session/title":
        yield { title: textOf(data["title"]) }
        break
      case "user/message":
        if (objectOf(data["source"])["kind"] === "user") yield { turn: textOf(data["id"]) || id }
        break
      case "tool/call":
        yield { tool: textOf(data["name"]), call: textOf(data["callId"]) || id }
        break
      case "tool/code-dispatch-start":
        yield { tool: textOf(data["name"]), call: textOf(data["subCallId"]) || id }
        break
      case "assistant/message":
      case "compaction/summary": {
        const message = objectOf(data["message"])
        const model = objectOf(message["source"])["model"] ?? data["model"]
        if (typeof model === "string") yield { model }
        const usage = objectOf(data["usage"])
        yield {
          answer: textOf(message["id"]) || id,
          tokens: {
            input: countOf(usage["inputTokens"]) + countOf(usage["cacheWriteTokens"]),
            output: countOf(usage["outputTokens"]),
            cached: countOf(usage["cacheReadTokens"])
          }
        }
        break
      }
    }
  }
}
