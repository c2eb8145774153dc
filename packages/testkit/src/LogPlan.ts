/**
 * A plan of what an application may do with a log, in any order: record, append, flush, be told and record again, while
 * the storage is slow or fails. `follow` does it and keeps what the application was told of each event.
 */
import type { EventSet, NewEvent } from "@varve/core"
import { Effect, Exit } from "effect"
import * as fc from "fast-check"
import { type Desk, type Trouble, turn } from "./Desk.ts"
import { Session } from "./Session.ts"

export const chunk = (text: string) => Session.Chunk({ text }, { id: text })

type Kind = "Chunk" | "Prompt" | "TurnEnded" | "Typing"
export type Step =
  /** With `echo`, a listener that is told of the event records another one in the next stream. */
  | { readonly do: "record"; readonly stream: number; readonly kind: Kind; readonly echo: boolean }
  | { readonly do: "flushSync" }
  /** Hands the first event of a stream over once more. */
  | { readonly do: "repeat"; readonly stream: number }
  | { readonly do: "recordBad"; readonly stream: number }
  | { readonly do: "append"; readonly stream: number; readonly events: number }
  | { readonly do: "flush"; readonly stream: number | undefined }
  | { readonly do: "tick" }
  | { readonly do: "turn" }

/** The streams of a plan are 0, 1, 2. */
export const streams = 3
export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("record" as const),
      stream: fc.nat(streams - 1),
      kind: fc.constantFrom<Kind>("Chunk", "Chunk", "Chunk", "Prompt", "TurnEnded", "Typing"),
      echo: fc.boolean()
    })
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("recordBad" as const), stream: fc.nat(streams - 1) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("append" as const),
      stream: fc.nat(streams - 1),
      events: fc.integer({ min: 1, max: 3 })
    })
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("flush" as const),
      stream: fc.option(fc.nat(streams - 1), { nil: undefined })
    })
  },
  { weight: 2, arbitrary: fc.constant({ do: "tick" as const }) },
  { weight: 1, arbitrary: fc.constant({ do: "flushSync" as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("repeat" as const), stream: fc.nat(streams - 1) }) },
  { weight: 2, arbitrary: fc.constant({ do: "turn" as const }) }
)
/** Steps that make at most one flush each, and only groups that bring something new. */
export const stepAlone = step.map((s): Step =>
  s.do === "record" ? { ...s, echo: false } : s.do === "repeat" ? { do: "turn" } : s
)
const troubles: fc.Arbitrary<ReadonlyArray<Trouble>> = fc.array(
  fc.record({
    turns: fc.constantFrom(0, 0, 1, 3),
    fails: fc.constantFrom(
      undefined,
      undefined,
      undefined,
      "rejected" as const,
      "unwritten" as const,
      "written" as const,
      "throws" as const,
      "mute" as const
    )
  }),
  { maxLength: 12 }
)

/** What became of the events of a plan, as the application was told. */
export interface Told {
  /** By stream: ids in the order in which they were handed over. */
  readonly handed: ReadonlyArray<Array<string>>
  readonly stored: Set<string>
  readonly notStored: Set<string>
  readonly unknown: Set<string>
}

/** Follows a plan and keeps what it was told. Nothing waits for anything but ticks and turns. */
export const follow = async (
  desk: Desk,
  name: (stream: number) => string,
  plan: ReadonlyArray<Step>
): Promise<Told> => {
  const told: Told = {
    handed: Array.from({ length: streams }, () => []),
    stored: new Set(),
    notStored: new Set(),
    unknown: new Set()
  }
  const asked: Array<Promise<unknown>> = []
  const judge = (ids: ReadonlyArray<string>, error: { readonly _tag: string }): void => {
    for (const id of ids) (error._tag === "AppendUnknown" ? told.unknown : told.notStored).add(id)
  }
  let count = 0
  const echoes = new Map<string, number>()
  const repeated: Array<string> = []
  desk.log.listen(({ events }) => {
    for (const { id } of events) {
      const stream = echoes.get(id)
      if (stream === undefined || desk.closing()) continue
      desk.log.record(name(stream), chunk(`${id}!`))
      told.handed[stream]!.push(`${id}!`)
    }
  })
  for (const at of plan) {
    if (at.do === "record" || at.do === "recordBad") {
      const id = `e${count++}`
      if (at.do === "record" && at.echo) echoes.set(id, (at.stream + 1) % streams)
      const made: NewEvent =
        at.do === "record" ? Session[at.kind]({ text: id }, { id }) : { ...chunk(id), data: { text: 1 } }
      desk.log.record(name(at.stream), made as EventSet.New<typeof Session>)
      if (made.type !== "Typing") told.handed[at.stream]!.push(id)
    } else if (at.do === "repeat") {
      const first = desk.notifications.find(
        ({ stream, events }) => stream === name(at.stream) && events.length > 0
      )?.events[0]
      if (first === undefined) continue
      desk.log.record(name(at.stream), first as EventSet.New<typeof Session>)
      repeated.push(first.id)
    } else if (at.do === "flushSync") {
      if (desk.canFlushSync) desk.log.flushSync()
    } else if (at.do === "append") {
      const events = Array.from({ length: at.events }, () => chunk(`e${count++}`))
      const ids = events.map((event) => event.id)
      told.handed[at.stream]!.push(...ids)
      asked.push(
        Effect.runPromiseExit(desk.log.append(name(at.stream), events)).then((exit) => {
          if (Exit.isSuccess(exit)) for (const id of ids) told.stored.add(id)
          else judge(ids, (exit.cause.reasons[0] as never as { error: { _tag: string } }).error)
        })
      )
    } else if (at.do === "flush") {
      asked.push(Effect.runPromiseExit(desk.log.flush(at.stream === undefined ? undefined : name(at.stream))))
    } else if (at.do === "tick") {
      await desk.tick()
    } else {
      await turn(1)
    }
  }
  const closing = desk.close().catch(() => undefined)
  await Promise.all([...asked, closing])
  for (const { cause, events } of desk.failures)
    judge(
      events.map((event) => event.id),
      cause as { _tag: string }
    )
  // They were stored when they were handed over again, whatever became of the repetition.
  for (const id of repeated) if (!told.notStored.delete(id)) told.unknown.delete(id)
  for (const ids of told.handed) {
    for (const id of ids) if (!told.notStored.has(id) && !told.unknown.has(id)) told.stored.add(id)
  }
  return told
}

export const anyPlan = fc.tuple(fc.array(step, { minLength: 1, maxLength: 40 }), troubles)
