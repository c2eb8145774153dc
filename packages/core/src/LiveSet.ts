/**
 * A capped set of live streams: of however many are open, the active one and the most recently used others are followed,
 * and the rest keep their place (laws C9, C10). What needs attention comes by a lane of its own (law C11).
 */
import { Effect, type Scope } from "effect"
import { attend, type AttentionOptions } from "./AttentionLane.ts"
import type { Cursor } from "./Cursor.ts"
import { InvalidOption } from "./Errors.ts"
import type * as EventSet from "./EventSet.ts"
import { guarded } from "./Listeners.ts"
import type { LiveView } from "./LivePlace.ts"
import type { LiveSource } from "./LiveSource.ts"
import { LiveStreams, type StreamsOptions } from "./LiveStreams.ts"
import type { Projection } from "./Projection.ts"

export type { LiveSnapshot, LiveStatus, LiveView } from "./LivePlace.ts"

/** How a live set behaves. */
export interface LiveSetOptions<E extends EventSet.Any> extends StreamsOptions<E>, AttentionOptions<E> {}

/** A capped set of live streams. */
export interface LiveSet<S> {
  /** Uses a stream: it becomes live, and the least recently used one that isn't active pauses when there is no room. */
  readonly open: (stream: string) => LiveView<S>
  /** Opens a stream, and keeps it live until another one is active. */
  readonly activate: (stream: string) => LiveView<S>
  /** Lets go of a stream: it isn't live any more. Its place is kept for a while, for when it is opened again. */
  readonly release: (stream: string) => void
  /** The streams that are to be live: the active one, then the most recently used. */
  readonly live: () => ReadonlyArray<string>
  /** The last attention event of each stream that was told: `attentionAfter` of the next set. */
  readonly attentionCursors: () => ReadonlyMap<string, Cursor>
}

/** A live set for code without Effect. */
export interface PromiseLiveSet<S> extends LiveSet<S>, AsyncDisposable {
  /** Ends all follows. States stay readable. */
  readonly close: () => Promise<void>
}

/**
 * Makes a live set, which ends with its scope.
 *
 * ```ts
 * const live = yield* LiveSet.make(log, Transcript, { capacity: 4 })
 * const view = live.activate("s-1")
 * view.subscribe(() => show(view.getSnapshot()))
 * ```
 */
export const make = Effect.fnUntraced(function* <E extends EventSet.Any, S>(
  source: LiveSource<E>,
  projection: Projection<E, S>,
  options: LiveSetOptions<E> = {}
): Effect.fn.Return<LiveSet<S>, InvalidOption, Scope.Scope> {
  const { capacity = 4, keep = 64, replayCap = 1000 } = options
  for (const [option, value, least] of [
    ["capacity", capacity, 1],
    ["keep", keep, 0],
    ["replayCap", replayCap, 0]
  ] as const) {
    if (!Number.isSafeInteger(value) || value < least)
      return yield* new InvalidOption({ option, problem: `is not an integer from ${least}` })
  }
  const fork = Effect.runForkWith(yield* Effect.context<never>())
  const onError = guarded(
    options.onError ?? ((error) => void fork(Effect.logWarning("A live set met a failure", error)))
  )
  const { backoff = {}, onVolatile = () => undefined } = options
  const settled = { backoff, capacity, keep, onError, onVolatile, replayCap }
  const set = new LiveStreams<E, S>(source, projection, settled, fork)
  const attention = new Map(options.attentionAfter)
  yield* Effect.addFinalizer(() => set.close)
  if (options.onAttention !== undefined)
    yield* Effect.forkScoped(attend(source, attention, { ...options, backoff, onError }))
  return {
    open: (stream) => set.open(stream),
    activate: (stream) => set.activate(stream),
    release: (stream) => set.release(stream),
    live: () => set.wanted().map((place) => place.stream),
    attentionCursors: () => new Map(attention)
  }
})

/** The same for code without Effect: `await using live = await LiveSet.open(log.effect, Transcript)`. */
export const open = async <E extends EventSet.Any, S>(
  source: LiveSource<E>,
  projection: Projection<E, S>,
  options?: LiveSetOptions<E>
): Promise<PromiseLiveSet<S>> => {
  let end: () => void = () => undefined
  let ended: Promise<void> = Promise.resolve()
  const set = await new Promise<LiveSet<S>>((resolve, reject) => {
    const life = Effect.flatMap(make(source, projection, options), (made) =>
      Effect.callback<void>((resume) => {
        end = () => resume(Effect.void)
        resolve(made)
      })
    )
    ended = Effect.runPromise(Effect.scoped(life))
    ended.catch(reject)
  })
  const close = (): Promise<void> => {
    end()
    return ended
  }
  return { ...set, close, [Symbol.asyncDispose]: close }
}
