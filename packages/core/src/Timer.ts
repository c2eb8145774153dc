/** Timers of the event loop, for as long as one asks: its own take what is too long for them as 1 ms. */

/** Runs `run` after `ms`, and answers how to take that back. */
export type SetTimer = (run: () => void, ms: number) => () => void

/** The longest that a timer of the event loop waits, in ms: 24 days. */
export const longest = 2 ** 31 - 1

/** The timer of the event loop; `Infinity` is never. */
export const startTimeout: SetTimer = (run, ms) => {
  if (ms === Infinity) return () => undefined
  const timeout = setTimeout(run, Math.min(ms, longest))
  return () => clearTimeout(timeout)
}
