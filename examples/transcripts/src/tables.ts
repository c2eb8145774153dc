/** What the import prints: what was found in each folder, and the sessions. */
import type { FolderReport } from "./importing.ts"
import type { Session } from "./Session.ts"

const number = new Intl.NumberFormat("en")
const count = (n: number, what: string): string => `${number.format(n)} ${what}${n === 1 ? "" : "s"}`

/** A line a folder, and why its events are not as many as its records. */
export const folderTable = (folders: ReadonlyMap<string, FolderReport>): string =>
  Array.from(folders, ([name, f]) => {
    const others = Array.from(f.notSupported, ([what, n]) => `${n} ${what}`).join(", ")
    if (f.files === 0)
      return others === "" ? undefined : `${name}: no transcripts that are known here (${others})`
    const lines = [
      `${name}: ${count(f.files, "file")}, ${count(f.records, "record")} read, ${count(f.stored, "new event")} in ${count(f.streams.size, "stream")}`
    ]
    if (f.known > 0)
      lines.push(
        `  ${count(f.known, "record")} were stored before: the same event in two snapshots, or read again`
      )
    if (f.conflicts > 0)
      lines.push(
        `  ${count(f.conflicts, "record")} have the id of an event with other content; the first was kept`
      )
    if (f.bad > 0) lines.push(`  ${count(f.bad, "line")} could not be read (listed above)`)
    if (others !== "") lines.push(`  not supported: ${others}`)
    return lines.join("\n")
  })
    .filter((lines) => lines !== undefined)
    .join("\n")

/** The sessions, the largest first, as many as fit a screen. */
export const sessionTable = (sessions: ReadonlyMap<string, Session>, rows = 20): string => {
  const sorted = Array.from(sessions).toSorted(([, a], [, b]) => b.events - a.events)
  const table = [
    ["session", "agent", "events", "turns", "duration", "tools", "tokens in", "cached", "out"],
    ...sorted.slice(0, rows).map(([stream, s]) => {
      const tokens = [...s.answers.values()]
      const sum = (key: "input" | "cached" | "output"): string =>
        number.format(tokens.reduce((total, t) => total + t[key], 0))
      return [
        clip(stream.slice(stream.indexOf("/") + 1), 36),
        s.agent,
        number.format(s.events),
        number.format(s.turns.size),
        duration(s.lastAt - s.firstAt),
        clip(topTools(s), 34),
        sum("input"),
        sum("cached"),
        sum("output")
      ]
    })
  ]
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)))
  const lines = table.map((row) =>
    row.map((cell, i) => (i < 2 || i === 5 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  ")
  )
  if (sorted.length > rows) lines.push(`and ${count(sorted.length - rows, "more session")}`)
  return lines.join("\n")
}

const topTools = (session: Session): string => {
  const calls = new Map<string, number>()
  for (const tool of session.tools.values()) calls.set(tool, (calls.get(tool) ?? 0) + 1)
  return Array.from(calls)
    .toSorted(([, a], [, b]) => b - a)
    .map(([tool, n]) => `${tool} ${n}`)
    .join(", ")
}

/** Names come from files: control characters must not reach the terminal. */
const clip = (text: string, length: number): string => {
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what is looked for
  const plain = text.replace(/[\u0000-\u001f\u007f-\u009f]/g, "?")
  return plain.length > length ? `${plain.slice(0, length - 1)}…` : plain
}

const duration = (ms: number): string => {
  if (ms < 0) return "" // no record told a time
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 1) return `${Math.max(0, Math.round(ms / 1000))} s`
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}
