/** The law behind the laws: whatever is done, every answer is the reference model's. */
import { law } from "../Law.ts"
import { plan, runPlan } from "../Plan.ts"

const everyAnswer = law(
  "model every-answer",
  "Any sequence of appends, labels, queries, snapshots, removals and reopenings is answered as the reference model answers it (Model.ts).",
  async (bench) => {
    const { supports } = await bench.store()
    await bench.property(
      plan({ supports, reopen: bench.reopens }),
      (storage, commands) => runPlan(commands, { storage }, () => bench.reopens),
      { fresh: true }
    )
  }
)

export const modelLaws = [everyAnswer]
