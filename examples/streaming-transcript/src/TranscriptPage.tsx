/**
 * A transcript on a screen. Each block looks at its own rows alone, so that a flush renders the block in which something
 * changed, and of that the rows that changed: unchanged rows are the same objects.
 */
import type { Rows, View } from "@varve/core"
import { type ComponentType, memo, useMemo, useSyncExternalStore } from "react"
import type { Row } from "./Transcript.ts"

/** Rows of a block. */
const size = 64

interface Shown {
  readonly rows: Rows.Rows<Row>
}
type TranscriptView = View<Shown>

export type ShownRow = ComponentType<{ readonly row: Row }>

export const PlainRow: ShownRow = memo(function PlainRow({ row: { id, kind, text } }) {
  return (
    <article id={id} className={kind}>
      {text}
    </article>
  )
})

export const TranscriptPage = ({
  view,
  RowView = PlainRow
}: {
  readonly view: TranscriptView
  readonly RowView?: ShownRow | undefined
}) => {
  const blocks = useSlice(view, blocksOf)
  const status = useSyncExternalStore(view.subscribe, () => view.getSnapshot().status)
  return (
    <main data-status={status}>
      {Array.from({ length: blocks }, (_, block) => (
        <Block key={block} view={view} block={block} RowView={RowView} />
      ))}
    </main>
  )
}

const Block = memo(function Block({
  view,
  block,
  RowView
}: {
  readonly view: TranscriptView
  readonly block: number
  readonly RowView: ShownRow
}) {
  const select = useMemo(() => rowsOf(block), [block])
  const rows = useSlice(view, select, sameRows)
  return (
    <section>
      {rows.map((row) => (
        <RowView key={row.id} row={row} />
      ))}
    </section>
  )
})

const blocksOf = ({ rows }: Shown): number => Math.ceil(rows.size / size)

const rowsOf =
  (block: number) =>
  ({ rows }: Shown): ReadonlyArray<Row> =>
    Array.from({ length: Math.min(size, rows.size - block * size) }, (_, i) => rows.at(block * size + i)!)

const sameRows = (a: ReadonlyArray<Row>, b: ReadonlyArray<Row>): boolean =>
  a.length === b.length && a.every((row, i) => row === b[i])

/** A slice of a view, for as long as `select` stays the same. */
const useSlice = <T,>(
  view: TranscriptView,
  select: (state: Shown) => T,
  equals?: (a: T, b: T) => boolean
): T => {
  const slice = useMemo(() => view.select(({ state }) => select(state), equals), [view, select, equals])
  return useSyncExternalStore(slice.subscribe, slice.getSnapshot)
}
