/** Where a cursor goes on, over any history of crashes that took the ends of a stream. */
import { type Cursor, type Epoch, epochAt, resyncOf, type ResyncReason } from "@varve/core"
import * as fc from "fast-check"
import { expect, test } from "vitest"

/** How much each life of the stream appended, and how much of all was lost behind it. */
const lives = fc.array(fc.record({ appended: fc.integer({ min: 1, max: 4 }), lost: fc.nat(6) }), {
  minLength: 1,
  maxLength: 5
})

interface World {
  stored: ReadonlyArray<Cursor>
  epochs: ReadonlyArray<Epoch>
  /** What was stored when each cursor was given, up to it. */
  readonly given: Array<ReadonlyArray<Cursor>>
}

/** Epochs of which nothing is left may be forgotten, or stay in the list. */
const worldOf = (
  all: ReadonlyArray<{ readonly appended: number; readonly lost: number }>,
  forgets: boolean
): World => {
  const world: World = { stored: [], epochs: [], given: [] }
  for (const [life, { appended, lost }] of all.entries()) {
    world.epochs = [...world.epochs, { epoch: `epoch ${life}`, first: world.stored.length + 1 }]
    for (let i = 0; i < appended; i++) {
      world.stored = [...world.stored, { epoch: `epoch ${life}`, seq: world.stored.length + 1 }]
      world.given.push(world.stored)
    }
    world.stored = world.stored.slice(0, Math.max(0, world.stored.length - lost))
    if (forgets) world.epochs = world.epochs.filter(({ first }) => first <= world.stored.length)
  }
  return world
}

const reasonOf = ({ epochs }: World, { epoch }: Cursor): ResyncReason => {
  if (epochs.length === 0) return "unknown-stream"
  if (!epochs.some((one) => one.epoch === epoch)) return "unknown-epoch"
  return epochs.at(-1)!.epoch === epoch ? "future" : "lost"
}

test("C3: a cursor goes on exactly where its event survived; else it is told up to where the histories agree", () => {
  fc.assert(
    fc.property(lives, fc.boolean(), (all, forgets) => {
      const world = worldOf(all, forgets)
      const { epochs, given, stored } = world
      for (const history of given) {
        const cursor = history.at(-1)!
        const agree = history.filter(({ epoch, seq }) => stored[seq - 1]?.epoch === epoch)
        const reason = reasonOf(world, cursor)
        const known = reason === "future" || reason === "lost"
        expect(resyncOf(cursor, epochs, stored.length)).toEqual(
          agree.length === history.length ? undefined : { reason, survived: known ? agree.at(-1) : undefined }
        )
      }
    })
  )
})

test("each event is of the epoch that it was written under", () => {
  fc.assert(
    fc.property(lives, fc.boolean(), (all, forgets) => {
      const { epochs, stored } = worldOf(all, forgets)
      expect(stored.map(({ seq }) => epochAt(epochs, seq))).toEqual(stored.map(({ epoch }) => epoch))
    })
  )
})
