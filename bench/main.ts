/** `npm run bench [-- --only <id>] [--quick] [--json]`: measures the rows, prints a table, writes results.json. */
import { writeFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { measure, type Result, type Row } from "./measure.ts"
import { liveRows } from "./rows/live.ts"
import { liveSetRows } from "./rows/liveSet.ts"
import { recordRows } from "./rows/record.ts"
import { readingRows } from "./rows/reading.ts"
import { sqliteRows } from "./rows/sqlite.ts"
import { turnRows } from "./rows/turns.ts"

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false }
  }
})
const all: ReadonlyArray<Row> = [
  ...sqliteRows,
  ...readingRows,
  ...turnRows,
  ...recordRows,
  ...liveRows,
  ...liveSetRows
]
const rows = all.filter(({ id }) => values.only === undefined || id.startsWith(values.only))
if (rows.length === 0)
  throw new Error(`No row is called ${values.only}. There are: ${all.map(({ id }) => id).join(", ")}`)

const round = (value: number): string => (value >= 1000 ? value.toFixed(0) : value.toPrecision(3))
const line = (result: Result): string =>
  [
    result.id.padEnd(26),
    `${round(result.ours)} ${result.unit}`.padStart(16),
    `${round(result.theirs)} ${result.unit}`.padStart(16),
    `${result.ratio.toFixed(2)}x`.padStart(8),
    `${result.spread[0].toFixed(2)}-${result.spread[1].toFixed(2)}`.padStart(11),
    result.goal.padStart(8),
    result.met ? "  met" : "  MISSED"
  ].join("")

const results: Array<Result> = []
if (!values.json)
  console.log("row                                   ours          theirs   ratio    spread    goal")
for (const row of rows) {
  const result = await measure(row, values.quick ? 8 : 30)
  results.push(result)
  if (!values.json) console.log(line(result))
}
if (values.json) console.log(JSON.stringify(results, undefined, 2))
else if (values.only === undefined) {
  writeFileSync(new URL("results.json", import.meta.url), `${JSON.stringify(results, undefined, 2)}\n`)
}
