/** Mends what is derived, and nothing else: no log is written. Of a good folder nothing is touched at all. */
import { OpenFailed, type Repair, type StorageError } from "@varve/core"
import type { Effect } from "effect"
import { isDeepStrictEqual } from "node:util"
import { Claims } from "./Claims.ts"
import type { Ports } from "./Store.ts"
import { attempt, look, type VerifyOptions } from "./verify.ts"

export const repair = (
  directory: string,
  options: VerifyOptions,
  ports: Ports
): Effect.Effect<Repair, OpenFailed | StorageError> =>
  attempt("repair", async (signal) => {
    const found = await look(directory, options, ports, signal)
    const user = await found.user()
    if (user !== undefined) {
      const problem = `is in use by ${user}; close it there, then repair it`
      throw new OpenFailed({ reason: "in-use", file: directory, problem })
    }
    const mendable = found.findings.filter(({ mend }) => mend !== undefined)
    if (mendable.length === 0) return { mended: [], left: found.findings.map(({ problem }) => problem) }
    // An owner like any other, so that whoever opens the folder meanwhile and this keep off each other.
    const claims = await Claims.open(ports, `${directory}/.varve/claims`)
    try {
      for (const { mend } of mendable) await mend!(claims)
    } finally {
      claims.close()
    }
    const left = (await look(directory, {}, ports, signal)).findings.map(({ problem }) => problem)
    const mended = mendable.map(({ problem }) => problem)
    return { mended: mended.filter((one) => !left.some((other) => isDeepStrictEqual(one, other))), left }
  })
