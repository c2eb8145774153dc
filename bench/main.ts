/** `npm run bench [-- --only <id>] [--quick] [--json]`: measures the rows and prints a table; the whole
 * table also writes results.json and the pictures. */
import { mkdirSync, writeFileSync } from "node:fs"
import { cpus, release, totalmem, type } from "node:os"
import { parseArgs } from "node:util"
import { measure, type Result, Unavailable } from "./measure.ts"
import { pictures } from "./pictures.ts"
import { rows as all } from "./rows.ts"

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false }
  }
})
const { only = "" } = values
const rows = all.filter(({ id, onlyAsked = "" }) => id.startsWith(only) && only.startsWith(onlyAsked))
if (rows.length === 0)
  throw new Error(`No row is called ${values.only}. There are: ${all.map(({ id }) => id).join(", ")}`)

const round = (value: number): string => (value >= 1000 ? value.toFixed(0) : value.toPrecision(3))
const line = (result: Result): string =>
  [
    result.id.padEnd(28),
    `${round(result.ours)} ${result.unit}`.padStart(16),
    `${round(result.theirs)} ${result.unit}`.padStart(16),
    `${round(result.ratio)}x`.padStart(9),
    `${round(result.spread[0])}-${round(result.spread[1])}`.padStart(14),
    result.goal.padStart(8),
    result.goal === "" ? "" : result.met ? "  met" : "  MISSED"
  ].join("")

const results: Array<Result> = []
const tell = values.json ? () => {} : console.log
tell("row                                     ours          theirs    ratio        spread    goal")
for (const row of rows) {
  try {
    const result = await measure(row, values.quick ? "quick" : "whole")
    results.push(result)
    tell(line(result))
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    tell(`${row.id.padEnd(28)}  left out: ${error.message}`)
  }
}

const report = {
  date: new Date().toISOString(),
  machine: `${cpus().length} x ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, ${type()} ${release()}, Node ${process.versions.node}`,
  results
}
if (values.json) console.log(JSON.stringify(report, undefined, 2))
// A look in seconds, or at one row, is no sitting.
else if (values.only === undefined && !values.quick) {
  const here = (name: string): URL => new URL(name, import.meta.url)
  writeFileSync(here("results.json"), `${JSON.stringify(report, undefined, 2)}\n`)
  mkdirSync(here("pictures"), { recursive: true })
  for (const { name, svg } of pictures(results)) writeFileSync(here(`pictures/${name}.svg`), svg)
}
