/** How plain code runs an effect in the runtime of its log. */
import type { Effect, Exit } from "effect"

/** Runs an effect and tells how it ended. */
export type Fork = <A, E>(effect: Effect.Effect<A, E>, onExit: (exit: Exit.Exit<A, E>) => void) => void

/** The same, and answers how to stop it. */
export type Start = <A, E>(effect: Effect.Effect<A, E>, onExit: (exit: Exit.Exit<A, E>) => void) => () => void
