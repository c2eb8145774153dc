/** Faults in what is refused: expected places, seals, and groups beside them. */
import type { EncodedEvent, Group, Head, Outcome } from "@varve/core"
import { Effect } from "effect"
import { changed, type Fault, fault, headOf, stepwise } from "./Fault.ts"

/** Events whose seal isn't told to the storage, and is put back on when they are read. */
const sealsKeptAside = () => {
  const seals = new Set<string>()
  const key = (stream: string, id: string) => `${stream}\n${id}`
  return {
    group: (group: Group): Group => {
      for (const event of group.events) if (event.seals) seals.add(key(group.stream, event.id))
      return { ...group, events: group.events.map((event) => ({ ...event, seals: false })) }
    },
    event: <E extends EncodedEvent & { stream: string }>(event: E): E => ({
      ...event,
      seals: seals.has(key(event.stream, event.id))
    }),
    head: (head: Head): Head => ({
      ...head,
      sealed: [...seals].some((one) => one.startsWith(`${head.stream}\n`))
    })
  }
}

export const refusalFaults: ReadonlyArray<Fault> = [
  fault(
    "A7 expected",
    "`expected` is ignored",
    "Emmett 0.42: STREAM_EXISTS checks ignored in SQLite",
    (storage) => changed(storage, { group: (group) => ({ ...group, expected: undefined }) })
  ),
  fault(
    "A7 expected",
    "a refused append still moves the head",
    "Emmett 0.42: a rejected append still bumps the version",
    (storage) => {
      const bumps = new Map<string, number>()
      return changed(storage, {
        outcome: (outcome, { stream }) => {
          if (outcome._tag === "Conflict") bumps.set(stream, (bumps.get(stream) ?? 0) + 1)
          return outcome
        },
        head: (head) => ({
          ...head,
          cursor: { ...head.cursor, seq: head.cursor.seq + (bumps.get(head.stream) ?? 0) }
        })
      })
    }
  ),
  fault("A7 expected", "0 means anywhere", "a falsy check: `if (expected && ...)`", (storage) =>
    changed(storage, { group: (group) => (group.expected === 0 ? { ...group, expected: undefined } : group) })
  ),
  fault(
    "A7 one-winner",
    "`expected` is checked before the write, not within it",
    "check, await, insert",
    (storage) =>
      stepwise(
        storage,
        Effect.fnUntraced(function* ({ expected, ...group }, write) {
          const head = yield* headOf(storage, group.stream)
          const place = typeof expected === "object" ? expected.seq : expected
          if (typeof place === "number" && place !== (head?.cursor.seq ?? 0))
            return { _tag: "Conflict", expected, actual: head?.cursor }
          yield* Effect.yieldNow
          return yield* write(group)
        })
      )
  ),
  fault(
    "A7 other-epoch",
    "of an expected cursor only the seq is compared",
    "versions as plain numbers",
    (storage) =>
      changed(storage, {
        group: (group) =>
          typeof group.expected === "object" ? { ...group, expected: group.expected.seq } : group
      })
  ),
  fault("A11 sealed", "seals are not checked", "a flag that nobody reads", (storage) =>
    changed(storage, sealsKeptAside())
  ),
  fault("A11 sealed", "duplicates are refused after a seal", "sealed checked first of all", (storage) =>
    stepwise(
      storage,
      Effect.fnUntraced(function* (group, write) {
        const head = yield* headOf(storage, group.stream)
        return head?.sealed && group.events.length > 0
          ? { _tag: "Sealed", seq: head.cursor.seq }
          : yield* write(group)
      })
    )
  ),
  fault(
    "A11 seal-race",
    "seals are checked before the write, not within it",
    "the check-then-insert gap",
    (storage) => {
      const aside = sealsKeptAside()
      const unsealed = changed(storage, aside)
      return stepwise(
        unsealed,
        Effect.fnUntraced(function* (group, write) {
          const head = yield* headOf(unsealed, group.stream)
          yield* Effect.yieldNow
          return head?.sealed ? { _tag: "Sealed", seq: head.cursor.seq } : yield* write(group)
        })
      )
    }
  ),
  fault(
    "A12 failed-append-forgets",
    "ids of a refused append are remembered",
    "a cache of ids that is filled before the write",
    (storage) => {
      const cache = new Set<string>()
      return stepwise(
        storage,
        Effect.fnUntraced(function* (group, write) {
          const head = yield* headOf(storage, group.stream)
          const keys = group.events.map((event) => `${group.stream}\n${event.id}`)
          if (keys.length > 0 && keys.every((key) => cache.has(key))) {
            const seq = head?.cursor.seq ?? 0
            return {
              _tag: "Appended",
              seqs: keys.map(() => seq),
              duplicates: keys.map((_, i) => i),
              kept: [],
              head,
              durability: "none"
            }
          }
          const outcome = yield* write(group)
          if (outcome._tag !== "Appended") for (const key of keys) cache.add(key)
          return outcome
        })
      )
    }
  ),
  fault(
    "A13 groups-apart",
    "after a group that is refused the others fail",
    "one transaction, rolled back as a whole",
    (storage) => ({
      ...storage,
      append: Effect.fnUntraced(function* (groups) {
        const outcomes: Array<Outcome> = []
        for (const group of groups) {
          const failed = outcomes.some((outcome) => outcome._tag !== "Appended")
          const rolledBack: Outcome = { _tag: "Failed", reached: "rejected", cause: new Error("rolled back") }
          outcomes.push(failed ? rolledBack : (yield* storage.append([group]))[0]!)
        }
        return outcomes
      })
    })
  ),
  fault(
    "A14 admission",
    "`expected` is checked before duplicates",
    "KurrentDB: idempotency differs by expected-version mode",
    (storage) =>
      stepwise(
        storage,
        Effect.fnUntraced(function* (group, write) {
          const actual = (yield* headOf(storage, group.stream))?.cursor
          const wrong = typeof group.expected === "number" && group.expected !== (actual?.seq ?? 0)
          return wrong ? { _tag: "Conflict", expected: group.expected, actual } : yield* write(group)
        })
      )
  ),
  fault(
    "A14 admission",
    "a group may go on behind its seal",
    "the seal is only looked for in what is stored",
    (storage) => {
      const inside = (group: Group) =>
        group.events.findIndex((event) => event.seals) < group.events.length - 1
      return changed(storage, {
        group: (group) =>
          inside(group)
            ? { ...group, events: group.events.map((event) => ({ ...event, seals: false })) }
            : group
      })
    }
  ),
  fault(
    "A14 labels",
    "a label is an event and moves the seq",
    "labels written as $metadata events",
    (storage) =>
      stepwise(storage, (group, write) => {
        const label = group.events.length === 0 && group.attributes !== undefined
        const data = { type: "$label", version: 1, at: 0, data: "{}", meta: undefined, seals: false }
        const events = [{ id: `label ${Math.random()}`, ...data }]
        return Effect.tap(write(group), (outcome) =>
          label && outcome._tag === "Appended" ? write({ ...group, events }) : Effect.void
        )
      })
  ),
  fault(
    "A14 labels",
    "a label takes the place of all attributes",
    "UPDATE streams SET attributes = ?",
    (storage) => {
      const last = new Map<string, Head["attributes"]>()
      return changed(storage, {
        group: (group) => {
          if (group.attributes !== undefined) last.set(group.stream, group.attributes)
          return group
        },
        head: (head) => ({ ...head, attributes: last.get(head.stream) ?? {} })
      })
    }
  )
]
