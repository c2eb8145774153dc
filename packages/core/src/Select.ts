/** A slice of something that is shown and changes, for readers that care for that slice alone. */

/** What is shown: bound, and the same object until it changes. Fits `useSyncExternalStore`. */
export interface Shown<T> {
  readonly getSnapshot: () => T
  /** Calls `listener` after each change. Answers how to stop. */
  readonly subscribe: (listener: () => void) => () => void
}

/** A slice of a view. */
export type Selected<T> = Shown<T>

/** Its listeners are called only when `equals` says that the slice changed; `Object.is` by default. */
export const select = <A, T>(
  shown: Shown<A>,
  selector: (snapshot: A) => T,
  equals: (a: T, b: T) => boolean = Object.is
): Selected<T> => {
  let seen: { readonly snapshot: A; readonly slice: T } | undefined
  const getSnapshot = (): T => {
    const snapshot = shown.getSnapshot()
    if (seen?.snapshot === snapshot) return seen.slice
    const slice = selector(snapshot)
    seen = { snapshot, slice: seen !== undefined && equals(seen.slice, slice) ? seen.slice : slice }
    return seen.slice
  }
  const subscribe = (listener: () => void): (() => void) => {
    let last = getSnapshot()
    return shown.subscribe(() => {
      const slice = getSnapshot()
      if (Object.is(slice, last)) return
      last = slice
      listener()
    })
  }
  return { getSnapshot, subscribe }
}
