/**
 * Whether a history of one stream is linearizable (law M2): whether every operation can be given one moment between its
 * asking and its answer, so that in the order of these moments each answer is what a single list would have given.
 *
 * For a log that is easy, since seqs tell the order: event `k` must take place behind whatever came before it and before
 * whatever saw it. The earliest moment that asks allow is compared with the latest that answers allow. O(n log n).
 */

/** An operation as its caller saw it. Times are of one clock for all callers: when it was asked, when it was answered. */
export type Operation = { readonly asked: number; readonly answered: number } & (
  | {
      readonly kind: "appended"
      readonly id: string
      /** The one that was answered, for a duplicate the original's. */
      readonly seq: number
      /** The head's seq that was expected, where one was and the event was new. */
      readonly expected?: number | undefined
    }
  /** May be stored: its outcome is unknown, or it was never answered. */
  | { readonly kind: "unknown"; readonly id: string }
  /** A conflict: the head was expected at one seq and found at another. */
  | { readonly kind: "refused"; readonly expected: number; readonly actual: number }
  /** All of the stream. */
  | { readonly kind: "read"; readonly ids: ReadonlyArray<string> }
)

/** What is wrong with a history; empty when it is linearizable. */
export const linearizable = (history: ReadonlyArray<Operation>): ReadonlyArray<string> => {
  const wrong: Array<string> = []
  /** `order[seq - 1]`. */
  const order: Array<string> = []
  const seqOf = new Map<string, number>()
  const place = (id: string, seq: number): void => {
    const [there, earlier] = [order[seq - 1], seqOf.get(id)]
    if (there !== undefined && there !== id) wrong.push(`seq ${seq} is both ${there} and ${id}`)
    else if (earlier !== undefined && earlier !== seq) wrong.push(`${id} is at ${earlier} and at ${seq}`)
    else {
      order[seq - 1] = id
      seqOf.set(id, seq)
    }
  }
  for (const operation of history) {
    if (operation.kind === "appended") place(operation.id, operation.seq)
    if (operation.kind === "read") operation.ids.forEach((id, i) => place(id, i + 1))
  }
  if (wrong.length > 0) return wrong

  // The moment of each event lies between these. An unknown append bounds it from below alone.
  const from = order.map(() => Infinity)
  const until = order.map(() => Infinity)
  /** Who saw so many events and no more, and when. */
  const sights: Array<{ readonly length: number; readonly asked: number; readonly answered: number }> = []
  for (const operation of history) {
    const { answered, asked, kind } = operation
    if (kind === "read") sights.push({ length: operation.ids.length, asked, answered })
    else if (kind === "refused") {
      const { actual, expected } = operation
      if (actual === expected) wrong.push(`refused at ${actual}, where it was expected`)
      sights.push({ length: actual, asked, answered })
    } else {
      const i = (seqOf.get(operation.id) ?? 0) - 1
      if (i < 0) continue
      from[i] = Math.min(from[i]!, asked)
      if (kind === "unknown") continue
      until[i] = Math.min(until[i]!, answered)
      const { expected } = operation
      if (expected !== undefined && expected !== i)
        wrong.push(`${operation.id} at ${i + 1}, expected behind ${expected}`)
    }
  }
  for (const { answered, asked, length } of sights) {
    if (length > order.length) wrong.push(`a head at ${length}, beyond all that is known`)
    if (length > 0 && length <= order.length) until[length - 1] = Math.min(until[length - 1]!, answered)
    if (length < order.length) from[length] = Math.max(from[length]!, asked)
  }
  for (let i = order.length - 2; i >= 0; i--) until[i] = Math.min(until[i]!, until[i + 1]!)
  let earliest = -Infinity
  for (const [i, id] of order.entries()) {
    if (id === undefined) wrong.push(`nobody knows what is at ${i + 1}`)
    else if (from[i] === Infinity) wrong.push(`${id} at ${i + 1}, which nobody appended`)
    else if ((earliest = Math.max(earliest, from[i]!)) > until[i]!)
      wrong.push(
        `${id} at ${i + 1} can have no moment: it was seen before it could be there, or missed after it was`
      )
  }
  return wrong
}
