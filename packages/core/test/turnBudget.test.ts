/** Q3: synchronous work shares the event loop, however many wait for their turn. */
import { TurnBudget } from "@varve/core"
import { Effect } from "effect"
import { expect, test } from "vitest"

const work = (ms: number): void => {
  for (const end = performance.now() + ms; performance.now() < end;);
}

test("of a hundred that wait, a turn takes as many as its budget has room for, and all come to theirs", async () => {
  const turns = new TurnBudget(8)
  let turn = 0
  let isOver = false
  const count = (): void => {
    turn++
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  const done: Array<number> = []
  const piece = Effect.andThen(
    turns.free,
    Effect.sync(() => {
      work(3)
      done.push(turn)
    })
  )
  await Promise.all(Array.from({ length: 100 }, () => Effect.runPromise(piece)))
  isOver = true
  const most = Math.max(...done.map((one) => done.filter((other) => other === one).length))
  expect(done.length).toBe(100)
  // Three begin within 8 ms; immediates of two turns may count as one.
  expect(most).toBeLessThanOrEqual(6)
})

test("whoever comes first in a turn goes on at once", async () => {
  const turns = new TurnBudget(8)
  expect(turns.isSpent).toBe(false)
  work(9)
  expect(turns.isSpent).toBe(true)
  await new Promise((resolve) => void setImmediate(resolve))
  expect(turns.isSpent).toBe(false)
})
