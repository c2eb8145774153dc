/** C6 to C8: what must not disturb a follower: slow ones beside it, hints that don't come, events of other lanes. */
import { StorageError } from "@varve/core"
import { Effect, Queue, Stream } from "effect"
import * as fc from "fast-check"
import { must, mustEqual } from "../Broken.ts"
import { type Law, law } from "../Law.ts"
import { Session } from "../Session.ts"
import { Stage } from "../Stage.ts"
import { chunk, Ids, idsOf, newIds } from "../Viewed.ts"

const c6 = law(
  "C6 slow-follower",
  "A follower that sleeps, a listener that throws and one that vanishes hold up neither appends nor others. What waits for a sleeper is bounded; it is told how much was dropped, and reads all of it when it comes back.",
  async (bench) => {
    const store = await bench.store()
    await Stage.use(store, undefined, async (stage) => {
      const { log } = stage
      await log.append("s", chunk("first"))
      const sleeper = await stage.follow("s", 0, { bufferEvents: 5 })
      const gone = await stage.follow("s")
      const awake = await stage.follow("s")
      const view = log.view("s", Ids)
      let told = 0
      view.subscribe(() => {
        throw new Error("a listener's own mistake")
      })
      view.subscribe(() => void told++)
      await stage.settle()
      told = 0
      sleeper.asleep = true
      await log.append("s", chunk("taken"))
      await stage.settle()
      gone.stop()
      for (let i = 0; i < 8; i++) await log.append("s", [chunk(`a${i}`), chunk(`b${i}`)])
      await stage.settle()
      await stage.mustHaveAll(awake)
      mustEqual("Notifications of a view beside one that throws, one a group", told, 9)
      const ended = gone.items.length
      sleeper.asleep = false
      await stage.settle()
      await stage.settle()
      await stage.mustHaveAll(sleeper)
      mustEqual("Who left is told nothing more", gone.items.length, ended)
      // 2 groups of 2 fit into 5; the third and all behind it are dropped with them.
      mustEqual(
        "What a sleeper is told",
        sleeper.items.filter(({ _tag }) => _tag === "Lagged"),
        [{ _tag: "Lagged", dropped: 16 }]
      )
    })
  }
)

const c7 = law(
  "C7 hints-are-hints",
  "What other processes write is found by a poll, without any hint; with a hint it is found before. While nobody follows nothing is polled, and one poll serves all.",
  async (bench) => {
    const store = await bench.store()
    const hints = Effect.runSync(Queue.unbounded<string>())
    let polls = 0
    let failing = false
    const service = {
      ...store.service,
      hints: Stream.fromQueue(hints),
      heads: (selection: Parameters<typeof store.service.heads>[0]) =>
        Effect.suspend(() => {
          polls++
          return failing
            ? Effect.fail(new StorageError({ operation: "heads", cause: "away" }))
            : store.service.heads(selection)
        })
    }
    const use = async (stage: Stage): Promise<void> => {
      must(stage.waiting === 0, "Nothing is polled while nobody follows")
      await stage.elsewhere("s", newIds(1))
      const followed = [await stage.follow("s"), await stage.follow("s"), await stage.follow("t")]
      await stage.settle()
      mustEqual("Timers while somebody follows", stage.waiting, 1)
      await stage.elsewhere("s", newIds(2))
      await stage.elsewhere("t", newIds(2))
      await stage.settle()
      polls = 0
      stage.tick()
      await stage.settle()
      mustEqual("Polls for three followers of two streams", polls, 1)
      for (const one of followed) await stage.mustHaveAll(one)

      await stage.elsewhere("t", newIds(1))
      Queue.offerUnsafe(hints, "a stream that nobody follows")
      Queue.offerUnsafe(hints, "t")
      await stage.settle()
      await stage.mustHaveAll(followed[2]!)

      failing = true
      await stage.elsewhere("s", newIds(1))
      stage.tick()
      await stage.settle()
      failing = false
      await stage.wait()
      for (const one of followed) await stage.mustHaveAll(one)
      for (const one of followed) one.stop()
      await stage.settle()
      mustEqual("Timers when nobody follows any more", stage.waiting, 0)

      const all = stage.log.viewAll(Ids)
      all.subscribe(() => undefined)
      await stage.settle()
      await stage.elsewhere("s", newIds(2))
      await stage.elsewhere("u", newIds(2))
      await stage.wait()
      for (const name of ["s", "t", "u"])
        mustEqual(`What a view of all shows of ${name}`, all.getSnapshot().streams.get(name)?.state.ids, [
          ...(await idsOf(stage, name))
        ])
    }
    await Stage.use(store, undefined, use, { service })
  }
)

const c8 = law(
  "C8 contiguous",
  "What is told of other streams, of attention or of volatile events moves no cursor: a follower that goes on from any cursor it was given misses nothing.",
  (bench) =>
    bench.property(
      fc.array(
        fc.tuple(
          fc.constantFrom("s", "t"),
          fc.constantFrom("Chunk", "Asked", "Typing", "elsewhere", "asked elsewhere")
        ),
        {
          maxLength: 10
        }
      ),
      async (store, steps) =>
        Stage.use(store, undefined, async (stage) => {
          const { log } = stage
          const name = store.name("s")
          const followed = await stage.follow(name)
          const lane: Array<string> = []
          const asking = log.attention()[Symbol.asyncIterator]()
          void (async () => {
            for (let item = await asking.next(); item.done !== true; item = await asking.next())
              if (item.value._tag === "Attention") lane.push(`${item.value.stream} ${item.value.event.seq}`)
          })()
          await stage.settle()
          for (const [i, [at, kind]] of steps.entries()) {
            const text = `${i}`
            if (kind.endsWith("elsewhere"))
              await stage.elsewhere(store.name(at), [text], kind === "elsewhere" ? "Chunk" : "Asked")
            else log.record(store.name(at), Session[kind as "Chunk"]({ text }, { id: text }))
            if (i % 3 === 2) stage.tick()
            await stage.settle()
          }
          await stage.wait()
          await stage.mustHaveAll(followed)
          const stored = await stage.stored(name)
          for (const item of followed.items) {
            if (item._tag !== "Events") continue
            const again = stage.followAfter(name, item.cursor, { from: item.cursor.seq })
            await stage.settle()
            await stage.mustHaveAll(again)
            again.stop()
          }
          const wanted = [...stored, ...(await stage.stored(store.name("t")))]
            .filter(({ type }) => type === "Asked")
            .map(({ seq, stream: asked }) => `${asked} ${seq}`)
          mustEqual("The attention events that were told", [...new Set(lane)].sort(), wanted.sort())
          await asking.return?.()
        }),
      { share: 0.4 }
    )
)

export const disturbanceLaws: ReadonlyArray<Law> = [c6, c7, c8]
