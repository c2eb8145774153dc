/** The next turn of the event loop, and the clock that tells how long this one took, in every runtime. */

/** Runs `run` behind everything that is due in the event loop now. */
export const nextMacrotask: (run: () => void) => void = (() => {
  const { setImmediate } = globalThis as { setImmediate?: (run: () => void) => void }
  if (setImmediate !== undefined) return (run) => setImmediate(run)
  return (run) => void setTimeout(run, 0)
})()

const { performance } = globalThis as unknown as { readonly performance: { readonly now: () => number } }

/** Milliseconds by a clock that never goes back. */
export const monotonicNow = (): number => performance.now()
