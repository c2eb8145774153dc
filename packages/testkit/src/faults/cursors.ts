/** Faults in cursors. */
import type { Cursor } from "@varve/core"
import { Effect, Stream } from "effect"
import { changed, type Fault, fault, faultInModel } from "./Fault.ts"

const cursorsAs = (
  query: ReadonlyMap<string, Cursor> | undefined,
  as: (cursor: Cursor, stream: string) => Cursor
) => query && new Map(Array.from(query, ([stream, cursor]) => [stream, as(cursor, stream)]))

/** Takes a cursor for a place, whatever history it is of. */
const plainOffsets: Fault["plant"] = (storage) => ({
  ...storage,
  query: (query) =>
    Stream.unwrap(
      Effect.map(storage.heads({}), (heads) => {
        const epochs = new Map(heads.map((head) => [head.stream, head.cursor.epoch]))
        const after = cursorsAs(
          query.after,
          (cursor, stream) => cursor && { ...cursor, epoch: epochs.get(stream) ?? cursor.epoch }
        )
        return storage.query({ ...query, after })
      })
    )
})

export const cursorFaults: ReadonlyArray<Fault> = [
  fault("C2 resume-anywhere", "`after` is inclusive", "WHERE seq >= ?", (storage) => ({
    ...storage,
    query: (query) => {
      const back = cursorsAs(query.after, (cursor) => ({ ...cursor, seq: cursor.seq - 1 }))
      return storage.query({
        ...query,
        after: back && new Map([...back].filter(([, cursor]) => cursor.seq > 0))
      })
    }
  })),
  fault(
    "C2 reopened",
    "every opening tells another epoch for all that is stored",
    "an epoch made at start-up and not stored",
    (storage, opening) => {
      const told = (cursor: Cursor): Cursor => ({ ...cursor, epoch: `${cursor.epoch} ${opening}` })
      const stored = (cursor: Cursor): Cursor => ({
        ...cursor,
        epoch: cursor.epoch.replace(` ${opening}`, "")
      })
      return changed(storage, {
        group: (group) =>
          typeof group.expected === "object" ? { ...group, expected: stored(group.expected) } : group,
        query: (query) => ({ ...query, after: cursorsAs(query.after, stored) }),
        batch: (batch) => ({
          ...batch,
          last: batch.last && told(batch.last),
          head: batch.head && told(batch.head)
        }),
        event: (event) => ({ ...event, epoch: told(event).epoch }),
        head: (head) => ({ ...head, cursor: told(head.cursor) })
      })
    }
  ),
  fault(
    "C3 new-epoch",
    "a stream that is created again has its old epoch",
    "an epoch derived from the name",
    (storage) => {
      const first = new Map<string, string>()
      const epochOf = (stream: string, epoch: string) => {
        if (!first.has(stream)) first.set(stream, epoch)
        return first.get(stream)!
      }
      return changed(storage, {
        event: (event) => ({ ...event, epoch: epochOf(event.stream, event.epoch) }),
        head: (head) => ({
          ...head,
          cursor: { ...head.cursor, epoch: epochOf(head.stream, head.cursor.epoch) }
        })
      })
    }
  ),
  fault(
    "C4 foreign-cursor",
    "a cursor of another epoch is taken for one of this",
    "offsets as plain numbers",
    plainOffsets
  ),
  faultInModel(
    "C3 crash",
    "a cursor of what was lost goes on among what came after it",
    "offsets as plain numbers",
    plainOffsets
  ),
  fault(
    "C4 foreign-cursor",
    "a cursor that cannot go on is answered with silence",
    "no rows, no error",
    (storage) => changed(storage, { batch: (batch) => ({ ...batch, resync: undefined }) })
  ),
  fault("C4 foreign-cursor", "a malformed cursor is thrown at", "a parser that throws", (storage) =>
    changed(storage, {
      query: (query) => {
        for (const cursor of query.after?.values() ?? [])
          if (!Number.isInteger(cursor.seq)) throw new TypeError("not a cursor")
        return query
      }
    })
  )
]
