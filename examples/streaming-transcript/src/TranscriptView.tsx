/**
 * A transcript on a screen. Each block looks at its own rows alone, so that a flush renders the block in which something
 * changed, and of that the rows that changed: unchanged rows are the same objects.
 */
import type { Rows, View } from "@varve/core"
import { memo, useEffect, useMemo, useSyncExternalStore } from "react"
import type { Row } from "./Transcript.ts"

/** Rows of a block. */
const size = 64

interface Shown {
  readonly rows: Rows.Rows<Row>
}
type TranscriptView = View<Shown>

/** A slice of a view, for as long as `select` stays the same. */
const useSlice = <T,>(
  view: TranscriptView,
  select: (state: Shown) => T,
  equals?: (a: T, b: T) => boolean
): T => {
  const slice = useMemo(() => view.select(({ state }) => select(state), equals), [view, select, equals])
  return useSyncExternalStore(slice.subscribe, slice.getSnapshot)
}

const blocksOf = ({ rows }: Shown): number => Math.ceil(rows.size / size)

export const TranscriptPage = ({
  view,
  onCommit
}: {
  readonly view: TranscriptView
  /** Told of each row that was put on the screen. */
  readonly onCommit: (id: string) => void
}) => {
  const blocks = useSlice(view, blocksOf)
  const status = useSyncExternalStore(view.subscribe, () => view.getSnapshot().status)
  return (
    <main data-status={status}>
      {Array.from({ length: blocks }, (_, block) => (
        <Block key={block} view={view} block={block} onCommit={onCommit} />
      ))}
    </main>
  )
}

const sameRows = (a: ReadonlyArray<Row>, b: ReadonlyArray<Row>): boolean =>
  a.length === b.length && a.every((row, i) => row === b[i])

const Block = memo(function Block({
  view,
  block,
  onCommit
}: {
  readonly view: TranscriptView
  readonly block: number
  readonly onCommit: (id: string) => void
}) {
  const select = useMemo(
    () =>
      ({ rows }: Shown): ReadonlyArray<Row> =>
        Array.from({ length: Math.min(size, rows.size - block * size) }, (_, i) =>
          rows.at(block * size + i)!
        ),
    [block]
  )
  const rows = useSlice(view, select, sameRows)
  return (
    <section>
      {rows.map((row) => (
        <OneRow key={row.id} row={row} onCommit={onCommit} />
      ))}
    </section>
  )
})

const OneRow = memo(function OneRow({
  row,
  onCommit
}: {
  readonly row: Row
  readonly onCommit: (id: string) => void
}) {
  // Without dependencies: each time that it is rendered.
  useEffect(() => onCommit(row.id))
  return (
    <article id={row.id} className={row.kind}>
      {row.text}
    </article>
  )
})
