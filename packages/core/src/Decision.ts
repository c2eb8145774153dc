/**
 * Decisions: what a state and a command lead to. A decision is a plain function from a state to events, so that it is
 * tested without a log; `log.decide` runs it against the state that is stored, and again when somebody was faster.
 */
import { Effect, Random, Semaphore } from "effect"
import { type AppendError, DecisionFailed, InvalidOption } from "./Errors.ts"
import type * as EventSet from "./EventSet.ts"
import { definitionOf } from "./EventSet.ts"
import type { Folded } from "./Folding.ts"
import { sameJson } from "./Json.ts"
import * as Projection from "./Projection.ts"
import type { AppendOptions, Receipt } from "./Receipt.ts"

/** What is decided: an event, several as one group, or nothing. */
export type Decided<E extends EventSet.Any> =
  | EventSet.Appendable<E>
  | ReadonlyArray<EventSet.Appendable<E>>
  | undefined
  | void

/** What `decide` may ask of its append, but for `expected`, which it sets; and how long it goes on trying. */
export interface DecideOptions extends Omit<AppendOptions, "expected"> {
  /** How often it is tried before it fails with `DecisionFailed`. 10 by default. */
  readonly tries?: number
}

/** Milliseconds before the second try, doubled before each later one up to the most; half of it at random. */
const pause = { first: 2, most: 100 }

/** What deciding needs of its log. */
export interface Deciding<E extends EventSet.Any, S, Err> {
  readonly stream: string
  readonly state: Effect.Effect<Folded<S>, Err>
  readonly append: (
    events: ReadonlyArray<EventSet.Appendable<E>>,
    options: AppendOptions
  ) => Effect.Effect<Receipt, AppendError>
}

/**
 * Decides on what is stored, and appends only where that is still so: between the two nobody wrote (law A7). Answers
 * nothing when nothing was decided.
 */
export const decide = Effect.fnUntraced(function* <E extends EventSet.Any, S, Err>(
  { append, state, stream }: Deciding<E, S, Err>,
  choose: (state: S) => Decided<E>,
  { tries = 10, ...options }: DecideOptions
): Effect.fn.Return<Receipt | undefined, Err | AppendError | DecisionFailed> {
  if (!Number.isSafeInteger(tries) || tries < 1)
    return yield* new InvalidOption({ option: "tries", problem: "is not an integer from 1" })
  for (let tried = 1; ; tried++) {
    const { cursor, state: current } = yield* state
    const events = listOf(choose(current))
    if (events.length === 0) return undefined
    const appended = yield* append(events, { ...options, expected: cursor ?? 0 }).pipe(
      Effect.catchTag("Conflict", () => Effect.void)
    )
    if (appended !== undefined) return appended
    if (tried === tries) return yield* new DecisionFailed({ stream, tries })
    const most = Math.min(pause.most, pause.first * 2 ** (tried - 1))
    yield* Effect.sleep(most * (0.5 + 0.5 * (yield* Random.next)))
  }
})

const listOf = <E extends EventSet.Any>(decided: Decided<E>): ReadonlyArray<EventSet.Appendable<E>> =>
  decided === undefined
    ? []
    : Array.isArray(decided)
      ? (decided as ReadonlyArray<EventSet.Appendable<E>>)
      : [decided as EventSet.Appendable<E>]

/** Decisions on one stream take turns within a log: they would only fail each other. */
export class DecisionTurns {
  private readonly streams = new Map<string, { readonly turn: Semaphore.Semaphore; waiting: number }>()

  take<A, E>(stream: string, work: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.suspend(() => {
      let line = this.streams.get(stream)
      if (line === undefined) this.streams.set(stream, (line = { turn: Semaphore.makeUnsafe(1), waiting: 0 }))
      const { turn } = line
      line.waiting++
      return Effect.ensuring(
        turn.withPermits(1)(work),
        Effect.sync(() => {
          if (--line.waiting === 0) this.streams.delete(stream)
        })
      )
    })
  }
}

/** A decision in a test: `decision(Approvals, resolve).given([asked]).when({ id }).then([resolved])`. */
interface Given<E extends EventSet.Any, Command> {
  /** What has happened before; nothing by default. */
  readonly given: (events: ReadonlyArray<EventSet.Appendable<E>>) => Given<E, Command>
  readonly when: (command: Command) => {
    /** Throws a {@link WrongDecision} unless just these events are decided, by type and data; ids and times don't count. */
    readonly then: (expected: ReadonlyArray<EventSet.Appendable<E>>) => void
  }
}

/** Tells what was expected of a decision, and what it was. For tests: it shows data. */
export class WrongDecision extends Error {
  readonly expected: ReadonlyArray<Told>
  readonly actual: ReadonlyArray<Told>
  constructor(expected: ReadonlyArray<Told>, actual: ReadonlyArray<Told>) {
    const lines = (events: ReadonlyArray<Told>): string =>
      events.length === 0 ? "  nothing" : events.map(({ type, data }) => `  ${type} ${data}`).join("\n")
    super(`Expected to be decided:\n${lines(expected)}\nWas decided:\n${lines(actual)}`)
    this.name = "WrongDecision"
    this.expected = expected
    this.actual = actual
  }
}

interface Told {
  readonly type: string
  readonly data: string
}

/** Tries a decision without a log: a function of a projection's state and a command. */
export const decision = <E extends EventSet.Any, S, Command>(
  projection: Projection.Projection<E, S>,
  choose: (state: S, command: Command) => Decided<E>
): Given<E, Command> => {
  const given = (before: ReadonlyArray<EventSet.Appendable<E>>): Given<E, Command> => ({
    given: (events) => given([...before, ...events]),
    when: (command) => ({
      // oxlint-disable-next-line unicorn/no-thenable -- given, when, then: nobody awaits it
      then: (expected) => {
        const decided = listOf(choose(Projection.fold(projection, before), command))
        const tell = ({ data, type }: EventSet.Appendable<E>): Told => ({
          type,
          data: definitionOf(projection.events, type)?.encode(data) ?? "is of an unknown type"
        })
        const [wanted, actual] = [expected.map(tell), decided.map(tell)]
        const same =
          wanted.length === actual.length &&
          wanted.every(({ data, type }, i) => type === actual[i]!.type && sameJson(data, actual[i]!.data))
        if (!same) throw new WrongDecision(wanted, actual)
      }
    })
  })
  return given([])
}
