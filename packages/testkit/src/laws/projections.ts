/** docs/laws.md, section 5 as a user of projections meets it: states, snapshots, seals, decisions and copies. */
import {
  allStreams,
  type CopyOptions,
  DecisionFailed,
  Projection,
  type PromiseLog,
  Rows,
  snapshotCheck,
  type StoredSnapshot
} from "@varve/core"
import { Schema } from "effect"
import * as fc from "fast-check"
import { must, mustEqual } from "../Broken.ts"
import { type Law, law } from "../Law.ts"
import { Session } from "../Session.ts"
import { freshState, withShelf } from "../Shelf.ts"
import type { Store } from "../Store.ts"

const Line = Schema.Struct({ id: Schema.String, text: Schema.String })
const Lines = Rows.of(Line, (line) => line.id)

/** A row a turn, the texts of its chunks in it; and the first row holds the number of turns. */
const Page = Projection.make(Session, {
  name: "page",
  version: 1,
  state: Schema.Struct({ lines: Lines, turns: Schema.Number }),
  initial: () => ({ lines: Lines.empty(), turns: 0 }),
  on: {
    Chunk: ({ lines, turns }, { data }) => {
      const id = `line ${turns}`
      if (!lines.update(id, (line) => ({ id, text: line.text + data.text })))
        lines.append({ id, text: data.text })
    },
    TurnEnded: (page, { data }) => {
      page.turns++
      page.lines.update("line 0", (line) => ({ ...line, text: `${line.text}|${data.text}` }))
    }
  }
})

const told = ({ lines, turns }: Page) => ({ lines: lines.toArray(), turns })
type Page = (typeof Page)["state"]["Type"]

/** What a page must be, worked out from the texts and not by folding: `.` ends a turn. */
const pageOf = (texts: ReadonlyArray<string>) => {
  const turns = texts.join("").split(".")
  const ends = turns.length - 1
  return {
    lines: turns.flatMap((text, i) => {
      // The first row tells each turn that ended behind it; an empty turn has no row.
      const marks = i === 0 && text !== "" ? "|.".repeat(ends) : ""
      return text === "" ? [] : [{ id: `line ${i}`, text: text + marks }]
    }),
    turns: ends
  }
}

const eventOf = (text: string) => (text === "." ? Session.TurnEnded({ text: "." }) : Session.Chunk({ text }))

const chunks = (count: number, text = "x") => Array.from({ length: count }, () => Session.Chunk({ text }))

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

export const stateLaws: ReadonlyArray<Law> = [
  law(
    "N1 cut-anywhere",
    "Wherever snapshots are taken, and however often the log is closed and opened in between, a state is what folding all events from the start gives.",
    (bench) =>
      bench.property(
        fc.array(
          fc.record({
            texts: fc.array(fc.constantFrom("a", "b", "."), { maxLength: 5 }),
            next: fc.constantFrom("ask", "snapshot", "nothing", "close")
          }),
          { maxLength: 12 }
        ),
        async (store, steps) => {
          const s = store.name("s")
          const texts: Array<string> = []
          let left = steps
          while (left.length > 0) {
            const end = left.findIndex(({ next }) => next === "close")
            const part = end < 0 ? left : left.slice(0, end + 1)
            left = left.slice(part.length)
            await withShelf(store, async ({ log }) => {
              const asked: Array<readonly [Page, ReturnType<typeof pageOf>]> = []
              for (const { texts: more, next } of part) {
                for (const text of more) log.record(s, eventOf(text))
                texts.push(...more)
                if (next === "snapshot") await log.snapshot(s, Page)
                if (next === "ask") asked.push([await log.state(s, Page), pageOf(texts)])
              }
              // Only now: an answer stays as it was while the fold goes on.
              for (const [state, wanted] of asked) mustEqual("the state", told(state), wanted)
            })
          }
          mustEqual("the state, opened anew", told(await freshState(store, s, Page)), pageOf(texts))
          const states = await withShelf(store, ({ log }) => log.states({ streams: [s] }, Page))
          const wanted = texts.length === 0 ? [] : [pageOf(texts)]
          mustEqual("among the states of many", Array.from(states.values(), told), wanted)
        },
        { share: 0.5 }
      )
  ),
  law(
    "N1 over-all",
    "A projection over all streams, folded piece by piece over many openings, equals its rebuild and a count by hand; where a stream was removed, it tells what is left.",
    (bench) =>
      bench.property(
        fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.integer({ min: 1, max: 3 }), fc.boolean()), {
          minLength: 1,
          maxLength: 8
        }),
        async (store, steps) => {
          const counts: Record<string, number> = {}
          for (const [stream, count, remove] of steps) {
            await withShelf(store, async ({ log }) => {
              await log.append(stream, chunks(count))
              counts[stream] = (counts[stream] ?? 0) + count
              mustEqual("after more events", await log.stateOfAll(Tally), counts)
              if (!remove) return
              await log.remove(stream)
              delete counts[stream]
              mustEqual("after a removal", await log.stateOfAll(Tally), counts)
            })
          }
          await withShelf(store, async ({ log, look }) => {
            await log.append("long", chunks(300))
            counts["long"] = 300
            mustEqual("after a long tail", await log.stateOfAll(Tally), counts)
            look()
            mustEqual("asked again", await log.stateOfAll(Tally), counts)
            mustEqual("events read for it", look().events, 0)
            mustEqual("rebuilt", await log.stateOfAll(Tally, { rebuild: true }), counts)
          })
          await withShelf(store, async ({ log, look }) => {
            mustEqual("from its checkpoint", await log.stateOfAll(Tally), counts)
            mustEqual("events read for it", look().events, 0)
          })
          const [good] = await store.load(Tally.name, [allStreams])
          await store.save([{ ...good!, state: good!.state.replace("300", "301") }])
          await withShelf(store, async ({ log }) =>
            mustEqual("from a damaged one", await log.stateOfAll(Tally), counts)
          )
        },
        { fresh: true, share: 0.06 }
      )
  ),
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
  ),
  law(
    "N5 sealed-cache",
    "On a sealed stream a projection is folded once, stored, and then served with no scan, in this process and in the next, also when it was not asked between the seal and the end of the process; on an unsealed one every new event shows. A label changes nothing of it.",
    async (bench) => {
      const store = await bench.store()
      const s = store.name("s")
      await withShelf(store, async ({ log, look }) => {
        const texts: Array<string> = []
        for (const text of ["a", ".", "b"]) {
          await log.append(s, eventOf(text))
          texts.push(text)
          mustEqual("before the seal", told(await log.state(s, Page)), pageOf(texts))
        }
        await log.append(s, Session.Ended())
        mustEqual("sealed", told(await log.state(s, Page)), pageOf(texts))
        look()
        mustEqual("sealed, again", told(await log.state(s, Page)), pageOf(texts))
        await log.label(s, { title: "t" })
        mustEqual("labelled", told(await log.state(s, Page)), pageOf(texts))
        mustEqual("what was read for it", look(), { queries: 0, events: 0 })
        const other = store.name("other")
        await log.append(other, [eventOf("a"), Session.Ended()])
        for (const events of [2, 0]) {
          const all = await log.states({ streams: [other] }, Page)
          mustEqual("one of many", Array.from(all.values(), told), [pageOf(["a"])])
          mustEqual("events read for it", look().events, events)
        }
        // Sealed, and closed before anybody asks again.
        for (const how of ["append", "record"] as const) {
          const left = store.name(how)
          await log.append(left, eventOf("a"))
          await log.state(left, Page)
          await log[how](left, Session.Ended())
        }
      })
      await withShelf(store, async ({ log, look, saved }) => {
        const wanted = pageOf(["a", ".", "b"])
        mustEqual("in the next process", told(await log.state(s, Page)), wanted)
        const all = await log.states({ streams: [s] }, Page)
        mustEqual("among others", Array.from(all.values(), told), [wanted])
        for (const how of ["append", "record"])
          mustEqual(`sealed by ${how} and left`, told(await log.state(store.name(how), Page)), pageOf(["a"]))
        mustEqual("what was read for it", look(), { queries: 0, events: 0 })
        mustEqual("what was stored for it", saved, [])
      })
    }
  ),
  law(
    "N5 write-back",
    "A snapshot that cannot be saved is told and delays no answer; the next ask saves it.",
    async (bench) => {
      const store = await bench.store()
      const s = store.name("s")
      await withShelf(store, async (shelf) => {
        const { failures, log, look, saved } = shelf
        await log.append(s, [eventOf("a"), Session.Ended()])
        shelf.failing = true
        mustEqual("the state", told(await log.state(s, Page)), pageOf(["a"]))
        await soon(() => failures.length === 1, "the failure is told")
        mustEqual("what is told", [failures[0]!.stream, failures[0]!.projection], [s, Page.name])
        shelf.failing = false
        look()
        mustEqual("the state, again", told(await log.state(s, Page)), pageOf(["a"]))
        await soon(() => saved.length === 1, "the snapshot is saved at the next ask")
        mustEqual("what was read for it", look(), { queries: 0, events: 0 })
      })
    }
  ),
  law(
    "N6 single-flight",
    "However many ask for one state at once, it is folded once; each sees what was recorded before it asked.",
    async (bench) => {
      const store = await bench.store()
      const s = store.name("s")
      let folded = 0
      const Counted = Projection.make(Session, {
        ...Page,
        any: () => {
          folded++
        }
      })
      await withShelf(store, async ({ log }) => {
        await log.append(s, chunks(200))
        const asks = Array.from({ length: 50 }, () => log.state(s, Counted))
        for (const page of await Promise.all(asks))
          mustEqual("a state", told(page), pageOf(["x".repeat(200)]))
        mustEqual("events folded for 50 asks", folded, 200)
        const later: Array<Promise<Page>> = []
        for (let i = 0; i < 20; i++) {
          log.record(s, eventOf("y"))
          later.push(log.state(s, Counted))
          if (i % 5 === 0) await Promise.resolve()
        }
        for (const [i, page] of (await Promise.all(later)).entries()) {
          const { length } = told(page).lines[0]!.text
          must(
            length >= 201 + i,
            () => `ask ${i} sees what was recorded before it: ${201 + i} events, not ${length}`
          )
        }
        mustEqual("events folded in all", folded, 220)
      })
    }
  ),
  law(
    "N7 growth",
    "All snapshots written over a stream's life, of a state that grows with it, stay under four times the last in bytes, however often the log is closed and opened and the state asked; of one that doesn't grow, they stay under the stream's own bytes beside that. And still no tail grows longer than half of what is stored.",
    async (bench) => {
      const store = await bench.store()
      const s = store.name("s")
      const size = { grows: 0, stays: 0 }
      const last = { grows: 0, stays: 0 }
      let tail = 0
      const note = (saved: ReadonlyArray<StoredSnapshot>): void => {
        for (const { projection, state } of saved) {
          const which = projection === Page.name ? "grows" : "stays"
          size[which] += state.length
          last[which] = state.length
        }
      }
      const text = "0123456789".repeat(4)
      for (let opening = 0; opening < 40; opening++) {
        await withShelf(store, async ({ log, look, saved }) => {
          await log.state(s, Page)
          tail = Math.max(tail, look().events / Math.max(512, 100 * opening))
          for (let i = 0; i < 4; i++) {
            await log.append(s, chunks(25, text))
            await log.state(s, Page)
            await log.stateOfAll(Tally)
            await log.state(s, Tally)
          }
          await log.close()
          note(saved.filter((one) => one.stream === s))
        })
      }
      await withShelf(store, async ({ log, saved }) => {
        await log.append(s, Session.Ended())
        await log.state(s, Page)
        await log.state(s, Tally)
        await log.close()
        note(saved)
      })
      must(last.grows > 4000 * text.length, "the last snapshot holds all")
      must(
        size.grows < 4 * last.grows,
        () => `${size.grows} bytes of snapshots were written, the last has ${last.grows}`
      )
      must(
        size.stays < 4 * last.stays + last.grows,
        () => `${size.stays} bytes of small snapshots were written, the last has ${last.stays}`
      )
      must(tail <= 0.5, () => `an opening folded a tail of ${tail} of the stream`)
    }
  ),
  law(
    "A7 decide",
    "Deciders of many logs on one stream, all at once, make a legal history: each decision was made on the state right before it.",
    async (bench) => {
      const store = await bench.store()
      const s = store.name("s")
      const seats = 24
      /** Takes a seat while there is one: its number is the state that was decided on. */
      const take = ({ lines }: Page) => {
        const taken = lines.size === 0 ? 0 : lines.at(0)!.text.length
        return taken < seats ? Session.Chunk({ text: String.fromCodePoint(65 + taken) }) : undefined
      }
      const decider = async (log: PromiseLog<typeof Session>): Promise<number> => {
        let taken = 0
        for (;;) {
          try {
            if ((await log.decide(s, Page, take)) === undefined) return taken
            taken++
          } catch (error) {
            if (!(error instanceof DecisionFailed)) throw error
          }
        }
      }
      const taken = await Promise.all(
        Array.from({ length: 4 }, () =>
          withShelf(store, ({ log }) => Promise.all([decider(log), decider(log)]), { slow: true })
        )
      )
      const wanted = Array.from({ length: seats }, (_, i) => String.fromCodePoint(65 + i))
      const texts = (await store.read(s)).map((event) => (JSON.parse(event.data) as { text: string }).text)
      mustEqual("the seats, in order", texts, wanted)
      const sum = taken.flat().reduce((one, other) => one + other, 0)
      mustEqual("decisions that were told as made", sum, seats)
    }
  ),
  law(
    "D5 copy",
    "A copy holds the events as they are stored, up to where it was asked for, with the seal and attributes; cut off and begun again, it adds what is missing and nothing twice.",
    (bench) =>
      bench.property(
        fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 14 }), fc.boolean()),
        async (store, [count, cut, sealed]) => {
          const [from, to] = [store.name("from"), store.name("to")]
          const events = [...chunks(count), ...(sealed ? [Session.Ended()] : [])]
          await withShelf(store, async ({ log }) => {
            await log.append(from, events, { attributes: { project: "p" } })
            const most = Math.min(cut, events.length)
            const part = await log.copy(from, to, { upTo: cut })
            mustEqual("copied up to the cut", [part.copied, part.duplicates], [most, 0])
            const rest = await log.copy(from, to)
            mustEqual("copied by the second", [rest.copied, rest.duplicates], [events.length - most, most])
            mustEqual("the head", [rest.head?.sealed, rest.head?.attributes], [sealed, { project: "p" }])
          })
          const strip = async (stream: string) =>
            (await store.read(stream)).map(({ id, seq, type, version, at, data, meta, seals }) => ({
              id,
              seq,
              type,
              version,
              at,
              data,
              meta,
              seals
            }))
          mustEqual("the copy", await strip(to), await strip(from))
        },
        { share: 0.3 }
      )
  ),
  law(
    "D5 mapped-copy",
    "A copy under a map holds what the map answers, in order: changed events under their ids, others as they are stored, nothing of those left out; begun again, it adds nothing.",
    (bench) =>
      bench.property(
        fc.array(fc.constantFrom("keep", "change", "leave"), { minLength: 1, maxLength: 12 }),
        async (store, fates) => {
          const [from, to] = [store.name("from"), store.name("to")]
          const map: CopyOptions<typeof Session>["map"] = (event) => {
            const fate = fates[event.seq - 1]
            if (event.type !== "Chunk" || fate === "keep") return event
            return fate === "leave" ? undefined : { ...event, data: { ...event.data, text: "***" } }
          }
          const left = fates.filter((fate) => fate !== "leave").length
          await withShelf(store, async ({ log }) => {
            await log.append(from, chunks(fates.length))
            const first = await log.copy(from, to, { map })
            mustEqual("copied", [first.copied, first.duplicates], [left, 0])
            const again = await log.copy(from, to, { map })
            mustEqual("copied again", [again.copied, again.duplicates], [0, left])
          })
          const wanted = (await store.read(from)).flatMap(({ at, data, id }, i) =>
            fates[i] === "leave" ? [] : [{ id, at, data: fates[i] === "change" ? '{"text":"***"}' : data }]
          )
          mustEqual(
            "the copy",
            (await store.read(to)).map(({ at, data, id }) => ({ id, at, data })),
            wanted
          )
        },
        { share: 0.3 }
      )
  )
]

/** Chunks by stream: a small state. */
const Tally = Projection.make(Session, {
  name: "tally",
  version: 1,
  state: Schema.Record(Schema.String, Schema.Number),
  initial: () => ({}),
  on: {
    Chunk: (tally, { stream }) => {
      tally[stream] = (tally[stream] ?? 0) + 1
    }
  }
})

const soon = async (holds: () => boolean, what: string): Promise<void> => {
  for (let i = 0; i < 200 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 5))
  must(holds(), `Within a second ${what}`)
}
