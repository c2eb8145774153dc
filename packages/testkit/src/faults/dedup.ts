/** Faults in recognising events and names. */
import type { Group, Outcome, StorageService } from "@varve/core"
import { Effect } from "effect"
import {
  changed,
  eventsOf,
  type Fault,
  fault,
  faultInModel,
  headOf,
  mark,
  stepwise,
  unmarked
} from "./Fault.ts"

/** Ids that the storage keeps under another text: what it takes for one id, and what for two. */
const idsAs = (storage: StorageService, as: (id: string, stream: string) => string): StorageService =>
  changed(storage, {
    group: (group) => ({
      ...group,
      events: group.events.map((event) => ({ ...event, id: `${as(event.id, group.stream)}` }))
    }),
    event: (event) => ({ ...event, id: unmarked(event.id) }),
    outcome: (outcome) => (outcome._tag === "IdConflict" ? { ...outcome, id: unmarked(outcome.id) } : outcome)
  })

/** Ids that are folded: twins are taken for one, though the text of the first comes back as it was. */
const idsFolded = (storage: StorageService, fold: (id: string) => string): StorageService => {
  const first = new Map<string, string>()
  return changed(
    idsAs(
      storage,
      (id, stream) => (
        first.set(`${stream}\n${fold(id)}`, first.get(`${stream}\n${fold(id)}`) ?? id),
        fold(id)
      )
    ),
    {
      event: (event) => ({ ...event, id: first.get(`${event.stream}\n${event.id}`) ?? event.id })
    }
  )
}

const comparedBy = (storage: StorageService, sameContent: Group["sameContent"]): StorageService =>
  changed(storage, { group: (group) => ({ ...group, sameContent }) })

export const dedupFaults: ReadonlyArray<Fault> = [
  fault(
    "D1 same-again",
    "the same id is stored again",
    "Emmett 0.42: the same message id stored three times",
    (storage) => {
      let count = 0
      return idsAs(storage, (id) => `${id}${mark}${count++}`)
    }
  ),
  fault(
    "D1 same-again",
    "duplicates are answered with the head's seq",
    "INSERT OR IGNORE, then max(seq)",
    (storage) =>
      changed(storage, {
        outcome: (outcome) => {
          if (outcome._tag !== "Appended") return outcome
          const end = outcome.head?.cursor.seq ?? 0
          return {
            ...outcome,
            seqs: outcome.seqs.map((seq, i) => (outcome.duplicates.includes(i) ? end : seq))
          }
        }
      })
  ),
  fault(
    "D2 same-id-other-content",
    "the same id is a duplicate, whatever it holds",
    "ON CONFLICT DO NOTHING",
    (storage) => comparedBy(storage, () => true)
  ),
  fault(
    "D2 same-id-other-content",
    "numbers are compared as doubles",
    "JSON.parse on both sides",
    (storage) =>
      comparedBy(
        storage,
        (a, b) =>
          a.type === b.type &&
          a.version === b.version &&
          sorted(JSON.parse(a.data)) === sorted(JSON.parse(b.data))
      )
  ),
  fault("D2 same-id-other-content", "the version isn't compared", "content taken for data alone", (storage) =>
    changed(storage, {
      group: (group) => ({ ...group, events: group.events.map((event) => ({ ...event, version: 1 })) })
    })
  ),
  fault("D2 same-meaning", "content is compared byte by byte", "a hash of the text", (storage) =>
    comparedBy(storage, (a, b) => a.type === b.type && a.version === b.version && a.data === b.data)
  ),
  fault(
    "D2 lifted",
    "the group's own comparison isn't asked",
    "sameContent dropped where groups are copied field by field",
    (storage) => changed(storage, { group: (group) => ({ ...group, sameContent: undefined }) })
  ),
  fault(
    "D3 for-ever",
    "ids are forgotten after 1,000 more",
    "KurrentDB: idempotency bounded by a cache",
    (storage) => {
      const last = new Map<string, number>()
      let count = 0
      return idsAs(storage, (id) => {
        const number = last.get(id)
        count++
        const kept = number !== undefined && count - number <= 1_000 ? number : count
        last.set(id, kept)
        return `${id}${mark}${kept}`
      })
    }
  ),
  fault("D3 reopened", "ids are forgotten when it closes", "a Set of ids in memory", (storage, opening) =>
    idsAs(storage, (id) => `${id}${mark}${opening}`)
  ),
  faultInModel(
    "D3 crash",
    "ids are read back only after a clean end",
    "a Set of ids in memory, stored on close",
    (storage, opening) => idsAs(storage, (id) => `${id}${mark}${opening}`)
  ),
  fault("D4 ids-exact", "ids are compared without case", "COLLATE NOCASE, MySQL's default", (storage) =>
    idsFolded(storage, (id) => id.toLowerCase())
  ),
  fault("D4 ids-exact", "ids are normalised to NFC", "macOS file names, input forms", (storage) =>
    idsFolded(storage, (id) => id.normalize("NFC"))
  ),
  fault("D4 ids-exact", "trailing blanks don't count in ids", "CHAR columns", (storage) =>
    idsFolded(storage, (id) => id.trimEnd())
  ),
  fault(
    "D4 ids-exact",
    "ids are keys of a plain object",
    "__proto__ and constructor are always there",
    (storage) => {
      const known: Record<string, boolean> = {}
      return stepwise(storage, (group, write) => {
        const wrong = group.events.find((event) => event.id in known && !Object.hasOwn(known, event.id))
        return wrong ? Effect.succeed<Outcome>({ _tag: "IdConflict", id: wrong.id, seq: NaN }) : write(group)
      })
    }
  ),
  fault(
    "D4 code-point-order",
    "heads are in UTF-16 order",
    "Array.prototype.sort: U+1F600 before U+FF5E",
    (storage) => ({
      ...storage,
      heads: (selection) =>
        Effect.map(storage.heads(selection), (heads) =>
          heads.toSorted((a, b) => (a.stream < b.stream ? -1 : 1))
        )
    })
  ),
  fault("D5 per-stream", "an id is unique over all streams", "UNIQUE(message_id)", (storage) =>
    stepwise(
      storage,
      Effect.fnUntraced(function* (group, write) {
        const others = (yield* eventsOf(storage, {})).filter((event) => event.stream !== group.stream)
        const taken = group.events.find((event) => others.some((other) => other.id === event.id))
        if (taken === undefined) return yield* write(group)
        const head = yield* headOf(storage, group.stream)
        return { _tag: "IdConflict", id: taken.id, seq: head?.cursor.seq ?? 0 }
      })
    )
  )
]

const sorted = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner
  )
