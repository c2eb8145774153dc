/** Opening, on any ports: production's are `node:fs` and Unix sockets, tests bring a disk and owners of their own. */
import { LogStorage, OpenFailed } from "@varve/core"
import { Effect, Layer } from "effect"
import { codeOf } from "./files.ts"
import type { Notice } from "./Notice.ts"
import { service } from "./service.ts"
import { type Ports, Store } from "./Store.ts"

export interface Options {
  readonly directory: string
  readonly idleTimeout?: number | undefined
  readonly onNotice?: ((notice: Notice) => void) | undefined
}

export const open = (options: Options, ports: Ports): Layer.Layer<LogStorage, OpenFailed> =>
  Layer.effect(
    LogStorage,
    Effect.map(
      Effect.acquireRelease(acquire(options, ports), (store) => Effect.promise(() => store.close())),
      service
    )
  )

const acquire = Effect.fnUntraced(function* (
  { directory, idleTimeout = 60_000, onNotice }: Options,
  ports: Ports
): Effect.fn.Return<Store, OpenFailed> {
  const problem = nodeProblem(process.versions.node)
  if (problem !== undefined) return yield* new OpenFailed({ reason: "node-too-old", problem })
  if (!(idleTimeout > 0)) {
    const problem = `idleTimeout takes ms, more than 0, not ${idleTimeout}`
    return yield* new OpenFailed({ reason: "unsupported", file: directory, problem })
  }
  const runFork = Effect.runForkWith(yield* Effect.context())
  const log = ({ bytes, file, from, keptIn, stream }: Notice): void =>
    void runFork(
      Effect.logWarning(
        `The log of stream ${stream} ended in ${bytes} bytes that are no whole group: events that were not synced may be lost. They were cut and are kept.`,
        { stream, file, from, bytes, keptIn }
      )
    )
  return yield* Effect.tryPromise({
    try: () => Store.open({ ...ports, directory, idleTimeout, notify: onNotice ?? log }),
    catch: (error) =>
      new OpenFailed({
        reason: "unreachable",
        file: directory,
        problem: `cannot be read and written (${codeOf(error) || String(error)}); choose another folder or mend its permissions`
      })
  })
})

/** What is wrong with a version of Node. */
const nodeProblem = (version: string): string | undefined => {
  const [major = 0, minor = 0] = version.split(".").map(Number)
  const fine = major > 22 || (major === 22 && minor >= 18)
  return fine
    ? undefined
    : `@varve/adapter-file needs Node 22.18 or newer, this is Node ${version}; start the program with a newer one`
}
