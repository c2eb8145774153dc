import type { Model } from "../src/agent.ts"

/** Answers in 13 words: a turn of 15 events. */
export const model: Model = (turn) => Array.from({ length: 13 }, (_, i) => `word${turn}.${i} `)
