/** The turns of the event loop that a store shares with the rest of its process, for work that is written as steps. */
import { nextTurn, TurnBudget } from "@varve/core"
import { type Steps, type Wait, wait } from "./Steps.ts"

export class Turns extends TurnBudget {
  /** Lets others run where this turn's time is used up. Between pieces of work. */
  *give(): Steps<void> {
    while (this.isSpent) if (!(yield* wait(another))) return
  }
}

/** Another turn; none where all is to be done at once. */
const another: Wait<boolean> = { now: () => false, later: () => nextTurn().then(() => true) }
