/** A log in memory with a long session in it, which goes on streaming; it is shown as it comes, and looked at. */
import { MemoryStorage, Varve } from "@varve/core"
import { memo, useEffect } from "react"
import { Session } from "../src/Session.ts"
import { show } from "../src/show.tsx"
import { PlainRow, type ShownRow } from "../src/TranscriptPage.tsx"
import { eventAt, eventsPerFlush, flushesPerSecond } from "./stream.ts"

/** What a test wants to know. */
export interface Seen {
  state: "filling" | "streaming" | "done"
  /** When the view told of something, ms. */
  readonly told: Array<number>
  /** Rows that were put on the screen while it streamed, by id. */
  readonly commits: Record<string, number>
  /** The longest task while it streamed, ms; those below 50 are not told by the browser. */
  longestTask: number
  /** Recording of each flush, ms: the longest. */
  longestRecord: number
  /** Events streamed. */
  streamed: number
}

const asked = new URLSearchParams(location.search)
const events = Number(asked.get("events") ?? 30_000)
const seconds = Number(asked.get("seconds") ?? 60)
const seen: Seen = { state: "filling", told: [], commits: {}, longestTask: 0, longestRecord: 0, streamed: 0 }
Object.assign(globalThis, { seen })

const log = await Varve.open({ events: Session, storage: MemoryStorage.layer })
for (let n = 0; n < events; n += 1000) {
  const batch = Array.from({ length: Math.min(1000, events - n) }, (_, i) => eventAt(n + i))
  await log.append("s-1", batch)
}

const CountedRow: ShownRow = memo(function CountedRow({ row }) {
  // Without dependencies: each time that it is rendered.
  useEffect(() => {
    if (seen.state === "streaming") seen.commits[row.id] = (seen.commits[row.id] ?? 0) + 1
  })
  return <PlainRow row={row} />
})
const view = show(log, "s-1", document.getElementById("root")!, CountedRow)

// All is on the screen before it streams.
while (document.querySelector("main[data-status=live] section") === null)
  await new Promise((resolve) => setTimeout(resolve, 50))
await new Promise((resolve) => setTimeout(resolve, 500))

new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) seen.longestTask = Math.max(seen.longestTask, duration)
}).observe({ type: "longtask" })
view.subscribe(() => void seen.told.push(performance.now()))
seen.state = "streaming"
const total = seconds * flushesPerSecond
let flushed = 0
const timer = setInterval(() => {
  const start = performance.now()
  for (let i = 0; i < eventsPerFlush; i++) log.record("s-1", eventAt(events + seen.streamed++))
  seen.longestRecord = Math.max(seen.longestRecord, performance.now() - start)
  if (++flushed < total) return
  clearInterval(timer)
  void log.flush().then(() => setTimeout(() => (seen.state = "done"), 200))
}, 1000 / flushesPerSecond)
