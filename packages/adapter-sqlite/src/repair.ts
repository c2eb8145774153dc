/**
 * Mends what is derived, and nothing else: events are never changed, and what is damaged stays as it is and is named.
 * Of a good store no row is written.
 */
import type { OpenFailed, Problem, Repair, StorageError } from "@varve/core"
import { Effect } from "effect"
import { codeOf } from "./Connection.ts"
import { attempt, look } from "./inspect.ts"
import { openInspection } from "./open.ts"
import type { VerifyOptions } from "./verify.ts"

/**
 * Looks a store through as `verify` does, does what each problem's `mend` says in one transaction, and looks again.
 * Nobody else may have the store open meanwhile, in this process neither: then it fails with `OpenFailed` (`in-use`)
 * and does nothing.
 */
export const repair = (
  filename: string,
  options: VerifyOptions = {}
): Effect.Effect<Repair, OpenFailed | StorageError> =>
  Effect.acquireUseRelease(
    openInspection(filename, "exclusive"),
    (db) =>
      Effect.gen(function* () {
        const { findings } = yield* look(db, options)
        const mended: Array<Problem> = []
        for (const { mend, problem } of findings) {
          if (mend === undefined) continue
          yield* attempt("repair", () => {
            try {
              // Within a transaction this is a savepoint: wholly or not at all.
              db.transaction(() => mend(db))()
              mended.push(problem)
            } catch (error) {
              // What lies too deep for it is found again, and told as left.
              if (!/^SQLITE_(CORRUPT|CONSTRAINT)/.test(codeOf(error))) throw error
            }
          })
        }
        if (mended.length === 0) return { mended, left: findings.map(({ problem }) => problem) }
        yield* attempt("repair", () => db.exec("COMMIT"))
        const after = yield* look(db, {})
        return { mended, left: after.findings.map(({ problem }) => problem) }
      }),
    (db) => Effect.sync(() => db.close())
  )
