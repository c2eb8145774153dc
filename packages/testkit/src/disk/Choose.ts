/** Decides between `below` things: answers an integer from 0 up to, not including, `below`. */
export type Choose = (below: number) => number

/** Choices that follow from a seed alone, so that a printed seed brings a crash back. */
export const chooseBy = (seed: number): Choose => {
  let state = seed | 0
  return (below) => {
    state = (state + 0x9e3779b9) | 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return Math.floor((((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32) * below)
  }
}
