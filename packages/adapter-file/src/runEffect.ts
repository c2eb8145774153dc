/** Runs steps as an effect; what they throw is told as the seam tells it. Costs no promise where they wait for nothing. */
import { Damaged, type StorageError } from "@varve/core"
import { Effect } from "effect"
import { run, type Steps } from "./Steps.ts"
import { failed } from "./Store.ts"

export const runEffect = <A>(
  operation: string,
  work: () => Steps<A>
): Effect.Effect<A, StorageError | Damaged> =>
  Effect.suspend(() => {
    try {
      const answer = run(work())
      return answer instanceof Promise
        ? Effect.tryPromise({ try: () => answer, catch: (cause) => told(operation, cause) })
        : Effect.succeed(answer)
    } catch (cause) {
      return Effect.fail(told(operation, cause))
    }
  })

const told = (operation: string, cause: unknown): StorageError | Damaged =>
  cause instanceof Damaged ? cause : failed(operation, cause)
