/**
 * A made-up home for when there is no other: a few sessions as Claude Code and Codex would have written them, the same
 * bytes each time. One is long and streamed: 3,000 events, most of them the progress of a command, 100 ms apart.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"

/** Writes the sample below this folder. Cost: about 3 MB. */
export const sample = (folder: string): void => {
  const random = randomFrom(20260101)
  const write = (name: string, records: Iterable<object>): void => {
    const path = join(folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, Array.from(records, (record) => `${JSON.stringify(record)}\n`).join(""))
  }
  for (const [turns, progress] of [
    [2, 0],
    [5, 3],
    [25, 27]
  ] as const) {
    const session = uuid(random)
    write(`claude-code/${session}.jsonl`, claudeSession(session, turns, progress, random))
  }
  for (const turns of [3, 8]) {
    const session = uuid(random)
    write(`codex/rollout-${session}.jsonl`, codexSession(session, turns, random))
  }
}

const start = Date.UTC(2026, 0, 5, 9)
const tasks = [
  "Find the failing test",
  "Rename the module",
  "Explain the cache",
  "Add a flag",
  "Speed up the query"
]
const tools = ["Read", "Grep", "Edit", "Bash"]
const stepsInTurn = 4

function* claudeSession(session: string, turns: number, progress: number, random: Random): Generator<object> {
  let at = start
  let parentUuid: string | null = null
  const common = {
    isSidechain: false,
    cwd: "/home/sam/shop",
    sessionId: session,
    version: "2.1.50",
    gitBranch: "main"
  }
  const event = (type: string, ms: number, fields: object): object => {
    at += ms
    const record = { parentUuid, ...common, type, ...fields, uuid: uuid(random), timestamp: iso(at) }
    parentUuid = record.uuid
    return record
  }
  const answer = (id: string, output: number, block: object): object => {
    const usage = {
      input_tokens: 4,
      cache_creation_input_tokens: 900,
      cache_read_input_tokens: 21_000,
      output_tokens: output
    }
    const message = { id, role: "assistant", model: "claude-opus-4-6", content: [block], usage }
    return event("assistant", 700, { message, requestId: `req_${id.slice(4)}` })
  }
  const messageId = uuid(random)
  const snapshot = { messageId, trackedFileBackups: {}, timestamp: iso(at) }
  yield { type: "file-history-snapshot", messageId, snapshot, isSnapshotUpdate: false }
  for (let turn = 0; turn < turns; turn++) {
    yield event("user", 20_000, {
      message: { role: "user", content: `${pick(tasks, random)}, part ${turn + 1}.` }
    })
    for (let step = 0; step < stepsInTurn; step++) {
      const id = `msg_${hex(random, 24)}`
      const call = `toolu_${hex(random, 24)}`
      yield answer(id, 2, { type: "text", text: words(12, random) })
      yield answer(id, 120, {
        type: "tool_use",
        id: call,
        name: pick(tools, random),
        input: { text: words(4, random) }
      })
      let output = ""
      for (let tick = 0; tick < progress; tick++) {
        output += `${words(10, random)}\n`
        const data = { type: "bash_progress", output, elapsedTimeSeconds: tick / 10 }
        yield event("progress", 100, { data, toolUseID: call })
      }
      const content = [{ type: "tool_result", tool_use_id: call, content: output || words(40, random) }]
      yield event("user", 300, { message: { role: "user", content } })
    }
    yield answer(`msg_${hex(random, 24)}`, 240, { type: "text", text: words(60, random) })
  }
}

function* codexSession(session: string, turns: number, random: Random): Generator<object> {
  let at = start
  const record = (type: string, ms: number, payload: object): object => ({
    timestamp: iso((at += ms)),
    type,
    payload
  })
  const item = (ms: number, payload: object): object => record("response_item", ms, payload)
  const total = { input_tokens: 0, cached_input_tokens: 0, output_tokens: 0 }
  const git = { branch: "main" }
  yield record("session_meta", 0, {
    id: session,
    timestamp: iso(at),
    cwd: "/home/sam/shop",
    originator: "codex_cli",
    git
  })
  for (let turn = 0; turn < turns; turn++) {
    yield record("turn_context", 30_000, {
      cwd: "/home/sam/shop",
      model: "gpt-5.5",
      approval_policy: "never"
    })
    yield record("event_msg", 1, {
      type: "user_message",
      message: `${pick(tasks, random)}, part ${turn + 1}.`
    })
    for (let step = 0; step < stepsInTurn; step++) {
      const call_id = `call_${hex(random, 24)}`
      const cmd = JSON.stringify({ cmd: `rg ${words(1, random)}` })
      yield item(900, { type: "reasoning", summary: [] })
      yield item(5, { type: "function_call", name: "exec_command", arguments: cmd, call_id })
      yield item(400, { type: "function_call_output", call_id, output: words(80, random) })
      total.input_tokens += 9_000
      total.cached_input_tokens += 8_000
      total.output_tokens += 150
      yield record("event_msg", 2, { type: "token_count", info: { total_token_usage: { ...total } } })
    }
    const content = [{ type: "output_text", text: words(60, random) }]
    yield item(1_200, { type: "message", role: "assistant", content })
  }
}

type Random = () => number

/** A linear congruential generator: numbers in [0, 1), the same from the same seed. */
const randomFrom = (seed: number): Random => {
  let state = seed
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
}

const pick = (from: ReadonlyArray<string>, random: Random): string =>
  from[Math.floor(random() * from.length)]!
const vocabulary =
  "the test cache query reads one row and then waits for its turn because order is kept".split(" ")
const words = (count: number, random: Random): string =>
  Array.from({ length: count }, () => pick(vocabulary, random)).join(" ")
const hex = (random: Random, length: number): string =>
  Array.from({ length }, () => Math.floor(random() * 16).toString(16)).join("")
const uuid = (random: Random): string => [8, 4, 4, 4, 12].map((length) => hex(random, length)).join("-")
const iso = (at: number): string => new Date(at).toISOString()
