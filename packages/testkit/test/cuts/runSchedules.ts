/** Tries schedules with cuts into the live set in place. Prints what each breaks, as JSON lines. */
import { plant } from "../../../../test/plant.ts"
import type { Cut } from "./Cut.ts"

const cuts = JSON.parse(process.argv[2]!) as ReadonlyArray<Cut>
plant(cuts, ["core/src", "testkit/src", "testkit/test/liveSet"])

process.on("uncaughtException", () => undefined)
process.on("unhandledRejection", () => undefined)
for (const i of cuts.keys()) {
  const { trySchedules } = (await import(
    `../liveSet/schedules.ts?cut=${i}`
  )) as typeof import("../liveSet/schedules.ts")
  const tried = trySchedules(500, { seed: 7, endOnFailure: true }).then(
    () => "kept",
    (error: unknown) => String((error as { readonly cause?: unknown }).cause ?? error)
  )
  const late = new Promise<string>((resolve) => setTimeout(resolve, 20_000, "the check never ended"))
  process.stdout.write(`${JSON.stringify({ found: await Promise.race([tried, late]) })}\n`)
}
process.exit(0)
