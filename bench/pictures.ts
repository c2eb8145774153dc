/** Draws results as SVG bars, for the README. Colours that read on light and dark ground alike. */
import type { Result } from "./measure.ts"

interface Picture {
  readonly name: string
  readonly title: string
  readonly rows: (result: Result) => boolean
  /** The bars of a row, longest is widest; `mark` is where the goal stands. */
  readonly bars: (result: Result) => ReadonlyArray<Bar>
}

interface Bar {
  readonly value: number
  readonly text: string
  readonly kind: "ours" | "theirs"
  readonly mark?: number
}

const told = (value: number): string =>
  value.toLocaleString("en", value >= 100 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 })

const sides = ({ ours, ratio, theirs, unit }: Result): ReadonlyArray<Bar> => [
  { value: ours, text: `${told(ours)} ${unit}, ${told(ratio)}x`, kind: "ours" },
  { value: theirs, text: `${told(theirs)} ${unit}`, kind: "theirs" }
]

const share = ({ goal, ratio }: Result): ReadonlyArray<Bar> => [
  { value: ratio, text: `${told(ratio)}x (goal ${goal})`, kind: "ours", mark: Number(goal.slice(3)) }
]

const all: ReadonlyArray<Picture> = [
  {
    name: "peers",
    title: "Events per second: Varve (above) and peers, at the same durability",
    rows: ({ id }) => id.startsWith("peer-"),
    bars: sides
  },
  {
    name: "limits",
    title: "Share of what the raw file or database does alone",
    rows: ({ id }) => id.startsWith("append-") || id.startsWith("read-stream-"),
    bars: share
  },
  {
    name: "times",
    title: "Times and bytes, as a multiple of what they are compared with: less is better",
    rows: ({ goal, id }) => goal.startsWith("<=") && !id.startsWith("stream-burst"),
    bars: share
  },
  {
    name: "streaming",
    title: "The cost of streaming into a long transcript, against what it is compared with",
    rows: ({ goal, id }) => id.startsWith("stream-burst") && goal !== "",
    bars: share
  }
]

export interface Drawn {
  readonly name: string
  readonly svg: string
}

/** The pictures that have rows. */
export const pictures = (results: ReadonlyArray<Result>): ReadonlyArray<Drawn> =>
  all.flatMap((picture) => {
    const rows = results.filter(picture.rows)
    return rows.length === 0 ? [] : [{ name: picture.name, svg: draw(picture, rows) }]
  })

const width = 860
const left = 250
const barWidth = 330
const barHeight = 15

const draw = ({ bars, title }: Picture, rows: ReadonlyArray<Result>): string => {
  const drawn = rows.map((row) => ({ id: row.id, bars: bars(row) }))
  const most = Math.max(...drawn.flatMap((row) => row.bars.flatMap(({ mark = 0, value }) => [mark, value])))
  const x = (value: number): number => Math.max(1, Math.round((value / most) * barWidth))
  let y = 40
  const parts = drawn.flatMap((row) => {
    const label = text(left - 10, y + (row.bars.length * barHeight) / 2 + 4, row.id, "end")
    const shapes = row.bars.flatMap(({ kind, mark, text: said, value }) => {
      const bar = `<rect class="${kind}" x="${left}" y="${y}" width="${x(value)}" height="${barHeight - 3}" rx="2"/>`
      const goal =
        mark === undefined
          ? []
          : [`<rect class="mark" x="${left + x(mark)}" y="${y - 2}" width="2" height="${barHeight + 1}"/>`]
      const saying = text(left + Math.max(x(value), x(mark ?? 0)) + 8, y + 10, said)
      y += barHeight
      return [bar, ...goal, saying]
    })
    y += 8
    return [label, ...shapes]
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y + 6}" viewBox="0 0 ${width} ${y + 6}" role="img">
<title>${title}</title>
<style>
text { font: 12px system-ui, sans-serif; fill: #57606a }
.title { font-weight: 600; font-size: 14px }
.ours { fill: #2f81f7 }
.theirs { fill: #8b949e }
.mark { fill: #d29922 }
@media (prefers-color-scheme: dark) { text { fill: #adbac7 } }
</style>
<text class="title" x="10" y="20">${title}</text>
${parts.join("\n")}
</svg>
`
}

const text = (x: number, y: number, said: string, anchor = "start"): string =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}">${said.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</text>`
