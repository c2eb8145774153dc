/**
 * A transcript that streams: 60 flushes a second of 15 events each, from `record` to what a selector shows, in a tight
 * loop. 11 of 12 events are chunks of 80 characters, a row each; 1 of 12 is a tool update of 2 KB over 40 tool ids.
 */
import { MemoryStorage, Projection, type PromiseLog, Rows, Varve, type View } from "@varve/core"
import { Schema } from "effect"
import { produce } from "immer"
import { PerformanceObserver } from "node:perf_hooks"
import { Session } from "../load.ts"
import { constant, type Row, type Side } from "../measure.ts"

const flushes = 60
const eventsPerFlush = 15
const text = "x".repeat(80)
const output = "y".repeat(2048)
const tools = Array.from({ length: 40 }, (_, i) => `tool-${i}`)

interface Line {
  readonly id: string
  readonly text: string
}
const Line = Schema.Struct({ id: Schema.String, text: Schema.String })
const Lines = Rows.of(Line, ({ id }) => id)

const Transcript = Projection.make(Session, {
  name: "transcript",
  version: 1,
  state: Schema.Struct({ lines: Lines }),
  initial: () => ({ lines: Lines.empty() }),
  on: {
    Chunk: ({ lines }, { data }) => void lines.append({ id: data.messageId, text: data.text }),
    ToolUpdated: ({ lines }, { data }) => lines.set({ id: data.callId, text: data.output })
  }
})

let made = 0
/** The n-th event of a transcript. */
const eventAt = (n: number) =>
  n % 12 === 11
    ? Session.ToolUpdated({ callId: tools[((n / 12) % 40) | 0]!, output })
    : Session.Chunk({ messageId: `m${made++}`, text })

/** A log in memory whose timers wait until they are told. */
const openTranscript = async (events: number) => {
  let due: (() => void) | undefined
  const log = await Varve.open({
    events: Session,
    storage: MemoryStorage.layer,
    setTimer: (run, ms) => {
      if (ms === 16) due = run
      return () => undefined
    }
  })
  for (let n = 0; n < events;) {
    const batch = []
    for (const end = Math.min(events, n + 1000); n < end; n++) batch.push(eventAt(n))
    await log.append("s", batch)
  }
  const view: View<{ readonly lines: Rows.Rows<Line> }> = log.view("s", Transcript)
  const last = view.select(({ state }) => state.lines.at(-1))
  await new Promise<void>((resolve) => {
    const stop = view.subscribe(() => {
      if (view.getSnapshot().status !== "live") return
      stop()
      resolve()
    })
  })
  let told = 0
  last.subscribe(() => {
    told++
    last.getSnapshot()
  })
  return {
    log,
    /** One streamed second. Answers the milliseconds that its longest flush took. */
    second: async (): Promise<number> => {
      let longest = 0
      for (let flush = 0; flush < flushes; flush++) {
        const before = told
        const start = performance.now()
        for (let i = 0; i < eventsPerFlush; i++) log.record("s", eventAt(i))
        due!()
        // A writer that is kept busy lets others in now and then.
        while (told === before) await new Promise((resolve) => void setImmediate(resolve))
        longest = Math.max(longest, performance.now() - start)
      }
      return longest
    }
  }
}

/** What streaming `seconds` of them took: microseconds a second, those of collections among them, ms of the longest flush. */
interface Streamed {
  readonly work: number
  readonly gc: number
  readonly pause: number
}

const stream = async (second: () => Promise<number>, seconds: number): Promise<Streamed> => {
  let gc = 0
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) gc += duration
  })
  observer.observe({ entryTypes: ["gc"] })
  let pause = 0
  const start = performance.now()
  for (let i = 0; i < seconds; i++) pause = Math.max(pause, await second())
  const work = performance.now() - start
  await new Promise((resolve) => void setTimeout(resolve, 1))
  observer.disconnect()
  return { work: (work / seconds) * 1000, gc: (gc / seconds) * 1000, pause }
}

/** Of streamed seconds, what is asked of them. */
const varve = (events: number, seconds: number, asked: keyof Streamed = "work"): Side => {
  let log: PromiseLog<typeof Session> | undefined
  let second: () => Promise<number>
  return {
    prepare: async () => {
      // The longest take long to make, and what a run adds is little beside them.
      if (log === undefined || events < 300_000) {
        await log?.close()
        ;({ log, second } = await openTranscript(events))
      }
      // Warm, and what the view let go of is collected.
      for (let i = 0; i < 20; i++) await second()
    },
    run: async () => (await stream(second, seconds))[asked],
    end: () => log?.close()
  }
}

interface Store {
  readonly lines: ReadonlyArray<Line>
  readonly places: Readonly<Record<string, number>>
}

/** A store of the kind that transcripts are kept in elsewhere: the write alone, nothing stored, no id, no listener. */
const immer = (events: number, seconds: number, eventsAtOnce: number): Side => {
  let store: Store
  const write = (from: number, count: number): void => {
    store = produce(store, (draft) => {
      for (let n = from; n < from + count; n++) {
        const { data } = eventAt(n)
        if ("callId" in data) {
          const line = { id: data.callId, text: data.output }
          const place = draft.places[line.id]
          if (place === undefined) draft.places[line.id] = draft.lines.push(line) - 1
          else draft.lines[place] = line
        } else {
          draft.lines.push({ id: data.messageId, text: data.text })
        }
      }
    })
  }
  const second = (): void => {
    for (let flush = 0; flush < flushes; flush++)
      for (let i = 0; i < eventsPerFlush; i += eventsAtOnce) write(i, eventsAtOnce)
  }
  return {
    prepare: () => {
      store = { lines: [], places: {} }
      write(0, events)
      second()
    },
    run: () => {
      const start = performance.now()
      for (let i = 0; i < seconds; i++) second()
      return ((performance.now() - start) / seconds) * 1000
    }
  }
}

/** Streamed seconds of a run. Where lengths are compared they are 10, or the short one would not stay short. */
const seconds = 100

export const liveRows: ReadonlyArray<Row> = [
  {
    id: "stream-burst-10k",
    what: "a streamed second from 10k events on, over 100 of them (then it is 100k long) / over 10",
    unit: "us",
    goal: { atMost: 1.2 },
    ours: () => varve(10_000, seconds),
    theirs: () => varve(10_000, 10)
  },
  {
    id: "stream-burst-10k-gc",
    what: "of a streamed second, over 100 of them, the collections / the whole",
    unit: "us",
    goal: "told",
    ours: () => varve(10_000, seconds, "gc"),
    theirs: () => varve(10_000, seconds)
  },
  {
    id: "stream-burst-10k-pause",
    what: "the longest flush of 100 streamed seconds, collections included / a frame at 60 a second",
    unit: "ms",
    goal: "told",
    ours: () => varve(10_000, seconds, "pause"),
    theirs: () => constant(1000 / 60)
  },
  {
    id: "stream-burst-30k-event",
    what: "a streamed second at 30k events, record to selector / a store of immer written per event",
    unit: "us",
    goal: { atMost: 0.01 },
    ours: () => varve(30_000, seconds),
    theirs: () => immer(30_000, 1, 1)
  },
  {
    id: "stream-burst-30k",
    what: "a streamed second at 30k events, record to selector / a store of immer written per flush",
    unit: "us",
    goal: { atMost: 0.1 },
    ours: () => varve(30_000, seconds),
    theirs: () => immer(30_000, 5, eventsPerFlush)
  },
  {
    id: "stream-burst-300k",
    what: "a streamed second at 300k events / at 10k",
    unit: "us",
    goal: { atMost: 1.2 },
    ours: () => varve(300_000, 10),
    theirs: () => varve(10_000, 10)
  },
  {
    id: "stream-burst-1m",
    what: "a streamed second at 1,000,000 events / at 10k",
    unit: "us",
    goal: { atMost: 1.2 },
    ours: () => varve(1_000_000, 10),
    theirs: () => varve(10_000, 10)
  }
]
