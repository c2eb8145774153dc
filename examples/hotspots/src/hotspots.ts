/** Where a session's time and tokens go, by tool: all sessions in one pass, whatever their number. */
import type { Progress } from "@varve/core"
import type { LedgerLog } from "./Ledger.ts"

export interface Spent {
  readonly calls: number
  readonly ms: number
  readonly tokens: number
}

/** By session, by tool. */
export type Hotspots = ReadonlyMap<string, ReadonlyMap<string, Spent>>

export interface Asked {
  /** Only what happened from here on, in epoch ms. */
  readonly since?: number
  readonly onProgress?: (progress: Progress) => void
}

/** One query. What isn't about tools is neither parsed nor decoded, and sessions before `since` aren't read. */
export const hotspots = async (log: LedgerLog, asked: Asked = {}): Promise<Hotspots> => {
  const found = new Map<string, Map<string, Spent>>()
  const query = { ...asked, types: ["ToolReturned", "UsageReported"] } as const
  for await (const { stream, events } of log.queryByStream(query)) {
    const tools = new Map<string, Spent>()
    for await (const { data, type } of events) {
      if (type !== "ToolReturned" && type !== "UsageReported") continue
      const { calls, ms, tokens } = tools.get(data.tool) ?? { calls: 0, ms: 0, tokens: 0 }
      tools.set(
        data.tool,
        "ms" in data
          ? { calls: calls + 1, ms: ms + data.ms, tokens }
          : { calls, ms, tokens: tokens + data.inputTokens + data.outputTokens }
      )
    }
    if (tools.size > 0) found.set(stream, tools)
  }
  return found
}

/** A session a line, the costliest first. */
export const table = (found: Hotspots, rows: number): string => {
  const lines = [...found]
    .map(([session, tools]) => {
      const costliest = [...tools].toSorted(([, a], [, b]) => b.ms - a.ms)
      const ms = costliest.reduce((sum, [, spent]) => sum + spent.ms, 0)
      const tokens = costliest.reduce((sum, [, spent]) => sum + spent.tokens, 0)
      const top = costliest.slice(0, 3).map(([tool, spent]) => `${tool} ${spent.calls}x ${seconds(spent.ms)}`)
      return { session, ms, tokens, top: top.join(", ") }
    })
    .toSorted((a, b) => b.ms - a.ms)
  const told = lines
    .slice(0, rows)
    .map(
      ({ session, ms, tokens, top }) =>
        `${session.padEnd(14)} ${seconds(ms).padStart(9)} ${tokens.toLocaleString("en").padStart(12)}  ${top}`
    )
  const more = lines.length > rows ? [`and ${lines.length - rows} more`] : []
  return [
    `${"session".padEnd(14)} ${"in tools".padStart(9)} ${"tokens".padStart(12)}  where`,
    ...told,
    ...more
  ].join("\n")
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(0)} s`
