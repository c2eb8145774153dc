import { eventAt, eventsPerFlush } from "./stream.ts"

/** The rows of the first `count` events, and how often each changes from event `from` on: once a flush. */
export const expected = (count: number, from: number) => {
  const rows = new Map<string, string>()
  const changes = new Map<string, number>()
  let flush = new Set<string>()
  for (let n = 0; n < count; n++) {
    const { data } = eventAt(n)
    const id = "callId" in data ? data.callId : data.messageId
    rows.set(id, "callId" in data ? data.output : (rows.get(id) ?? "") + data.text)
    if (n < from) continue
    if ((n - from) % eventsPerFlush === 0) flush = new Set()
    if (!flush.has(id)) changes.set(id, (changes.get(id) ?? 0) + 1)
    flush.add(id)
  }
  return { rows, changes }
}
