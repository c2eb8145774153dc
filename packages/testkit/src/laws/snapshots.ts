/** docs/laws.md, section 5 as far as it shows at the seam: stored snapshots. */
import type { StoredSnapshot } from "@varve/core"
import * as fc from "fast-check"
import { mustEqual } from "../Broken.ts"
import { events } from "../generators/events.ts"
import { jsonText } from "../generators/json.ts"
import { law } from "../Law.ts"
import type { Store } from "../Store.ts"

const snapshotOf = async (
  store: Store,
  stream: string,
  more: Partial<StoredSnapshot>
): Promise<StoredSnapshot> => ({
  stream,
  projection: "rows",
  version: 1,
  cursor: (await store.head(stream))!.cursor,
  state: "{}",
  check: "check",
  ...more
})

const sorted = (all: ReadonlyArray<StoredSnapshot>): ReadonlyArray<StoredSnapshot> =>
  all.toSorted((a, b) => (a.stream + a.projection < b.stream + b.projection ? -1 : 1))

const n2Disposable = law(
  "N2 disposable",
  "drop forgets the snapshots of one projection, or all; the events and heads stay as they are, and saving works again.",
  async (bench) => {
    const store = await bench.store()
    for (const stream of ["a", "b"]) await store.append(stream, events(2))
    const all: Array<StoredSnapshot> = []
    for (const stream of ["a", "b"]) {
      for (const projection of ["rows", "Rows", "rows%"])
        all.push(await snapshotOf(store, stream, { projection }))
    }
    const before = { heads: await store.heads({}), events: await store.events({}) }
    const stored = async () => {
      const loaded = ["rows", "Rows", "rows%"].map((projection) => store.load(projection, ["a", "b"]))
      return sorted((await Promise.all(loaded)).flat())
    }
    await store.save(all)
    await store.drop("rows")
    mustEqual(
      "The snapshots after one projection was dropped",
      await stored(),
      sorted(all.filter((one) => one.projection !== "rows"))
    )
    await store.drop("none")
    await store.drop()
    mustEqual("The snapshots after all were dropped", await stored(), [])
    mustEqual("The store after it", { heads: await store.heads({}), events: await store.events({}) }, before)
    await store.save(all)
    mustEqual("The snapshots, saved again", await stored(), sorted(all))
  }
)

const n3Replaced = law(
  "N3 replaced",
  "A snapshot is stored in place of the one of the same stream and projection, newer or older; the others stay; load answers it as it was saved, for many streams at once.",
  (bench) =>
    bench.property(
      fc.array(
        fc.tuple(
          fc.constantFrom("a", "b", "c"),
          fc.constantFrom("rows", "Rows", "\u00e9", "e\u0301"),
          fc.integer({ min: 1, max: 3 }),
          jsonText,
          fc.integer({ min: 1, max: 3 })
        ),
        { minLength: 1, maxLength: 6 }
      ),
      async (store, saves) => {
        const streams = ["a", "b", "c"].map((stream) => store.name(stream))
        for (const stream of streams) await store.append(stream, events(3))
        const last = new Map<string, StoredSnapshot>()
        for (const [stream, projection, version, state, seq] of saves) {
          const { epoch } = (await store.head(store.name(stream)))!.cursor
          const one = await snapshotOf(store, store.name(stream), {
            projection,
            version,
            state,
            cursor: { epoch, seq },
            check: `c${seq}`
          })
          await store.save([one])
          last.set(`${stream} ${projection}`, one)
        }
        for (const projection of ["rows", "Rows", "\u00e9", "e\u0301", "none"]) {
          const wanted = [...last.values()].filter((one) => one.projection === projection)
          mustEqual(
            `The snapshots of ${projection}`,
            sorted(await store.load(projection, [...streams, store.name("x")])),
            sorted(wanted)
          )
          mustEqual("Those of no stream", await store.load(projection, []), [])
          const first = wanted.filter((one) => one.stream === streams[0])
          mustEqual("Those of one stream", await store.load(projection, [streams[0]!]), first)
        }
      },
      { share: 0.5 }
    )
)

const n2OverAll = law(
  "N2 over-all",
  "A snapshot under the empty name, of a projection over all streams, is kept though no such stream exists: saved, replaced, loaded and dropped like any other, told by no head, and untouched when a stream is removed. One of a stream that doesn't exist is not kept.",
  async (bench) => {
    const store = await bench.store()
    const overAll = async (more: Partial<StoredSnapshot>): Promise<StoredSnapshot> => ({
      ...(await snapshotOf(store, "a", { cursor: { epoch: "", seq: 1 }, ...more })),
      stream: ""
    })
    await store.append("a", events(2))
    const rows = await overAll({})
    await store.save([rows, await snapshotOf(store, "a", {}), { ...rows, stream: "none" }])
    mustEqual("Of all streams", await store.load("rows", [""]), [rows])
    mustEqual("Of a stream that doesn't exist", await store.load("rows", ["none"]), [])
    const [next, other] = [await overAll({ state: '{"n":2}' }), await overAll({ projection: "other" })]
    await store.save([next])
    await store.save([other])
    const both = sorted(await store.load("rows", ["", "a"]))
    mustEqual("Replaced, and others beside it", both, sorted([next, await snapshotOf(store, "a", {})]))
    mustEqual(
      "The streams that exist",
      (await store.heads({})).map((head) => head.stream),
      ["a"]
    )
    await store.remove("a")
    mustEqual("After a stream was removed", await store.load("rows", ["", "a"]), [next])
    await store.drop("rows")
    mustEqual("Dropped", await store.load("rows", [""]), [])
    mustEqual("The other one", await store.load("other", [""]), [other])
    await store.drop()
    mustEqual("All dropped", await store.load("other", [""]), [])
  }
)

export const snapshotLaws = [n2Disposable, n3Replaced, n2OverAll]
