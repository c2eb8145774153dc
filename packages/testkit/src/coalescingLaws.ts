/**
 * What recording does to events of one's own: whatever is coalesced, they are stored in their order, each once, come
 * back as they were, and fold to what they fold to one by one (laws O1, O4, A8).
 */
import { type EventSet, MemoryStorage, type Projection, type PromiseLog, Varve } from "@varve/core"
import * as fc from "fast-check"
import { describe, test } from "vitest"
import { Broken, must } from "./Broken.ts"
import { tell } from "./tell.ts"

/** What {@link coalescingLaws} try. */
export interface CoalescingLawOptions<E extends EventSet.Any, S> {
  /** What may happen in a stream; no event that seals it but the last. */
  readonly recorded: fc.Arbitrary<ReadonlyArray<EventSet.Appendable<E>>>
  /** Folded both ways. */
  readonly projection?: Projection.Projection<E, S> | undefined
  /** How often each is tried, 100 by default. */
  readonly runs?: number | undefined
  readonly seed?: number | undefined
}

/** Registers the laws for an event set. */
export const coalescingLaws = <E extends EventSet.Any, S>(
  events: E,
  { projection, recorded, runs = 100, seed }: CoalescingLawOptions<E, S>
): void => {
  const both = fc.tuple(recorded, fc.infiniteStream(fc.nat({ max: 5 })))
  const holds = (name: string, check: (log: PromiseLog<E>) => Promise<void>) =>
    test(name, async () => {
      const property = fc.asyncProperty(both, async ([all, pauses]) => {
        await using log = await Varve.open({ events, storage: MemoryStorage.layer })
        for (const event of all) {
          log.record("together", event as EventSet.New<E>)
          await log.append("single", event)
          // Now and then what was recorded is flushed, as a tick would.
          if (pauses.next().value === 0) await log.flush("together")
        }
        await log.flush()
        await check(log)
      })
      const result = await fc.check(property, { numRuns: runs, ...(seed === undefined ? {} : { seed }) })
      if (!result.failed) return
      const { counterexample, errorInstance } = result
      const reason = errorInstance instanceof Error ? errorInstance.message : String(errorInstance)
      throw new Broken(
        `${name} (seed ${result.seed})\n  ${reason}\n  events: ${fc.stringify(counterexample?.[0])}`
      )
    })

  describe("coalescing", () => {
    holds("what is recorded is stored in its order, each once, as it was", async (log) => {
      const stored = async (stream: string) => {
        const found: Array<unknown> = []
        for await (const { data, id, seq, type } of log.read(stream)) found.push({ seq, id, type, data })
        return tell(found)
      }
      const [together, single] = [await stored("together"), await stored("single")]
      must(together === single, () => `recorded: ${together}\n  appended: ${single}`)
    })
    if (projection !== undefined) {
      holds(`${projection.name} folds it to the same`, async (log) => {
        const [together, single] = [
          await log.state("together", projection),
          await log.state("single", projection)
        ]
        const [a, b] = [projection.encode(together), projection.encode(single)]
        must(a === b, () => `recorded: ${a}\n  appended: ${b}`)
      })
    }
  })
}
