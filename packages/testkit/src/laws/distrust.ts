/** N2 to N4: a snapshot that is damaged, half written or of events that are gone is never used, and mended. */
import { snapshotCheck, type StoredSnapshot } from "@varve/core"
import { must, mustEqual } from "../Broken.ts"
import { type Law, law } from "../Law.ts"
import { chunks, eventOf, Page, pageOf, told } from "../projections.ts"
import { freshState, withShelf } from "../Shelf.ts"
import type { Store } from "../Store.ts"

const loadOne = async (store: Store, stream: string): Promise<StoredSnapshot> => {
  const [one] = await store.load(Page.name, [stream])
  must(one !== undefined, "A snapshot is stored by now")
  return one
}

/** With a check that holds: as if a log had written it. */
const vouched = (snapshot: StoredSnapshot): StoredSnapshot => ({
  ...snapshot,
  check: snapshotCheck(snapshot)
})

/** Everything that may become of a stored snapshot. */
const damages: ReadonlyArray<readonly [string, (good: StoredSnapshot) => StoredSnapshot]> = [
  ["truncated", (good) => ({ ...good, state: good.state.slice(0, -3) })],
  ["emptied", (good) => ({ ...good, state: "" })],
  ["flipped", (good) => ({ ...good, state: good.state.replace("x", "y") })],
  ["zeroed", (good) => ({ ...good, state: "\u0000".repeat(good.state.length) })],
  ["without its check", (good) => ({ ...good, check: "" })],
  ["of a later version", (good) => vouched({ ...good, version: 2 })],
  ["of an earlier place, it says", (good) => ({ ...good, cursor: { ...good.cursor, seq: 7 } })],
  ["ill-typed", (good) => vouched({ ...good, state: '{"lines":[{"id":"line 0"}],"turns":0}' })],
  ["of another shape", (good) => vouched({ ...good, state: '{"lines":{},"turns":0}' })],
  [
    "two rows with one key",
    (good) => vouched({ ...good, state: good.state.replace("]", `,${firstRow(good)}]`) })
  ],
  [
    "ahead of the stream",
    (good) => vouched({ ...good, cursor: { ...good.cursor, seq: good.cursor.seq + 1 } })
  ],
  ["of a lost epoch", (good) => vouched({ ...good, cursor: { ...good.cursor, epoch: "lost" } })]
]

const firstRow = ({ state }: StoredSnapshot): string => /\{"id".*?\}/.exec(state)![0]

export const distrustLaws: ReadonlyArray<Law> = [
  law(
    "N2 mended",
    "A snapshot that was deleted, damaged, outdated, moved or forged changes no answer, and the next read mends it.",
    async (bench) => {
      const store = await bench.store()
      const mends = async (
        s: string,
        wanted: ReturnType<typeof pageOf>,
        what: string,
        damage: (good: StoredSnapshot) => Promise<void>
      ) => {
        const good = await loadOne(store, s)
        await damage(good)
        mustEqual(`the state, its snapshot ${what}`, told(await freshState(store, s, Page)), wanted)
        mustEqual(`the snapshot that was ${what}, after a read`, await loadOne(store, s), good)
        await withShelf(store, async ({ log, look }) => {
          mustEqual("the state, mended", told(await log.state(s, Page)), wanted)
          mustEqual("events read for it", look().events, 0)
        })
      }
      const [short, long] = [store.name("short"), store.name("long")]
      await withShelf(store, async ({ log }) => {
        await log.append(short, [...chunks(8), eventOf("."), eventOf("y")])
        await log.snapshot(short, Page)
        await log.append(long, chunks(300))
        await log.state(long, Page)
      })
      const wanted = pageOf(["x".repeat(8), ".", "y"])
      for (const [what, damage] of damages)
        await mends(short, wanted, what, (good) => store.save([damage(good)]))
      await mends(long, pageOf(["x".repeat(300)]), "deleted", () => store.drop())
    }
  ),
  law(
    "N3 never-half",
    "A snapshot that was cut anywhere, or changed in any one place, is never used.",
    async (bench) => {
      const store = await bench.store()
      const s = store.name("s")
      await withShelf(store, async ({ log }) => {
        await log.append(s, ["a", "b", ".", "b"].map(eventOf))
        await log.snapshot(s, Page)
      })
      const good = await loadOne(store, s)
      const { state } = good
      const damaged = [
        ...Array.from(state, (_, i) => state.slice(0, i)),
        ...Array.from(state, (unit, i) => state.slice(0, i) + (unit === "1" ? "2" : "1") + state.slice(i + 1))
      ]
      for (const text of damaged) {
        await store.save([{ ...good, state: text }])
        const now = told(await freshState(store, s, Page))
        mustEqual(`the state, its snapshot being ${text}`, now, pageOf(["a", "b", ".", "b"]))
      }
    }
  ),
  law(
    "N4 never-ahead",
    "A snapshot of events that are gone is ignored: of a stream that was removed, also where one of the same name is longer since, and of one that lost its end.",
    async (bench) => {
      const store = await bench.store()
      const s = store.name("s")
      await withShelf(store, async ({ log }) => {
        await log.append(s, chunks(3, "old"))
        await log.snapshot(s, Page)
      })
      const old = await loadOne(store, s)
      await store.remove(s)
      mustEqual("of no stream", told(await freshState(store, s, Page)), pageOf([]))
      for (const texts of [["a"], ["a", "b", "c"], ["a", "b", "c", "d"]]) {
        await withShelf(store, async ({ log }) => {
          // Asked before and after, so that a state in memory is put to the test as well.
          await log.state(s, Page)
          await log.append(s, texts.map(eventOf))
          await store.save([old])
          mustEqual("of its namesake, in memory", told(await log.state(s, Page)), pageOf(texts))
        })
        await store.save([old])
        mustEqual("of its namesake", told(await freshState(store, s, Page)), pageOf(texts))
        await withShelf(store, async ({ log }) => {
          await log.state(s, Page)
          await store.remove(s)
          mustEqual("once it is removed", told(await log.state(s, Page)), pageOf([]))
        })
      }
      await withShelf(store, ({ log }) => log.append(s, ["a", "b"].map(eventOf)))
      const ahead = { ...old, cursor: { ...(await store.head(s))!.cursor, seq: 3 } }
      await store.save([vouched(ahead)])
      mustEqual("of one that lost its end", told(await freshState(store, s, Page)), pageOf(["a", "b"]))
      // And when it has grown beyond that place again.
      await store.save([vouched({ ...old, cursor: { epoch: "lost", seq: 1 } })])
      mustEqual("of one that lost an epoch", told(await freshState(store, s, Page)), pageOf(["a", "b"]))
    }
  )
]
