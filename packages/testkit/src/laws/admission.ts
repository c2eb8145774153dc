/** A14: the admission table, row by row, and what labels do. */
import type { Cursor, Group } from "@varve/core"
import * as fc from "fast-check"
import { a1, a2, type Cell, type Expectation, type Row, rows } from "../admissionTable.ts"
import { mustEqual } from "../Broken.ts"
import { event } from "../generators/events.ts"
import { attributes } from "../generators/names.ts"
import { law } from "../Law.ts"
import type { Store } from "../Store.ts"

const tags = {
  "+": "Appended",
  "=": "Appended",
  L: "Appended",
  C: "Conflict",
  S: "Sealed",
  I: "IdConflict"
} as const satisfies Record<Cell, string>

const a14Admission = law(
  "A14 admission",
  "Ids first, then seals, then `expected`: every row of the table written out by hand (admissionTable.ts) has its outcome.",
  async (bench) => {
    const store = await bench.store()
    for (const [i, row] of rows.entries()) {
      store.forgetHistory()
      await checkRow(store, `${i}`, row)
    }
  }
)

const checkRow = async (store: Store, stream: string, row: Row): Promise<void> => {
  const removed = (await store.append(stream, [event("old 1"), event("old 2")])).head!.cursor
  await store.remove(stream)
  if (row.before !== "absent") {
    await store.append(stream, [a1, { ...a2, seals: row.before === "sealed" }], {
      attributes: { colour: "red" }
    })
  }
  const before = await store.head(stream)
  const expected = placeOf(row.expected, before?.cursor, removed)
  const label = `A group "${row.kind}", expected "${row.expected}", for a stream that is ${row.before}`

  const outcome = await store.offer({ stream, ...row.group, expected })
  mustEqual(`${label}: the outcome`, outcome._tag, tags[row.cell])
  const shown = Object.fromEntries(Object.entries(outcome).filter(([key]) => key in row.wanted))
  mustEqual(`${label}: what the outcome says`, shown, row.wanted)
  if (outcome._tag === "Conflict") mustEqual(`${label}: actual`, outcome.actual, before?.cursor)

  const after = await store.head(stream)
  const newIds = new Set(row.group.events.map((one) => one.id).filter((id) => id !== "a1" && id !== "a2"))
  const written = row.cell === "+" ? newIds.size : 0
  mustEqual(`${label}: how far the head moved`, (after?.cursor.seq ?? 0) - (before?.cursor.seq ?? 0), written)
  const set = row.cell === "+" || row.cell === "L" ? row.group.attributes : undefined
  mustEqual(`${label}: the attributes after it`, after?.attributes ?? {}, { ...before?.attributes, ...set })
  const stored = await store.read(stream)
  mustEqual(`${label}: the events stored`, stored.length, after?.cursor.seq ?? 0)
  if (before !== undefined)
    mustEqual(`${label}: the first event`, [stored[0]?.data, stored[0]?.at], [a1.data, a1.at])
}

const placeOf = (expected: Expectation, head: Cursor | undefined, removed: Cursor): Group["expected"] => {
  const seq = head?.seq ?? 0
  switch (expected) {
    case "none":
      return undefined
    case "0":
      return 0
    case "head":
      return seq
    case "older":
      return seq - 1
    case "newer":
      return seq + 1
    case "cursor":
      return head
    case "oldcur":
      return { epoch: head!.epoch, seq: seq - 1 }
    case "other":
      return { epoch: "AnEpochOfSomeOtherStore", seq: Math.max(1, seq) }
    case "removed":
      return removed
    case "exists":
      return "exists"
  }
}

const a14Labels = law(
  "A14 labels",
  "Labels merge into a stream's attributes, key by key, text by text; they move no seq, are no event, and are taken on a sealed stream.",
  (bench) =>
    bench.property(
      fc.tuple(fc.array(attributes, { minLength: 1, maxLength: 3 }), fc.boolean()),
      async (store, [labels, sealed]) => {
        const stream = store.name("s")
        const first = await store.append(stream, [event("e1", { at: 7, seals: sealed })], {
          attributes: labels[0]
        })
        let wanted = { ...labels[0] }
        mustEqual("The attributes given with the first event", first.head?.attributes, wanted)
        for (const label of labels.slice(1)) {
          const { head } = await store.append(stream, [], { attributes: label })
          wanted = { ...wanted, ...label }
          mustEqual("The attributes after a label", head?.attributes, wanted)
        }
        const { writtenAt: _, synced: _synced, ...head } = (await store.head(stream))!
        mustEqual("The head after labels", head, {
          stream,
          cursor: first.head!.cursor,
          sealed,
          minAt: 7,
          maxAt: 7,
          attributes: wanted
        })
        mustEqual(
          "The events after labels",
          (await store.read(stream)).map((e) => e.id),
          ["e1"]
        )
        const [key, value] = Object.entries(wanted)[0]!
        const found = async (asked: Record<string, string>) =>
          (await store.events({ prefix: store.scope, attributes: asked })).length
        mustEqual("The events of streams under that attribute", await found({ [key]: value }), 1)
        mustEqual("The events of streams under all of them", await found(wanted), 1)
        mustEqual(
          "The events of streams under that and another one",
          await found({ [key]: value, "another one": "" }),
          0
        )
      },
      { share: 0.5 }
    )
)

export const admissionLaws = [a14Admission, a14Labels]
