/**
 * Work that may have to wait, written once for both ways to run it: asynchronously, or at once in an exit handler
 * (`appendSync`). A generator yields what it waits for; where it waits for nothing it runs to its end without a
 * promise.
 */

/** Something to wait for: how to have it at once, or later. */
export interface Wait<A> {
  readonly now: () => A
  readonly later: () => Promise<A>
}

/** A piece of work that answers `A`. */
export type Steps<A> = Generator<Wait<unknown>, A, unknown>

export function* wait<A>(what: Wait<A>): Steps<A> {
  return (yield what) as A
}

/** Runs to the end without letting anything else run. Throws what the work throws. */
export const runNow = <A>(steps: Steps<A>): A => {
  let step = steps.next()
  while (step.done !== true) {
    let value: unknown
    try {
      value = step.value.now()
    } catch (error) {
      step = steps.throw(error)
      continue
    }
    step = steps.next(value)
  }
  return step.value
}

/** Runs as far as it goes without waiting, and on from there by promises. */
export const run = <A>(steps: Steps<A>): A | Promise<A> => {
  const step = steps.next()
  return step.done === true ? step.value : goOn(steps, step.value)
}

const goOn = async <A>(steps: Steps<A>, first: Wait<unknown>): Promise<A> => {
  let waiting = first
  for (;;) {
    const settled = await waiting.later().then(
      (value) => () => steps.next(value),
      (error: unknown) => () => steps.throw(error)
    )
    const step = settled()
    if (step.done === true) return step.value
    waiting = step.value
  }
}
