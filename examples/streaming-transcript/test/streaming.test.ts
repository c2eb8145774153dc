/** The failure that was (PostHog/code #3147): each flush of 15 events was 15 store writes, each as long as the transcript. */
import { MemoryStorage, Varve } from "@varve/core"
import { describe, expect, test } from "vitest"
import { Session } from "../src/Session.ts"
import { Transcript } from "../src/Transcript.ts"
import { bundle } from "../stage/bundle.ts"
import { expected } from "../stage/expected.ts"
import { eventAt, eventsPerFlush } from "../stage/stream.ts"

const flushes = 40

/** The log of a session of so many events, its view, and what a flush did to them. */
const streaming = async (events: number) => {
  const log = await Varve.open({ events: Session, storage: MemoryStorage.layer })
  for (let n = 0; n < events; n += 1000)
    await log.append(
      "s-1",
      Array.from({ length: 1000 }, (_, i) => eventAt(n + i))
    )
  const view = log.view("s-1", Transcript)
  let told = 0
  let live = view.subscribe(() => undefined)
  await expect.poll(() => view.getSnapshot().status).toBe("live")
  live()
  live = view.subscribe(() => void told++)
  const rows = () => view.getSnapshot().state.rows
  let streamed = events
  const flush = async () => {
    const before = { rows: rows().toArray(), told, appends: log.effect.storage.counters!().appends }
    for (let i = 0; i < eventsPerFlush; i++) log.record("s-1", eventAt(streamed++))
    await log.flush()
    const after = rows().toArray()
    return {
      writes: log.effect.storage.counters!().appends - before.appends,
      told: told - before.told,
      changed: after.filter((row, i) => row !== before.rows[i]).map(({ id }) => id)
    }
  }
  return { log, rows, flush, [Symbol.asyncDispose]: () => (live(), log.close()) }
}

describe.each([1000, 30_000])("a transcript of %i events that streams", (events) => {
  test("15 events are one write and one notification, and change the rows that they are of", async () => {
    await using session = await streaming(events)
    for (let i = 0; i < flushes; i++) {
      const flushed = await session.flush()
      expect(flushed).toMatchObject({ writes: 1, told: 1 })
      const first = events + i * eventsPerFlush
      const { changes } = expected(first + eventsPerFlush, first)
      expect(new Set(flushed.changed)).toEqual(new Set(changes.keys()))
    }
  })

  test("what is shown is what was streamed, complete and in order", async () => {
    await using session = await streaming(events)
    for (let i = 0; i < flushes; i++) await session.flush()
    const { rows } = expected(events + flushes * eventsPerFlush, 0)
    expect(
      session
        .rows()
        .toArray()
        .map(({ id, text }) => [id, text])
    ).toEqual([...rows])
  })
})

test("the page is one for a browser", async () => {
  const html = await bundle("production")
  expect(html).toContain('<div id="root">')
  expect(html).not.toMatch(/from\s*"node:/)
})
