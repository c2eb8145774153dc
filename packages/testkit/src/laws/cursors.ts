/** docs/laws.md, section 6 as far as it shows at the seam: where a cursor goes on, and which cannot. */
import type { Cursor, ResyncReason } from "@varve/core"
import * as fc from "fast-check"
import { must, mustEqual } from "../Broken.ts"
import { event, events } from "../generators/events.ts"
import { law, lawWhere } from "../Law.ts"
import type { Store } from "../Store.ts"

const seqsAfter = async (store: Store, stream: string, cursor: Cursor): Promise<ReadonlyArray<number>> => {
  const batches = await store.query({ after: new Map([[stream, cursor]]), streams: [stream] })
  for (const { resync } of batches)
    must(resync === undefined, () => `A cursor of this stream goes on, without a resync (${resync?.reason})`)
  return batches.flatMap((batch) => batch.events.map((e) => e.seq))
}

const c2ResumeAnywhere = law(
  "C2 resume-anywhere",
  "Resuming from the cursor of any event gives exactly the events behind it.",
  (bench) =>
    bench.property(
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
      async (store, sizes) => {
        const stream = store.name("s")
        for (const [g, size] of sizes.entries()) {
          const { head, seqs } = await store.append(stream, events(size, `${g}.`))
          mustEqual("The cursor of the receipt's head", head?.cursor.seq, seqs.at(-1))
        }
        const all = await store.read(stream)
        for (const one of all) {
          const rest = all.filter((e) => e.seq > one.seq).map((e) => e.seq)
          mustEqual(
            `After the cursor of seq ${one.seq}`,
            await seqsAfter(store, stream, { epoch: one.epoch, seq: one.seq }),
            rest
          )
        }
        const head = (await store.head(stream))!.cursor
        await store.append(stream, [event("later")])
        mustEqual("After the head as it was", await seqsAfter(store, stream, head), [head.seq + 1])
      },
      { share: 0.3 }
    )
)

const c2Reopened = lawWhere(
  ["reopen"],
  "C2 reopened",
  "Cursors stay good over closing and opening, also where new events are written under a new epoch.",
  async (bench) => {
    const store = await bench.store()
    const cursors: Array<Cursor> = []
    for (let round = 0; round < 3; round++) {
      cursors.push((await store.append("s", events(2, `${round}.`))).head!.cursor)
      await store.reopen()
      const stored = await store.read("s")
      mustEqual(
        "The cursors of the events, and those of the receipts",
        cursors,
        stored.filter((e) => e.seq % 2 === 0).map(({ epoch, seq }) => ({ epoch, seq }))
      )
      for (const cursor of cursors) {
        const rest = stored.filter((e) => e.seq > cursor.seq).map((e) => e.seq)
        mustEqual(`After the cursor of seq ${cursor.seq}`, await seqsAfter(store, "s", cursor), rest)
      }
    }
    await store.append("s", [event("e")], { expected: cursors.at(-1) })
  }
)

const c3NewEpoch = law(
  "C3 new-epoch",
  "A seq is never given again under its epoch: a stream that is removed and created again has another one, each time.",
  async (bench) => {
    const store = await bench.store()
    const seen = new Set<string>()
    for (let life = 0; life < 5; life++) {
      const { head } = await store.append("s", events(2))
      const epochs = new Set((await store.read("s")).map((e) => e.epoch))
      mustEqual("The epoch of the events and of the head", [...epochs], [head!.cursor.epoch])
      must(!seen.has(head!.cursor.epoch), "A stream that was removed and created again has a new epoch")
      seen.add(head!.cursor.epoch)
      await store.remove("s")
    }
  }
)

const c4ForeignCursor = law(
  "C4 foreign-cursor",
  "A cursor that is malformed, ahead, of another store or of a removed stream is answered by a resync with the reason: never by events, by an error or by silence.",
  async (bench) => {
    const store = await bench.store()
    const other = await bench.store()
    const elsewhere = (await other.append("s", events(2))).head!.cursor
    const removed = (await store.append("s", events(5))).head!.cursor
    await store.remove("s")
    const refuse = async (what: string, cursor: unknown, reason: ResyncReason, survived?: Cursor) => {
      for (const stream of ["s", "t"]) {
        if (stream === "t" && reason !== "malformed") continue
        const batches = await store.query({ prefix: "", after: new Map([[stream, cursor as Cursor]]) })
        const own = batches.filter((batch) => batch.stream === stream)
        mustEqual(
          `${what}: the events answered`,
          own.flatMap((batch) => batch.events.map((e) => e.seq)),
          []
        )
        mustEqual(
          `${what}: the resync`,
          own.map((batch) => batch.resync),
          [{ reason, survived }]
        )
      }
    }
    await refuse("A removed stream's cursor", removed, "unknown-stream")
    await refuse("A cursor of a stream that never was", elsewhere, "unknown-stream")

    const { head } = await store.append("s", events(3))
    await store.append("t", events(3))
    const { epoch, seq } = head!.cursor
    await refuse("A cursor of the stream before it was removed", removed, "unknown-epoch")
    await refuse("The same at a seq that exists again", { epoch: removed.epoch, seq: 1 }, "unknown-epoch")
    await refuse("A cursor of another store", elsewhere, "unknown-epoch")
    await refuse("A cursor beyond the head", { epoch, seq: seq + 1 }, "future", head!.cursor)
    await refuse("A cursor far beyond the head", { epoch, seq: 2 ** 53 - 1 }, "future", head!.cursor)
    for (const malformed of [
      { epoch, seq: 0 },
      { epoch, seq: -1 },
      { epoch, seq: 1.5 },
      { epoch, seq: NaN },
      { epoch, seq: "1" },
      { epoch },
      { seq: 1 },
      null,
      1,
      "",
      [],
      { epoch: null, seq: 1 }
    ]) {
      await refuse(`A malformed cursor, ${JSON.stringify(malformed)}`, malformed, "malformed")
    }
    const both = await store.query({
      after: new Map([
        ["s", { epoch, seq: 1 }],
        ["t", elsewhere],
        ["x", removed]
      ])
    })
    const shown = both.map((batch) => [batch.stream, batch.events.map((e) => e.seq), batch.resync?.reason])
    mustEqual("Cursors of several streams, each answered for itself", shown, [
      ["s", [2, 3], undefined],
      ["t", [], "unknown-epoch"],
      ["x", [], "unknown-stream"]
    ])
  }
)

export const cursorLaws = [c2ResumeAnywhere, c2Reopened, c3NewEpoch, c4ForeignCursor]
