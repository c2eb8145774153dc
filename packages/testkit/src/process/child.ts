/** The other process of {@link otherProcess}: opens the storage that a module makes, and does what it is asked. */
import { flushCompileCache } from "node:module"
import { type Group, LogStorage, type Outcome, type Query, type StorageService } from "@varve/core"
import { Effect, type Layer, ManagedRuntime, Stream } from "effect"
import type { Answer, Ask, Asked, Opened } from "./protocol.ts"

const [module, place] = process.argv.slice(2) as [string, string]

/** Nobody is left to answer to where the channel broke before it was told to be closed. */
const send = (said: Opened | Answer): void =>
  void process.send?.(said, undefined, undefined, (error) => {
    if (error !== null) process.exit()
  })

/** An outcome whose cause can cross. */
const told = (outcome: Outcome): Outcome =>
  outcome._tag === "Failed" ? { ...outcome, cause: String(outcome.cause) } : outcome

type Methods = {
  readonly [K in keyof Asked]: (...args: Parameters<Asked[K]>) => Effect.Effect<unknown, unknown>
}

const methods = (service: StorageService, close: Effect.Effect<void>): Methods => ({
  append: (groups: ReadonlyArray<Group>) => Effect.map(service.append(groups), (all) => all.map(told)),
  query: (query: Query) => Stream.runCollect(service.query(query)),
  heads: service.heads,
  load: service.snapshots.load,
  save: service.snapshots.save,
  drop: service.snapshots.drop,
  remove: service.remove,
  sync: () => service.sync,
  release: service.release,
  close: () => close
})

const serve = async (): Promise<void> => {
  const { default: layer } = (await import(module)) as {
    readonly default: (place: string) => Layer.Layer<LogStorage, unknown>
  }
  const runtime = ManagedRuntime.make(layer(place))
  const service = await runtime.runPromise(LogStorage)
  // One that is killed doesn't get to it.
  flushCompileCache()
  const asked = methods(service, runtime.disposeEffect)
  process.on("message", ({ args, call, method }: Ask) => {
    const run = asked[method] as (...all: ReadonlyArray<unknown>) => Effect.Effect<unknown, unknown>
    Effect.runPromise(run(...args)).then(
      (value) => send({ call, value }),
      (error: unknown) => send({ call, failed: String(error) })
    )
  })
  const { atomicAcrossStreams, checksums, durability, reverse, sharedWriters, totalOrder } = service.supports
  send({
    limits: service.limits,
    // What is a function stays behind.
    supports: {
      atomicAcrossStreams,
      checksums,
      durability,
      reverse,
      sharedWriters,
      totalOrder,
      counters: false,
      hints: false
    }
  })
}

// Nobody is left to answer to.
process.on("disconnect", () => process.exit())
serve().catch((error: unknown) => send({ failed: String(error) }))
