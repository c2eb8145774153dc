/** docs/laws.md, section 7, M2: what callers side by side are told fits one order of moments. */
import * as fc from "fast-check"
import { must } from "../Broken.ts"
import { event } from "../generators/events.ts"
import { type Bench, law, lawWhere } from "../Law.ts"
import { linearizable, type Operation } from "../linearizable.ts"
import type { Store } from "../Store.ts"

type Step = "append" | "expect" | "again" | "read"

/** What each of some callers does, one step after the other. */
const plan = fc.array(
  fc.array(fc.constantFrom<Step>("append", "expect", "again", "read"), { minLength: 1, maxLength: 5 }),
  { minLength: 2, maxLength: 4 }
)

/** Runs the callers side by side, each on its store, and tells what they saw. */
const play = async (
  stores: ReadonlyArray<Store>,
  stream: string,
  callers: ReadonlyArray<ReadonlyArray<Step>>
): Promise<ReadonlyArray<Operation>> => {
  const history: Array<Operation> = []
  const ids: Array<string> = []
  let clock = 0
  const caller = async (steps: ReadonlyArray<Step>, c: number): Promise<void> => {
    const store = stores[c % stores.length]!
    let length = 0
    for (const [i, step] of steps.entries()) {
      const asked = ++clock
      if (step === "read") {
        const read = (await store.read(stream)).map(({ id }) => id)
        length = read.length
        history.push({ kind: "read", asked, answered: ++clock, ids: read })
        continue
      }
      const id = step === "again" && ids.length > 0 ? ids[i % ids.length]! : `${c}.${i}`
      ids.push(id)
      const expected = step === "expect" ? length : undefined
      const outcome = await store.offer({ stream, events: [event(id)], expected })
      const answered = ++clock
      if (outcome._tag === "Appended") {
        const isNew = outcome.duplicates.length === 0
        length = outcome.head!.cursor.seq
        history.push({
          kind: "appended",
          asked,
          answered,
          id,
          seq: outcome.seqs[0]!,
          ...(isNew && { expected })
        })
      } else if (outcome._tag === "Conflict") {
        history.push({
          kind: "refused",
          asked,
          answered,
          expected: expected!,
          actual: outcome.actual?.seq ?? 0
        })
        length = outcome.actual?.seq ?? 0
      } else if (outcome._tag !== "Claimed" || store.supports.sharedWriters) {
        must(outcome._tag === "Failed", () => `An append beside others was answered ${outcome._tag}`)
        if (outcome.reached === "unknown") history.push({ kind: "unknown", asked, answered: Infinity, id })
      }
    }
  }
  await Promise.all(callers.map(caller))
  return history
}

const check = (bench: Bench, stores: (store: Store) => Promise<ReadonlyArray<Store>>, share: number) =>
  bench.property(
    plan,
    async (store, callers) => {
      const wrong = linearizable(await play(await stores(store), store.name("s"), callers))
      must(wrong.length === 0, () => `No order of moments explains what was answered: ${wrong.join("; ")}`)
    },
    { share }
  )

export const linearizableLaws = [
  law(
    "M2 linearizable",
    "Appends, duplicates, refusals and reads side by side fit one order: each took place at one moment between its asking and its answer.",
    (bench) => check(bench, async (store) => [store], 0.5)
  ),
  lawWhere(
    ["sharedWriters", "secondWriter"],
    "M2 linearizable: two writers",
    "The same through two writers on one store.",
    (bench) => check(bench, async (store) => [store, await store.beside()], 0.1)
  ),
  lawWhere(
    ["secondProcess"],
    "M2 linearizable: two processes",
    "The same through two processes. Where one writer owns a stream, the other is refused and leaves nothing behind.",
    (bench) => check(bench, async (store) => [store, await store.beside()], 0.1)
  )
]
