/**
 * A plan: calls at the seam as data, without epochs in it, so that several storages can run the same one. Generated
 * and shrunk by fast-check's commands.
 */
import type { Cursor, EncodedEvent, Group, Query, Selection, Supports } from "@varve/core"
import * as fc from "fast-check"
import { mustEqual } from "./Broken.ts"
import { event } from "./generators/events.ts"
import { modelLayer } from "./modelStorage.ts"
import { durabilityIsTrue, Side } from "./Side.ts"
import { type Ask, Connection, Store } from "./Store.ts"
import { tell } from "./tell.ts"

/** A cursor that each storage knows under another epoch. `back` counts from the head; -1 is beyond it. */
interface Place {
  readonly of: "present" | "removed" | "elsewhere"
  readonly back: number
}

type PlannedGroup = Omit<Ask, "expected"> & {
  readonly expected?: Place | number | "exists" | "head" | "none"
}
type PlannedQuery = Omit<Query, "after"> & { readonly after?: ReadonlyArray<readonly [string, Place]> }

type Step =
  | { readonly do: "append"; readonly groups: ReadonlyArray<PlannedGroup> }
  | { readonly do: "query"; readonly query: PlannedQuery }
  | { readonly do: "heads"; readonly selection: Selection }
  | {
      readonly do: "save"
      readonly stream: string
      readonly projection: string
      readonly version: number
      readonly state: string
    }
  | { readonly do: "load"; readonly projection: string; readonly streams: ReadonlyArray<string> }
  | { readonly do: "drop"; readonly projection: string | undefined }
  | { readonly do: "remove"; readonly stream: string }
  | { readonly do: "sync" }
  | { readonly do: "reopen" }

const resolve = (side: Side, stream: string, place: Place): Cursor => {
  const seq = Math.max(1, side.end(stream) - place.back)
  if (place.of === "elsewhere") return { epoch: "AnEpochOfSomeOtherStore", seq }
  if (place.of === "removed") return side.removed.get(stream) ?? { epoch: "AnEpochThatNeverWas", seq }
  const epoch = side.cursor(stream, Math.min(seq, side.end(stream)))?.epoch ?? "AnEpochThatNeverWas"
  return { epoch, seq }
}

const groupFor = (side: Side, { expected, ...ask }: PlannedGroup): Group => ({
  durability: "written",
  ...ask,
  ...(expected === undefined || expected === "none"
    ? {}
    : {
        expected:
          expected === "head"
            ? side.end(ask.stream)
            : typeof expected === "object"
              ? resolve(side, ask.stream, expected)
              : expected
      })
})

const queryFor = (side: Side, { after, ...query }: PlannedQuery): Query =>
  after === undefined
    ? query
    : { ...query, after: new Map(after.map(([stream, place]) => [stream, resolve(side, stream, place)])) }

/** The sides of a comparison: the model, and those that must answer as it does. */
export interface Sides {
  readonly model: Side
  readonly others: ReadonlyArray<Side>
  /** Which of them can be closed and opened again. */
  readonly reopens: ReadonlySet<Side>
}

const perform = async (step: Step, { model, others, reopens }: Sides): Promise<void> => {
  const all = [model, ...others]
  switch (step.do) {
    case "append": {
      const answers = await Promise.all(
        all.map(async (side) => {
          const groups = step.groups.map((group) => groupFor(side, group))
          return { side, groups, outcomes: await side.store.offerAll(groups) }
        })
      )
      for (const { side, groups, outcomes } of answers) {
        for (const [i, outcome] of outcomes.entries()) {
          if (outcome._tag !== "Appended") continue
          side.learn(groups[i]!.stream, outcome)
          durabilityIsTrue(side.store.supports, groups[i]!, outcome)
        }
      }
      const [wanted, ...rest] = answers.map(({ side, groups, outcomes }) =>
        outcomes.map((outcome, i) => side.outcome(groups[i]!, outcome))
      )
      for (const [i, got] of rest.entries())
        mustEqual(`${others[i]!.name}: the outcomes of this append`, got, wanted)
      return
    }
    case "query": {
      const wanted = await model.store.query(queryFor(model, step.query))
      for (const side of others) {
        const query = queryFor(side, step.query)
        side.compareQuery(query, await side.store.query(query), model, wanted)
      }
      return
    }
    case "heads": {
      const wanted = (await model.store.heads(step.selection)).map((head) => model.head(head))
      for (const side of others) {
        const got = (await side.store.heads(step.selection)).map((head) => side.head(head))
        mustEqual(`${side.name}: heads, by name in code-point order`, got, wanted)
      }
      return
    }
    case "save": {
      const { do: _, ...rest } = step
      for (const side of all) {
        const cursor = side.cursor(step.stream, side.end(step.stream))
        if (cursor !== undefined)
          await side.store.save([{ ...rest, cursor, check: `check of ${step.state}` }])
      }
      return
    }
    case "load": {
      const load = async (side: Side) =>
        (await side.store.load(step.projection, step.streams))
          .map((one) => ({ ...one, cursor: side.seqOf(one.stream, one.cursor) }))
          .sort((a, b) => (tell(a) < tell(b) ? -1 : 1))
      const wanted = await load(model)
      for (const side of others)
        mustEqual(`${side.name}: the snapshots stored of a projection`, await load(side), wanted)
      return
    }
    case "drop":
      for (const side of all) await side.store.drop(step.projection)
      return
    case "remove": {
      const [wanted, ...rest] = await Promise.all(all.map((side) => side.store.remove(step.stream)))
      for (const [i, got] of rest.entries())
        mustEqual(`${others[i]!.name}: whether there was something to remove`, got, wanted)
      for (const side of all) side.forget(step.stream)
      return
    }
    case "sync":
      for (const side of all) await side.store.sync()
      return
    case "reopen":
      for (const side of reopens) await side.store.reopen()
      return
  }
}

class PlanCommand implements fc.AsyncCommand<object, Sides> {
  readonly step: Step
  constructor(step: Step) {
    this.step = step
  }
  check(): boolean {
    return true
  }
  run(_: object, sides: Sides): Promise<void> {
    return perform(this.step, sides)
  }
  toString(): string {
    return tell(this.step)
  }
}

const streams = ["a", "A", "ab", "a%", "\u00e9", "e\u0301", "\u{1f600}", "\uff5e"] as const
const stream = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("a", "ab") },
  { weight: 1, arbitrary: fc.constantFrom(...streams) }
)
const types = ["prompt", "chunk", "Chunk"] as const
const times = fc.integer({ min: -3, max: 3 })
const projection = fc.constantFrom("rows", "rows", "rows", "Rows")

const ids = ["1", "2", "3", "4", "5", "6", "x", "X", "\u00e9", "e\u0301"]
const contents = ['{"n":1}', '{"n":9007199254740993}', '{"n":2}']
const others = ['{ "n" : 1 }', '{"n":9007199254740992}', "[]"]

/** An id mostly stands for the same content, so that plans are full of duplicates, and now and then for other. */
const planned: fc.Arbitrary<EncodedEvent> = fc
  .record({
    id: fc.nat(ids.length - 1),
    at: times,
    meta: fc.constantFrom(undefined, '{"agent":"a"}'),
    die: fc.integer({ min: 1, max: 20 })
  })
  .map(({ id, at, meta, die }) =>
    event(ids[id]!, {
      type: types[(die === 3 ? id + 1 : id) % 3]!,
      data: (die === 4 || die === 5 ? others : contents)[id % 3]!,
      version: die === 2 ? 2 : 1,
      seals: die === 1 && at > 0,
      at,
      meta
    })
  )

const attributes = fc.constantFrom(
  { project: "a" },
  { project: "a", title: "x" },
  { project: "b", title: "" },
  { title: "x" }
)
/** Mostly absent: most queries have one filter or two, and find something. */
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })
const place: fc.Arbitrary<Place> = fc.record({
  of: fc.constantFrom("present", "present", "present", "removed", "elsewhere"),
  back: fc.integer({ min: -1, max: 3 })
})

const append = fc
  .uniqueArray(
    fc.record<PlannedGroup>({
      stream,
      events: fc.array(planned, { maxLength: 4 }),
      expected: fc.oneof(fc.constantFrom("none", "none", "head", "exists"), fc.constantFrom(0, 1, 2), place),
      durability: fc.constantFrom("written", "synced"),
      attributes: fc.oneof(fc.constant(undefined), attributes),
      onIdConflict: fc.constantFrom(undefined, "reject", "keep")
    }),
    { minLength: 1, maxLength: 3, selector: (group) => group.stream }
  )
  .map((groups): Step => ({ do: "append", groups }))

const selection = {
  streams: maybe(fc.array(stream, { maxLength: 4 })),
  prefix: maybe(fc.constantFrom("", "a", "A", "a%", "e", "\u00e9"))
}

const query = (supports: PlanOptions["supports"], order?: Query["order"]): fc.Arbitrary<Step> =>
  fc
    .record<PlannedQuery>({
      ...selection,
      after: maybe(
        fc.uniqueArray(fc.tuple(stream, place), { minLength: 1, maxLength: 3, selector: ([name]) => name })
      ),
      fromSeq: maybe(fc.integer({ min: -1, max: 5 })),
      toSeq: maybe(fc.integer({ min: -1, max: 5 })),
      types: maybe(fc.subarray([...types, "never"])),
      since: maybe(times),
      until: maybe(times),
      attributes: maybe(attributes),
      limit: maybe(fc.integer({ min: 0, max: 6 })),
      direction: fc.constantFrom(undefined, "forward", ...(supports.reverse ? ["backward" as const] : [])),
      batchEvents: fc.constantFrom(undefined, 1, 2)
    })
    .map((asked): Step => ({ do: "query", query: order === undefined ? asked : { ...asked, order } }))

export interface PlanOptions {
  /** What all of the storages can do. */
  readonly supports: Pick<Supports, "reverse">
  /** Whether one of them can be closed and opened again. */
  readonly reopen: boolean
}

/** Plans of appends, reads, snapshots and removals over a few streams that are easily mistaken for one another. */
export const plan = ({
  supports,
  reopen
}: PlanOptions): fc.Arbitrary<Iterable<fc.AsyncCommand<object, Sides>>> => {
  const steps: ReadonlyArray<readonly [weight: number, fc.Arbitrary<Step>]> = [
    [6, append],
    [4, query(supports)],
    [1, fc.record<Selection>(selection).map((asked) => ({ do: "heads", selection: asked }))],
    [
      2,
      fc.record({
        do: fc.constant("save" as const),
        stream,
        projection,
        version: fc.constantFrom(1, 2),
        state: fc.constantFrom("{}", "[1]", "0")
      })
    ],
    [
      2,
      fc.record({
        do: fc.constant("load" as const),
        projection,
        streams: fc.constantFrom([...streams], ["a", "ab"], ["a", "a%"])
      })
    ],
    [1, fc.record({ do: fc.constantFrom("remove"), stream })],
    [
      1,
      fc.constantFrom<Step>(
        { do: "sync" },
        { do: "drop", projection: "rows" },
        { do: "drop", projection: undefined }
      )
    ],
    [reopen ? 1 : 0, fc.constant<Step>({ do: "reopen" })]
  ]
  const step = fc.oneof(...steps.map(([weight, arbitrary]) => ({ weight, arbitrary })))
  return fc.commands([step.map((one) => new PlanCommand(one))], {
    maxCommands: 50,
    size: "max",
    disableReplayLog: true
  })
}

/** Appends, then queries only: for what a query answers rather than for what a store becomes. */
export const readingPlan = (
  supports: PlanOptions["supports"],
  order?: Query["order"]
): fc.Arbitrary<Iterable<fc.AsyncCommand<object, Sides>>> =>
  fc
    .tuple(
      fc.array(append, { minLength: 2, maxLength: 6, size: "max" }),
      fc.array(query(supports, order), { minLength: 10, maxLength: 20, size: "max" })
    )
    .map(([appends, queries]) => [...appends, ...queries].map((step) => new PlanCommand(step)))

/** Runs a plan on the model and on these stores, and compares each answer with the model's. */
export const runPlan = async (
  commands: Iterable<fc.AsyncCommand<object, Sides>>,
  stores: Readonly<Record<string, Store>>,
  reopens: (name: string) => boolean = () => false
): Promise<void> => {
  const model = new Side("model", new Store(await new Connection({ storage: modelLayer }).open()))
  const others = Object.entries(stores).map(([name, store]) => new Side(name, store))
  const real: Sides = { model, others, reopens: new Set(others.filter((side) => reopens(side.name))) }
  try {
    await fc.asyncModelRun(() => ({ model: {}, real }), commands)
  } finally {
    await model.store.close()
  }
}
