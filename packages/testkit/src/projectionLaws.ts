/**
 * What every projection must keep to, as tests for one of your own. Snapshots, views and piecewise folding rest on it,
 * and a handler breaks it in silence: by keeping something outside of the state, by a state that its schema doesn't
 * carry, by changing a row instead of replacing it.
 */
import { type EventSet, Projection, sameJson } from "@varve/core"
import * as fc from "fast-check"
import { describe, test } from "vitest"
import { Broken, must } from "./Broken.ts"

/** What a projection is tried with. */
export interface ProjectionLawOptions<E extends EventSet.Any> {
  /** What may happen in a stream: the more it is like real ones, the more is proven. */
  readonly events: fc.Arbitrary<ReadonlyArray<EventSet.Appendable<E>>>
  /** Whether it is folded over all streams (`stateOfAll`): then the order between streams must not count. */
  readonly overAll?: boolean | undefined
  /** How often each is tried, 100 by default. */
  readonly runs?: number | undefined
  readonly seed?: number | undefined
}

/** A law of projections, and what tries it: throws what breaks it, shrunk. */
interface Check {
  readonly name: string
  readonly check: () => void
}

/** The laws without a test runner. */
export const projectionChecks = <E extends EventSet.Any, S>(
  projection: Projection.Projection<E, S>,
  { events, overAll = false, runs = 100, seed }: ProjectionLawOptions<E>
): ReadonlyArray<Check> => {
  const stored = events.map((all) => Projection.asStored<E>(all, "a"))
  const whole = (all: Iterable<EventSet.Stored<E>>): string =>
    projection.encode(Projection.apply(projection, projection.initial(), all))
  const alike = (what: string, got: string, wanted: string): void =>
    must(sameJson(got, wanted), () => `${what}\n    is:        ${got}\n    should be: ${wanted}`)

  const check = <T>(name: string, arbitrary: fc.Arbitrary<T>, holds: (value: T) => void): Check => ({
    name,
    check: () => {
      const result = fc.check(
        fc.property(arbitrary, (value) => holds(value)),
        { numRuns: runs, ...(seed === undefined ? {} : { seed }) }
      )
      if (!result.failed) return
      const { counterexample, errorInstance } = result
      const reason = errorInstance instanceof Error ? errorInstance.message : String(errorInstance)
      throw new Broken(
        `Projection ${projection.name}: ${name} (seed ${result.seed})\n  ${reason}\n  events: ${fc.stringify(counterexample)}`
      )
    }
  })

  const cuts = fc.tuple(stored, fc.array(fc.nat({ max: 40 }), { maxLength: 4 }))
  const pieces = (all: ReadonlyArray<EventSet.Stored<E>>, at: ReadonlyArray<number>) => {
    const ends = [...at.map((cut) => cut % (all.length + 1)), all.length].toSorted((a, b) => a - b)
    return ends.map((end, i) => all.slice(i === 0 ? 0 : ends[i - 1], end))
  }

  const checks = [
    check("a state goes on from its snapshot, wherever it is taken", cuts, ([all, at]) => {
      let state = projection.initial()
      for (const piece of pieces(all, at)) {
        state = projection.decode(projection.encode(state))
        state = Projection.apply(projection, state, piece)
      }
      alike("The state, folded from snapshots,", projection.encode(state), whole(all))
    }),
    check("folding again gives the same: nothing is kept outside of the state", stored, (all) => {
      whole(all)
      alike("The state, folded again,", whole(all), whole(all))
      const once = whole(all)
      alike("The state, folded a third time,", whole(all), once)
    }),
    check("a published state stays as it is while the fold goes on", cuts, ([all, at]) => {
      let state = projection.initial()
      const published: Array<readonly [S, string]> = []
      for (const piece of pieces(all, at)) {
        state = Projection.apply(projection, state, piece)
        published.push([Projection.publish(state), projection.encode(state)])
      }
      for (const [was, wanted] of published)
        alike("The state that was published", projection.encode(was), wanted)
      alike("The state, published on the way,", projection.encode(state), whole(all))
    }),
    check("the initial state is made anew each time", stored, (all) => {
      const before = projection.encode(projection.initial())
      whole(all)
      alike("The initial state, after a fold,", projection.encode(projection.initial()), before)
    })
  ]
  const two = fc.tuple(
    stored,
    events.map((all) => Projection.asStored<E>(all, "b")),
    fc.infiniteStream(fc.boolean())
  )
  const acrossStreams = check("the order between streams doesn't count", two, ([a, b, turns]) => {
    const [left, right] = [[...a], [...b]]
    const mixed: Array<EventSet.Stored<E>> = []
    while (left.length > 0 && right.length > 0)
      mixed.push((turns.next().value === true ? left : right).shift()!)
    alike("The state, of both streams mixed,", whole([...mixed, ...left, ...right]), whole([...a, ...b]))
    alike("The state, of the second stream first,", whole([...b, ...a]), whole([...a, ...b]))
  })
  return overAll ? [...checks, acrossStreams] : checks
}

/**
 * Registers a test for each law of projections.
 *
 * ```ts
 * projectionLaws(Transcript, { events: fc.array(fc.constantFrom("a", "b").map((text) => Session.Chunk({ text }))) })
 * ```
 */
export const projectionLaws = <E extends EventSet.Any, S>(
  projection: Projection.Projection<E, S>,
  options: ProjectionLawOptions<E>
): void => {
  describe(`projection ${projection.name}`, () => {
    for (const { check, name } of projectionChecks(projection, options)) test(name, check)
  })
}
