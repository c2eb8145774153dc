/**
 * The admission table (law A14): what becomes of each kind of group, for each state of the stream and each `expected`.
 * Written out by hand from ARCHITECTURE.md, so that it doesn't come from the code that it tests.
 *
 * The stream before: `absent` doesn't exist (but once did, and was removed), `open` holds a1 and a2 under the
 * attribute colour=red, `sealed` holds the same with a2 sealing it.
 *
 * | cell | outcome |
 * |---|---|
 * | `+` | Appended, and something new was written |
 * | `=` | Appended, nothing was written (duplicates, kept ones, nothing) |
 * | `L` | Appended, attributes were set, no seq moved |
 * | `C` | Conflict |
 * | `S` | Sealed |
 * | `I` | IdConflict |
 */
import type { EncodedEvent, Group } from "@varve/core"
import { event } from "./generators/events.ts"

export type Before = "absent" | "open" | "sealed"

/** Where the group is expected. `other` and `removed` are cursors with the right seq and the wrong epoch. */
export const expectations = [
  "none",
  "0",
  "head",
  "older",
  "newer",
  "cursor",
  "oldcur",
  "other",
  "removed",
  "exists"
] as const
export type Expectation = (typeof expectations)[number]

interface Kind {
  readonly group: Omit<Group, "stream" | "expected" | "durability">
  /** What a receipt says when the stream stands at `end`: seqs, duplicates, kept. */
  readonly receipt?: (
    end: number
  ) => readonly [seqs: ReadonlyArray<number>, duplicates: ReadonlyArray<number>, kept: ReadonlyArray<number>]
  /** Which id an IdConflict names, and its seq. */
  readonly taken?: (end: number) => readonly [id: string, seq: number]
  /** The seq of the seal that stands in the middle of the group. */
  readonly sealedAt?: (end: number) => number
}

export const a1 = event("a1", { data: '{"n":1}' })
export const a2 = event("a2", { data: '{"n":2}' })
/** a1 under the same id: a retry with another clock time and spacing, and something else altogether. */
const a1Again = event("a1", { data: '{ "n": 1 }', at: 99, meta: '{"agent":"b"}' })
const a1Other = event("a1", { data: '{"n":3}' })
const n1 = event("n1")
const n2 = event("n2")
const n1Other = event("n1", { data: "[]" })
const sealing = (one: EncodedEvent): EncodedEvent => ({ ...one, seals: true })
const blue = { colour: "blue" }

const kinds = {
  new: { group: { events: [n1, n2] }, receipt: (end) => [[end + 1, end + 2], [], []] },
  "new, labelled": { group: { events: [n1], attributes: blue }, receipt: (end) => [[end + 1], [], []] },
  "new, sealing": { group: { events: [n1, sealing(n2)] }, receipt: (end) => [[end + 1, end + 2], [], []] },
  "seal inside": { group: { events: [sealing(n1), n2] }, sealedAt: (end) => end + 1 },
  "seal, then dup": { group: { events: [sealing(n1), n1] }, receipt: (end) => [[end + 1, end + 1], [1], []] },
  repeat: { group: { events: [n1, n2, n1] }, receipt: (end) => [[end + 1, end + 2, end + 1], [2], []] },
  "repeat, other": { group: { events: [n1, n1Other] }, taken: (end) => ["n1", end + 1] },
  "repeat, keep": {
    group: { events: [n1, n1Other], onIdConflict: "keep" },
    receipt: (end) => [[end + 1, end + 1], [], [1]]
  },
  duplicates: { group: { events: [a2, a1Again] }, receipt: () => [[2, 1], [0, 1], []] },
  "dup, labelled": { group: { events: [a1], attributes: blue }, receipt: () => [[1], [0], []] },
  mixed: { group: { events: [a2, n1, a1] }, receipt: (end) => [[2, end + 1, 1], [0, 2], []] },
  "other content": { group: { events: [n1, a1Other] }, taken: () => ["a1", 1] },
  "other, keep": {
    group: { events: [a1Other], onIdConflict: "keep", attributes: blue },
    receipt: () => [[1], [], [0]]
  },
  "new, other, keep": {
    group: { events: [n1, a1Other, a2], onIdConflict: "keep" },
    receipt: (end) => [[end + 1, 1, 2], [2], [1]]
  },
  label: { group: { events: [], attributes: blue }, receipt: () => [[], [], []] },
  nothing: { group: { events: [] }, receipt: () => [[], [], []] }
} satisfies Record<string, Kind>

// An absent stream has no older place and no cursor of its own.
const table = `
absent           | none  0  head  older newer cursor oldcur other removed exists
new              |  +    +   +     .     C     .      .      C     C       C
new, labelled    |  +    +   +     .     C     .      .      C     C       C
new, sealing     |  +    +   +     .     C     .      .      C     C       C
seal inside      |  S    S   S     .     S     .      .      S     S       S
seal, then dup   |  +    +   +     .     C     .      .      C     C       C
repeat           |  +    +   +     .     C     .      .      C     C       C
repeat, other    |  I    I   I     .     I     .      .      I     I       I
repeat, keep     |  +    +   +     .     C     .      .      C     C       C
label            |  C    C   C     .     C     .      .      C     C       C
nothing          |  =    =   =     .     =     .      .      =     =       =

open             | none  0  head  older newer cursor oldcur other removed exists
new              |  +    C   +     C     C     +      C      C     C       +
new, labelled    |  +    C   +     C     C     +      C      C     C       +
new, sealing     |  +    C   +     C     C     +      C      C     C       +
seal inside      |  S    S   S     S     S     S      S      S     S       S
seal, then dup   |  +    C   +     C     C     +      C      C     C       +
repeat           |  +    C   +     C     C     +      C      C     C       +
repeat, other    |  I    I   I     I     I     I      I      I     I       I
repeat, keep     |  +    C   +     C     C     +      C      C     C       +
duplicates       |  =    =   =     =     =     =      =      =     =       =
dup, labelled    |  =    =   =     =     =     =      =      =     =       =
mixed            |  +    C   +     C     C     +      C      C     C       +
other content    |  I    I   I     I     I     I      I      I     I       I
other, keep      |  =    =   =     =     =     =      =      =     =       =
new, other, keep |  +    C   +     C     C     +      C      C     C       +
label            |  L    C   L     C     C     L      C      C     C       L
nothing          |  =    =   =     =     =     =      =      =     =       =

sealed           | none  0  head  older newer cursor oldcur other removed exists
new              |  S    S   S     S     S     S      S      S     S       S
new, labelled    |  S    S   S     S     S     S      S      S     S       S
new, sealing     |  S    S   S     S     S     S      S      S     S       S
seal inside      |  S    S   S     S     S     S      S      S     S       S
seal, then dup   |  S    S   S     S     S     S      S      S     S       S
repeat           |  S    S   S     S     S     S      S      S     S       S
repeat, other    |  I    I   I     I     I     I      I      I     I       I
repeat, keep     |  S    S   S     S     S     S      S      S     S       S
duplicates       |  =    =   =     =     =     =      =      =     =       =
dup, labelled    |  =    =   =     =     =     =      =      =     =       =
mixed            |  S    S   S     S     S     S      S      S     S       S
other content    |  I    I   I     I     I     I      I      I     I       I
other, keep      |  =    =   =     =     =     =      =      =     =       =
new, other, keep |  S    S   S     S     S     S      S      S     S       S
label            |  L    C   L     C     C     L      C      C     C       L
nothing          |  =    =   =     =     =     =      =      =     =       =
`

export type Cell = "+" | "=" | "L" | "C" | "S" | "I"

/** A cell of the table: what is offered, and what comes of it. */
export interface Row {
  readonly before: Before
  readonly kind: string
  readonly group: Kind["group"]
  readonly expected: Expectation
  readonly cell: Cell
  /** What the outcome holds besides its tag, but for heads and cursors. */
  readonly wanted: Readonly<Record<string, unknown>>
}

/** The table's rows, one a cell. */
export const rows: ReadonlyArray<Row> = table
  .trim()
  .split("\n\n")
  .flatMap((part) => {
    const [head, ...lines] = part.split("\n").map((line) => line.split("|").map((cell) => cell.trim()))
    const before = head![0] as Before
    const columns = head![1]!.split(/\s+/) as Array<Expectation>
    return lines.flatMap(([kind, cells]) =>
      cells!
        .split(/\s+/)
        .flatMap((cell, i) => (cell === "." ? [] : rowOf(before, kind!, columns[i]!, cell as Cell)))
    )
  })

function rowOf(before: Before, name: string, expected: Expectation, cell: Cell): Row {
  const kind: Kind = kinds[name as keyof typeof kinds]
  const end = before === "absent" ? 0 : 2
  const wanted = (): Row["wanted"] => {
    switch (cell) {
      case "I": {
        const [id, seq] = kind.taken!(end)
        return { id, seq }
      }
      case "S":
        return { seq: before === "sealed" ? end : kind.sealedAt!(end) }
      case "C":
        return {}
      case "+":
      case "=":
      case "L": {
        const [seqs, duplicates, kept] = kind.receipt!(end)
        return { seqs, duplicates, kept }
      }
    }
  }
  return { before, kind: name, group: kind.group, expected, cell, wanted: wanted() }
}
