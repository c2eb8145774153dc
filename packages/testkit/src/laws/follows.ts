/** C2, C4, C5, C12: where a follow may begin, and what it is told first. */
import type { Cursor, ResyncReason } from "@varve/core"
import { mustEqual } from "../Broken.ts"
import { type Law, law } from "../Law.ts"
import { type Followed, Stage } from "../Stage.ts"
import { chunk, newIds } from "../Viewed.ts"

const c2 = law(
  "C2 follow-anywhere",
  "A follow from any cursor gets exactly the rest, what is stored and what comes.",
  async (bench) => {
    const store = await bench.store()
    await Stage.use(store, undefined, async (stage) => {
      for (const size of [1, 3, 2]) await stage.elsewhere("s", newIds(size))
      const all: Array<Followed> = []
      for (let from = 0; from <= 6; from++) all.push(await stage.follow("s", from))
      await stage.settle()
      await stage.log.append("s", [chunk("x"), chunk("y")])
      await stage.settle()
      for (const one of all) await stage.mustHaveAll(one)
      mustEqual(
        "Items of who begins at the head: caught up, then the group",
        all[6]!.items.map((item) => [item._tag, item._tag === "Events" ? item.events.length : 0]),
        [
          ["CaughtUp", 0],
          ["Events", 2]
        ]
      )
    })
  }
)

const resyncOf = (followed: Followed): unknown => followed.items.map(({ ...item }) => item).at(-1)

const c4 = law(
  "C4 follow-foreign-cursor",
  "A follow from a cursor that cannot go on is told why, and ends; so is one whose stream is removed while it follows.",
  async (bench) => {
    const store = await bench.store()
    await Stage.use(store, undefined, async (stage) => {
      await stage.elsewhere("s", newIds(3))
      const { cursor } = (await store.head("s"))!
      await stage.elsewhere("gone", newIds(2))
      const gone = (await store.head("gone"))!.cursor
      await store.remove("gone")
      const cases: ReadonlyArray<
        readonly [
          stream: string,
          after: unknown,
          reason: ResyncReason,
          survived?: Cursor | undefined,
          head?: Cursor
        ]
      > = [
        ["s", { ...cursor, seq: 4 }, "future", cursor, cursor],
        ["s", { epoch: "of another store", seq: 1 }, "unknown-epoch", undefined, cursor],
        ["s", { epoch: cursor.epoch, seq: -1 }, "malformed", undefined, cursor],
        ["s", "no cursor", "malformed", undefined, cursor],
        ["gone", gone, "unknown-stream"]
      ]
      for (const [name, after, reason, survived, head] of cases) {
        const followed = stage.followAfter(name, after as Cursor)
        await stage.settle()
        mustEqual(`A follow of ${name} after ${JSON.stringify(after)}`, followed.items, [
          { _tag: "Resync", reason, survived, head }
        ])
        mustEqual("It ends", followed.state(), "ended")
      }
      const here = await stage.follow("s")
      const other = await stage.follow("s")
      await stage.settle()
      await stage.log.remove("s")
      await stage.settle()
      await store.append("s", [])
      mustEqual("A stream that is removed through this log", resyncOf(here), {
        _tag: "Resync",
        reason: "unknown-stream"
      })
      mustEqual("All its followers are told", resyncOf(other), { _tag: "Resync", reason: "unknown-stream" })
      await stage.elsewhere("s", newIds(2))
      const again = await stage.follow("s")
      await stage.settle()
      await store.remove("s")
      await stage.elsewhere("s", newIds(2))
      await stage.wait()
      const head = (await store.head("s"))!.cursor
      mustEqual("A stream that another removed and made again", resyncOf(again), {
        _tag: "Resync",
        reason: "unknown-epoch",
        head
      })
    })
  }
)

const c5 = law(
  "C5 replay-cap",
  "A gap equal to the cap is replayed; one more event gets a resync that says from where to where.",
  async (bench) => {
    const store = await bench.store()
    await Stage.use(store, undefined, async (stage) => {
      await stage.elsewhere("s", newIds(7))
      const all = await stage.stored("s")
      const cursorAt = (seq: number) => ({ epoch: all[seq - 1]!.epoch, seq })
      for (const from of [0, 1, 6, 7]) {
        const gap = 7 - from
        const enough = await stage.follow("s", from, { replayCap: gap })
        await stage.settle()
        await stage.mustHaveAll(enough)
        if (gap === 0) continue
        const short = await stage.follow("s", from, { replayCap: gap - 1 })
        await stage.settle()
        const survived = from === 0 ? undefined : cursorAt(from)
        mustEqual(`A gap of ${gap}, one over the cap`, short.items, [
          { _tag: "Resync", reason: "too-far", survived, head: cursorAt(7) }
        ])
        mustEqual("It ends", short.state(), "ended")
      }
      const sleeper = await stage.follow("s", 7, { replayCap: 2, bufferEvents: 2 })
      await stage.settle()
      sleeper.asleep = true
      await stage.log.append("s", chunk("a"))
      await stage.settle()
      for (const id of ["b", "c", "d"]) await stage.log.append("s", chunk(id))
      sleeper.asleep = false
      await stage.settle()
      await stage.settle()
      mustEqual(
        "One who slept over more than the cap",
        sleeper.items.map(({ _tag }) => _tag),
        ["CaughtUp", "Events", "Lagged", "Resync"]
      )
    })
  }
)

const c12 = law(
  "C12 caught-up-marker",
  "A follow says when it has caught up, also on a stream that doesn't exist, and then goes on with its first event.",
  async (bench) => {
    const store = await bench.store()
    await Stage.use(store, undefined, async (stage) => {
      const empty = await stage.follow("empty")
      await stage.elsewhere("full", newIds(3))
      const full = await stage.follow("full")
      await stage.settle()
      mustEqual("On an empty stream", empty.items, [{ _tag: "CaughtUp" }])
      mustEqual(
        "Behind what is stored",
        full.items.map((item) => [item._tag, item._tag === "CaughtUp" ? item.cursor?.seq : undefined]),
        [
          ["Events", undefined],
          ["CaughtUp", 3]
        ]
      )
      await stage.log.append("empty", chunk("first"))
      await stage.settle()
      await stage.mustHaveAll(empty)
      mustEqual("Told once", empty.items.filter(({ _tag }) => _tag === "CaughtUp").length, 1)
    })
  }
)

export const followLaws: ReadonlyArray<Law> = [c2, c4, c5, c12]
