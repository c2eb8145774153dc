/** The lane by which a live set hears what needs attention, whatever it follows (law C11). */
import { Cause, Effect, Stream } from "effect"
import { Backoff, type BackoffOptions } from "./Backoff.ts"
import type { Cursor } from "./Cursor.ts"
import type * as EventSet from "./EventSet.ts"
import { type Report, tell } from "./Listeners.ts"
import type { Attention, LiveSource } from "./LiveSource.ts"

/** Who is told of attention, and from where. */
export interface AttentionOptions<E extends EventSet.Any> {
  /** Told of the attention events of all streams, followed or not, each once. */
  readonly onAttention?: (attention: Pick<Attention<E>, "stream" | "event">) => void
  /**
   * Told when attention has begun: what is pending and asked for from now on, and what is told from now on, leave nothing
   * out between them.
   */
  readonly onAttentionBegan?: () => void
  /** Where attention begins: behind these cursors; now by default. */
  readonly attentionAfter?: ReadonlyMap<string, Cursor>
}

/** The lane of attention: told whatever is live, and again only what nobody knows to have been told. */
export const attend = <E extends EventSet.Any>(
  source: LiveSource<E>,
  told: Map<string, Cursor>,
  options: AttentionOptions<E> & {
    readonly backoff: BackoffOptions
    readonly onError: Report
  }
): Effect.Effect<never> => {
  const backoff = new Backoff(options.backoff)
  let began = options.attentionAfter !== undefined
  const once = Stream.runForEach(
    Stream.suspend(() => source.attention(began ? { after: new Map(told) } : {})),
    (item) =>
      Effect.sync(() => {
        backoff.reset()
        if (item._tag === "Began") {
          for (const [stream, cursor] of item.after) told.set(stream, cursor)
          began = true
          tell(options.onError, () => options.onAttentionBegan?.())
          return
        }
        const { event, stream } = item
        const last = told.get(stream)
        if (last !== undefined && last.epoch === event.epoch && event.seq <= last.seq) return
        told.set(stream, { epoch: event.epoch, seq: event.seq })
        tell(options.onError, () => options.onAttention?.({ stream, event }))
      })
  )
  const retried = Effect.catchCause(once, (cause) => Effect.sync(() => options.onError(Cause.squash(cause))))
  return Effect.forever(Effect.andThen(retried, backoff.wait))
}
