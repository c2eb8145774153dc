/** What records mean, format by format: records cut down from real ones, facts worked out by hand. */
import { describe, expect, it } from "vitest"
import { agentOf, interpret } from "../src/interpret.ts"

const facts = (type: Parameters<typeof interpret>[0], record: object) =>
  interpret(type, "e", JSON.stringify(record))

it("names each type's agent, and answers nothing for what is no record", () => {
  expect(agentOf("SweAgent")).toBe("swe-agent")
  expect(interpret("Codex", "e", "{")).toEqual([])
  expect(interpret("Codex", "e", "{}")).toEqual([])
})

describe("Claude Code", () => {
  const user = (content: unknown, more: object = {}) =>
    facts("ClaudeCode", { type: "user", message: { content }, ...more })

  it("a turn is what the user typed", () => {
    expect(user("Fix the test")).toEqual([{ turn: "e" }])
    expect(user([{ type: "image" }, { type: "text", text: "Like this" }])).toEqual([{ turn: "e" }])
    expect(user("<command-message>review</command-message>")).toEqual([{ turn: "e" }])
  })

  it.each([
    ["a tool's result", [{ type: "tool_result", content: "x" }], {}],
    ["a note of the program", "Caveat", { isMeta: true }],
    ["a summary of what was before", "This session is continued", { isCompactSummary: true }],
    ["a prompt to a subagent", "Search", { isSidechain: true }],
    ["a command to the program", "<command-name>/clear</command-name>", {}],
    ["its output", "<local-command-stdout></local-command-stdout>", {}],
    ["an interruption", [{ type: "text", text: "[Request interrupted by user]" }], {}],
    ["nothing", [], {}]
  ])("%s is no turn", (_, content, more) => {
    expect(user(content, more)).toEqual([])
  })

  const usage = {
    input_tokens: 3,
    cache_creation_input_tokens: 100,
    cache_read_input_tokens: 4000,
    output_tokens: 25
  }
  const content = [{ type: "text" }, { type: "tool_use", id: "t1", name: "Bash" }]
  const answer = [
    { model: "claude-opus-4-6" },
    { tool: "Bash", call: "t1" },
    { answer: "m1", tokens: { input: 103, output: 25, cached: 4000 } }
  ]

  it("an answer tells model, tools and tokens, keyed by the message that its lines share", () => {
    const message = { id: "m1", model: "claude-opus-4-6", content, usage }
    expect(facts("ClaudeCode", { type: "assistant", message })).toEqual(answer)
    const data = { type: "agent_progress", message: { type: "assistant", message } }
    expect(facts("ClaudeCode", { type: "progress", data })).toEqual(answer)
    expect(facts("ClaudeCode", { type: "progress", data: { type: "bash_progress" } })).toEqual([])
  })

  it("titles", () => {
    expect(facts("ClaudeCode", { type: "summary", summary: "Cache" })).toEqual([{ title: "Cache" }])
    expect(facts("ClaudeCode", { type: "custom-title", customTitle: "Mine" })).toEqual([{ title: "Mine" }])
  })
})

describe("Codex", () => {
  const item = (payload: object) => facts("Codex", { type: "response_item", payload })

  it("turns, models and tools", () => {
    expect(facts("Codex", { type: "event_msg", payload: { type: "user_message" } })).toEqual([{ turn: "e" }])
    expect(item({ type: "message", role: "user", content: [{ text: "# AGENTS.md" }] })).toEqual([])
    expect(facts("Codex", { type: "turn_context", payload: { model: "gpt-5.5" } })).toEqual([
      { model: "gpt-5.5" }
    ])
    expect(item({ type: "function_call", name: "exec_command", call_id: "c" })).toEqual([
      { tool: "exec_command", call: "c" }
    ])
    expect(item({ type: "custom_tool_call", name: "apply_patch", call_id: "c" })).toEqual([
      { tool: "apply_patch", call: "c" }
    ])
    expect(item({ type: "web_search_call", id: "ws" })).toEqual([{ tool: "web_search", call: "ws" }])
    expect(item({ type: "web_search_call" })).toEqual([{ tool: "web_search", call: "e" }])
  })

  it("tokens are the session's total so far, its last word counting", () => {
    const total_token_usage = { input_tokens: 19645, cached_input_tokens: 2432, output_tokens: 389 }
    expect(
      facts("Codex", { type: "event_msg", payload: { type: "token_count", info: { total_token_usage } } })
    ).toEqual([{ answer: "session", tokens: { input: 17213, output: 389, cached: 2432 } }])
    expect(facts("Codex", { type: "event_msg", payload: { type: "token_count", info: null } })).toEqual([])
  })

  it("before the envelope", () => {
    const message = (text: string) => ({
      type: "message",
      role: "user",
      content: [{ type: "input_text", text }]
    })
    expect(facts("Codex", message("Fix it"))).toEqual([{ turn: "e" }])
    expect(facts("Codex", message("<environment_context>"))).toEqual([])
  })
})

it("Copilot tells output by answer, and input when a run ends", () => {
  const copilot = (type: string, data: object) => facts("Copilot", { type, data })
  expect(copilot("user.message", { content: "x" })).toEqual([{ turn: "e" }])
  expect(copilot("tool.execution_start", { toolName: "bash", toolCallId: "c" })).toEqual([
    { tool: "bash", call: "c" }
  ])
  expect(copilot("assistant.message", { messageId: "m", model: "gpt-5.4-mini", outputTokens: 30 })).toEqual([
    { model: "gpt-5.4-mini" },
    { answer: "m", tokens: { input: 0, output: 30, cached: 0 } }
  ])
  const usage = { inputTokens: 15534, outputTokens: 30, cacheReadTokens: 14848 }
  expect(copilot("session.shutdown", { modelMetrics: { a: { usage }, b: { usage } } })).toEqual([
    { answer: "e", tokens: { input: 1372, output: 0, cached: 29696 } }
  ])
})

it("pi", () => {
  const message = (fields: object) => facts("Pi", { type: "message", message: fields })
  expect(message({ role: "user" })).toEqual([{ turn: "e" }])
  expect(message({ role: "toolResult" })).toEqual([])
  const content = [{ type: "toolCall", id: "t", name: "read" }]
  const usage = { input: 2775, output: 141, cacheRead: 10, cacheWrite: 5 }
  expect(message({ role: "assistant", model: "claude-opus-4-5", content, usage })).toEqual([
    { model: "claude-opus-4-5" },
    { tool: "read", call: "t" },
    { answer: "e", tokens: { input: 2780, output: 141, cached: 10 } }
  ])
  expect(facts("Pi", { type: "session_info", name: "Refactor" })).toEqual([{ title: "Refactor" }])
})

it("dsh", () => {
  const dsh = (type: string, data: object) => facts("Dsh", { type, seq: 1, data })
  expect(dsh("user/message", { id: "u", source: { kind: "user" } })).toEqual([{ turn: "u" }])
  expect(dsh("user/message", { id: "u", source: { kind: "plugin" } })).toEqual([])
  expect(dsh("tool/call", { name: "bash", callId: "c" })).toEqual([{ tool: "bash", call: "c" }])
  const message = { id: "m", source: { model: "deepseek-v4-flash" } }
  const usage = { inputTokens: 65, outputTokens: 872, cacheReadTokens: 5376, reasoningTokens: 30 }
  expect(dsh("assistant/message", { message, usage })).toEqual([
    { model: "deepseek-v4-flash" },
    { answer: "m", tokens: { input: 65, output: 872, cached: 5376 } }
  ])
  expect(dsh("session/title", { title: "Notes" })).toEqual([{ title: "Notes" }])
})

it("OpenCode", () => {
  expect(facts("OpenCode", { info: { id: "s", title: "Notes" }, messages: [] })).toEqual([{ title: "Notes" }])
  expect(facts("OpenCode", { info: { id: "m", role: "user" }, parts: [] })).toEqual([{ turn: "m" }])
  const tokens = { total: 34118, input: 9566, output: 220, reasoning: 268, cache: { write: 0, read: 24064 } }
  const parts = [{ type: "step-start" }, { type: "tool", tool: "bash", callID: "c" }]
  expect(
    facts("OpenCode", { info: { id: "m", role: "assistant", modelID: "gemini-3.1-pro", tokens }, parts })
  ).toEqual([
    { model: "gemini-3.1-pro" },
    { tool: "bash", call: "c" },
    { answer: "m", tokens: { input: 9566, output: 488, cached: 24064 } }
  ])
})

it("SWE-agent", () => {
  const info = { model_stats: { tokens_sent: 7141, tokens_received: 243 } }
  expect(facts("SweAgent", { trajectory: [], history: [], info })).toEqual([
    { turn: "problem" },
    { answer: "session", tokens: { input: 7141, output: 243, cached: 0 } }
  ])
  expect(facts("SweAgent", { action: "edit 1:1\nfoo\n", observation: "" })).toEqual([
    { tool: "edit", call: "e" }
  ])
  const call = { id: "c", function: { name: "find_file" } }
  expect(facts("SweAgent", { role: "assistant", action: "find_file x", tool_calls: [call] })).toEqual([
    { tool: "find_file", call: "c" }
  ])
  expect(facts("SweAgent", { role: "user", content: "x" })).toEqual([])
})
