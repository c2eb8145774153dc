/** Faults in what is written. */
import type { Group, Head, Outcome, StorageService } from "@varve/core"
import { Effect } from "effect"
import { changed, type Fault, fault, faultInModel, stepwise } from "./Fault.ts"

/** Where JSON text goes through a value on its way. */
const rewritten =
  (rewrite: (data: string) => string) =>
  (group: Group): Group => ({
    ...group,
    events: group.events.map((event) => ({ ...event, data: rewrite(event.data) }))
  })

export const appendFaults: ReadonlyArray<Fault> = [
  fault(
    "A1 durability-told",
    "says synced whenever it was asked",
    "LiveStore, where no receipt says when a commit is durable; SQLite at synchronous=NORMAL",
    (storage) =>
      changed(storage, {
        outcome: (outcome, group) =>
          outcome._tag === "Appended" ? { ...outcome, durability: group.durability } : outcome
      })
  ),
  faultInModel(
    "A1 durability-told",
    "acknowledges duplicates as synced without syncing them",
    "any early return for duplicates",
    (storage) =>
      stepwise(storage, (group, write) =>
        Effect.map(write({ ...group, durability: "written" }), (outcome) =>
          outcome._tag === "Appended" ? { ...outcome, durability: group.durability } : outcome
        )
      )
  ),
  fault(
    "A1 reopened",
    "the last stream written is only in memory when it closes",
    "LiveStore 0.4: 500 commits, then shutdown: 1 on disk",
    (storage, opening) => {
      const forget = opening === 1 ? undefined : lastWritten.get(storage)
      return changed(storage, {
        group: (group) => {
          if (group.events.length > 0) lastWritten.set(storage, group.stream)
          return group
        },
        batch: (batch) => (batch.stream === forget ? { ...batch, events: batch.events.slice(0, -1) } : batch)
      })
    }
  ),
  fault(
    "A2 atomic-group",
    "stores the events before the one that is refused",
    "an insert per event without a transaction",
    (storage) =>
      stepwise(storage, (group, write) =>
        Effect.flatMap(write(group), (outcome): Effect.Effect<Outcome> => {
          if (outcome._tag !== "IdConflict") return Effect.succeed(outcome)
          const first = group.events.findIndex((event) => event.id === outcome.id)
          return Effect.as(write({ ...group, events: group.events.slice(0, first) }), outcome)
        })
      )
  ),
  fault(
    "A2 atomic-group",
    "writes a group event by event, readers in between",
    "a line per event, each with its own write",
    (storage) =>
      stepwise(
        storage,
        Effect.fnUntraced(function* (group, write) {
          if (group.events.length < 2 || group.expected !== undefined) return yield* write(group)
          const parts: Array<Outcome> = []
          for (const event of group.events) {
            parts.push(yield* write({ ...group, events: [event] }))
            yield* Effect.yieldNow
          }
          const last = parts.at(-1)!
          if (last._tag !== "Appended") return last
          return { ...last, seqs: parts.flatMap((part) => (part._tag === "Appended" ? part.seqs : [])) }
        })
      )
  ),
  fault("A3 dense-order", "stores a group's events in another order", "writes in parallel", (storage) =>
    changed(storage, {
      group: (group) => ({ ...group, events: group.events.toReversed() }),
      outcome: (outcome) =>
        outcome._tag === "Appended" ? { ...outcome, seqs: outcome.seqs.toReversed() } : outcome
    })
  ),
  fault(
    "A3 dense-order",
    "a refused append uses up a seq",
    "AUTOINCREMENT and sequences, which don't roll back; Castore took versions 1, 5, 3",
    (storage) => {
      const used = new Map<string, number>()
      const moved = (stream: string, seq: number) => seq + (used.get(stream) ?? 0)
      return changed(storage, {
        outcome: (outcome, { stream }) => {
          if (outcome._tag === "Conflict") used.set(stream, (used.get(stream) ?? 0) + 1)
          return outcome._tag === "Appended"
            ? { ...outcome, seqs: outcome.seqs.map((seq) => moved(stream, seq)) }
            : outcome
        }
      })
    }
  ),
  fault(
    "A8 round-trip",
    "data goes through JSON.parse and JSON.stringify",
    "every JSON column: 2^53+1 became ...992",
    (storage) => changed(storage, { group: rewritten((data) => JSON.stringify(JSON.parse(data))) })
  ),
  fault(
    "A8 round-trip",
    "objects are copied key by key, so that __proto__ is lost",
    "merge and clone functions",
    (storage) =>
      changed(storage, {
        group: rewritten((data) =>
          data.includes("__proto__") ? data.replace(/"__proto__":[^,}]*,?/, "") : data
        )
      })
  ),
  fault(
    "A8 round-trip",
    "lone surrogates become U+FFFD",
    "SQLite and every UTF-8 encoder: \\ud800 and \\ud801 both become U+FFFD",
    (storage) => changed(storage, { group: rewritten((data) => data.replace(/\\ud[89a-f]../gi, "\ufffd")) })
  ),
  fault("A8 round-trip", "text ends at NUL", "C strings", (storage) =>
    changed(storage, { group: rewritten((data) => data.replace(/\\u0000[^"]*/g, "")) })
  ),
  fault("A8 round-trip", "lines are split at U+2028", "readline", (storage) =>
    changed(storage, { group: rewritten((data) => data.replaceAll("\u2028", "\\n")) })
  ),
  fault("A8 round-trip", "meta that is empty comes back as none", "`if (meta)`, and null for {}", (storage) =>
    changed(storage, { event: (event) => (event.meta === "{}" ? { ...event, meta: undefined } : event) })
  ),
  fault("A8 round-trip", "times are kept in 32 bits", "an INTEGER column of the wrong kind", (storage) =>
    changed(storage, { event: (event) => ({ ...event, at: event.at | 0 }) })
  ),
  fault(
    "A10 empty",
    "appending nothing creates the stream",
    "upsert the stream row, then insert the events",
    (storage) => {
      const made = new Set<string>()
      return {
        ...changed(storage, {
          group: (group) => {
            if (group.events.length === 0 && group.attributes === undefined) made.add(group.stream)
            return group
          }
        }),
        heads: (selection) =>
          Effect.map(storage.heads(selection), (heads) => {
            const known = new Set(heads.map((head) => head.stream))
            const more = [...made].filter(
              (stream) => !known.has(stream) && stream.startsWith(selection.prefix ?? "")
            )
            return [...heads, ...more.map(emptyHead)]
          })
      }
    }
  ),
  fault(
    "A10 label-unknown",
    "a label creates the stream",
    "upsert again; core's own admit did so until this law was written",
    (storage) => {
      const made = new Set<string>()
      return {
        ...changed(storage, {
          outcome: (outcome, group) => {
            if (outcome._tag !== "Conflict" || group.events.length > 0 || outcome.actual !== undefined)
              return outcome
            made.add(group.stream)
            return {
              _tag: "Appended",
              seqs: [],
              duplicates: [],
              kept: [],
              head: emptyHead(group.stream),
              durability: "none"
            }
          }
        }),
        heads: (selection) =>
          Effect.map(storage.heads(selection), (heads) => [...heads, ...[...made].map(emptyHead)])
      }
    }
  ),
  fault(
    "S4 group-limits",
    "a group is cut at 1,000 events",
    "SQLite's old limit of 999 parameters",
    (storage) => changed(storage, { group: (group) => ({ ...group, events: group.events.slice(0, 1_000) }) })
  ),
  fault("S4 group-limits", "data is cut at 64 KiB", "MySQL's TEXT", (storage) =>
    changed(storage, { event: (event) => ({ ...event, data: event.data.slice(0, 65_536) }) })
  )
]

/** What the openings of one store share. */
const lastWritten = new WeakMap<StorageService, string>()

const emptyHead = (stream: string): Head => ({
  stream,
  cursor: { epoch: "empty", seq: 0 },
  synced: 0,
  sealed: false,
  minAt: 0,
  maxAt: 0,
  writtenAt: 0,
  attributes: {}
})
