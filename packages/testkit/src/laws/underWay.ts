/** What another process sees of a large append while it is under way: all of it or nothing (laws A2, A13, D3). */
import type { EncodedEvent } from "@varve/core"
import { must, mustEqual } from "../Broken.ts"
import { events } from "../generators/events.ts"
import { lawWhere } from "../Law.ts"
import type { Store } from "../Store.ts"

/** Large enough for another process to look, or for a kill to fall, in the midst of it. */
export const largeGroup = ({ limits }: Store, name: string): ReadonlyArray<EncodedEvent> =>
  events(Math.min(600, limits.groupEvents, Math.floor(limits.groupBytes / 64)), name)

/** Looks again and again until the work is done, and once more. */
const meanwhile = async (work: Promise<unknown>, look: () => Promise<void>): Promise<void> => {
  let underWay = true
  const done = work.finally(() => (underWay = false))
  // It is awaited below, unless a look finds something first.
  done.catch(() => undefined)
  while (underWay) {
    await look()
    // Its answer comes through the event loop.
    await new Promise((resolve) => setImmediate(resolve))
  }
  await done
  await look()
}

const a2SeenWhole = lawWhere(
  ["secondProcess"],
  "A2 seen-whole",
  "While one process appends a group, another sees all of it or nothing: heads and reads end where a group ends, and never before what was acknowledged.",
  async (bench) => {
    const reader = await bench.store()
    const writer = await reader.beside()
    const size = largeGroup(reader, "").length
    const isWhole = (what: string, seq: number, least: number) =>
      must(
        seq % size === 0 && seq >= least,
        () =>
          `${what} at seq ${seq} while groups of ${size} are appended, ${least} events of which are acknowledged`
      )
    for (let group = 0; group < 10; group++) {
      reader.forgetHistory()
      const known = group * size
      await meanwhile(writer.append("s", largeGroup(writer, `${group}.`)), async () => {
        const head = (await reader.head("s"))?.cursor.seq ?? 0
        isWhole("The head stands", head, known)
        const rest = await reader.events({ streams: ["s"], fromSeq: known + 1 })
        isWhole("A read ends", known + rest.length, head)
      })
    }
  }
)

const d3LargeGroups = lawWhere(
  ["sharedWriters", "secondProcess"],
  "D3 two-processes at-once",
  "Of two processes that append the same large group at once one stores it, and the other is told where it stands.",
  async (bench) => {
    const store = await bench.store()
    const other = await store.beside()
    for (let round = 0; round < 5; round++) {
      store.forgetHistory()
      const group = largeGroup(store, `${round}.`)
      // The other is asked first: its question has a way to go.
      const receipts = await Promise.all([other.append("s", group), store.append("s", group)])
      const seqs = group.map((_, i) => round * group.length + i + 1)
      for (const receipt of receipts) mustEqual("The seqs of a raced group", receipt.seqs, seqs)
      mustEqual(
        "How many of its events were told as duplicates, by each process",
        receipts.map(({ duplicates }) => duplicates.length).toSorted((a, b) => a - b),
        [0, group.length]
      )
      mustEqual("The end of the stream", (await store.head("s"))?.cursor.seq, seqs.at(-1))
    }
  }
)

const a13SeenTogether = lawWhere(
  ["atomicAcrossStreams", "secondProcess"],
  "A13 seen-together",
  "Where groups of one call commit together, another process that sees one of them sees the others with its next look.",
  async (bench) => {
    const reader = await bench.store()
    const writer = await reader.beside()
    const streams = Array.from({ length: 50 }, (_, i) => `s${i}`)
    /** Every call moves every stream by one event. */
    let calls = 0
    for (let call = 1; call <= 20; call++) {
      reader.forgetHistory()
      const asks = streams.map((stream) => ({ stream, events: events(1, `${call}.`) }))
      await meanwhile(writer.offerAll(asks), async () => {
        for (const stream of [streams[0]!, streams.at(-1)!]) {
          const seen = (await reader.head(stream))?.cursor.seq ?? 0
          must(
            seen >= calls,
            () =>
              `${stream} shows ${seen} calls, after another stream that each call moves as well showed ${calls}`
          )
          calls = seen
        }
      })
    }
  }
)

export const underWayLaws = [a2SeenWhole, d3LargeGroups, a13SeenTogether]
