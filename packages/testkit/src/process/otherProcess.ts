/**
 * A storage in a process of its own, which can be killed: what a crash leaves, and what two processes make of one
 * store, proven on the real thing.
 */
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { fromPromises, type LogStorage, type OpenFailed, type PromiseStorage } from "@varve/core"
import type { Layer } from "effect"
import type { Answer, Ask, Asked, Opened } from "./protocol.ts"

/** A storage that another process has open, and the end of that process. */
export interface OtherProcess {
  /** Each building of it starts a process, and ends it when it is closed. */
  readonly storage: Layer.Layer<LogStorage, OpenFailed>
  /** Kills the processes that were started, as `kill -9` does; resolves when they are gone. */
  readonly crash: () => Promise<void>
}

/** How another process is started. */
export interface OtherProcessOptions {
  /** Arguments for Node itself, such as a loader; those of this process by default. */
  readonly execArgv?: ReadonlyArray<string> | undefined
}

/**
 * Runs the storage that `module` makes of `place` elsewhere. The module's default export is a function that answers a
 * layer: `export default (place: string) => MyStorage.layer({ directory: place })`. A start costs as much as loading
 * the module in a new Node, some 0.3 s.
 *
 * ```ts
 * crash: () => otherProcess(new URL("./storage.ts", import.meta.url), newFolder())
 * ```
 */
export const otherProcess = (
  module: URL,
  place: string,
  { execArgv = process.execArgv }: OtherProcessOptions = {}
): OtherProcess => {
  const living = new Set<ChildProcess>()
  return {
    storage: fromPromises(async () => {
      const child = fork(program, [module.href, place], {
        execArgv: [...execArgv],
        serialization: "advanced",
        // A start takes a third of the time once modules were compiled.
        env: { NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache"), ...process.env }
      })
      living.add(child)
      child.once("exit", () => living.delete(child))
      return await remote(child)
    }),
    crash: async () => {
      await Promise.all(
        Array.from(living, async (child) => {
          const gone = once(child, "exit")
          child.kill("SIGKILL")
          await gone
        })
      )
    }
  }
}

// As this file is, source or built.
const program = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "child.ts" : "child.js", import.meta.url)
)

/** The storage of a process as its parent sees it. */
const remote = async (child: ChildProcess): Promise<PromiseStorage> => {
  const gone = new Promise<never>((_, reject) => {
    child.once("exit", (code, signal) => reject(new Error(`the process ended with ${code ?? signal}`)))
  })
  gone.catch(() => undefined)
  const [opened] = (await Promise.race([once(child, "message"), gone])) as [Opened]
  if ("failed" in opened) {
    child.kill()
    throw new Error(opened.failed)
  }
  const waiting = new Map<number, (answer: Answer) => void>()
  child.on("message", (answer: Answer) => {
    waiting.get(answer.call)?.(answer)
    waiting.delete(answer.call)
  })
  let calls = 0
  const ask = async <M extends keyof Asked>(
    method: M,
    ...args: Parameters<Asked[M]>
  ): Promise<ReturnType<Asked[M]>> => {
    const call = ++calls
    const answered = new Promise<Answer>((resolve) => waiting.set(call, resolve))
    child.send({ call, method, args } satisfies Ask)
    const answer = await Promise.race([answered, gone])
    if ("failed" in answer) throw new Error(answer.failed)
    return answer.value as ReturnType<Asked[M]>
  }
  return {
    ...opened,
    append: (groups) =>
      ask(
        "append",
        groups.map((group) => ({ ...group, sameContent: undefined }))
      ),
    query: async function* (query) {
      yield* await ask("query", { ...query, onProgress: undefined })
    },
    heads: ({ prefix, streams }) => ask("heads", { prefix, streams: streams && [...streams] }),
    snapshots: {
      load: (projection, streams) => ask("load", projection, streams),
      save: (snapshots) => ask("save", snapshots),
      drop: (projection) => ask("drop", projection)
    },
    remove: (stream) => ask("remove", stream),
    sync: () => ask("sync"),
    release: (stream) => ask("release", stream),
    close: async () => {
      // One that was killed has nothing left to close.
      if (child.exitCode !== null || child.signalCode !== null) return
      await ask("close")
      const ended = once(child, "exit")
      child.disconnect()
      await ended
    }
  }
}
