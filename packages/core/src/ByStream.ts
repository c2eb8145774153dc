/**
 * A query's answer, stream by stream: still one pass over the storage, which goes on only as events are pulled. What of
 * a stream isn't pulled is passed over when the next one is asked for.
 */
import { Cause, Effect, Pull, Stream } from "effect"
import type { ReadError } from "./Errors.ts"
import type * as EventSet from "./EventSet.ts"
import type { Batch, StreamAnswer } from "./LogQuery.ts"

/** What is answered of one stream, before its batches are flattened. */
export interface BatchedAnswer<E extends EventSet.Any> extends Omit<StreamAnswer<E>, "events"> {
  readonly batches: Stream.Stream<ReadonlyArray<EventSet.Stored<E>>, ReadError>
}

/** Cuts batches that come in stream order into streams. */
export const byStream = <E extends EventSet.Any>(
  batches: Stream.Stream<Batch<E>, ReadError>
): Stream.Stream<BatchedAnswer<E>, ReadError> =>
  Stream.transformPull(batches, (pull) =>
    Effect.sync(() => {
      /** Pulled, and not yet taken. */
      let waiting: ReadonlyArray<Batch<E>> = []
      let ended = false
      /** The stream that was answered last. */
      let current: string | undefined

      const end = Effect.suspend(() => {
        ended = true
        return Cause.done()
      })
      const more = Pull.catchDone(
        Effect.map(pull, (pulled) => void (waiting = pulled)),
        () => end
      )
      const peek: Pull.Pull<Batch<E>, ReadError> = Effect.suspend(() => {
        if (waiting.length > 0) return Effect.succeed(waiting[0]!)
        return ended ? Cause.done() : Effect.andThen(more, peek)
      })
      const take = (): void => void (waiting = waiting.slice(1))

      const eventsOf = (stream: string): Pull.Pull<readonly [Batch<E>["events"]], ReadError> =>
        Effect.flatMap(peek, (batch) => {
          if (batch.stream !== stream || current !== stream) return Cause.done()
          take()
          return batch.events.length > 0 ? Effect.succeed([batch.events] as const) : eventsOf(stream)
        })
      const next: Pull.Pull<readonly [BatchedAnswer<E>], ReadError> = Effect.flatMap(peek, (batch) => {
        const { head, resync, stream } = batch
        if (stream === current) {
          take()
          return next
        }
        current = stream
        return Effect.succeed([
          { stream, head, resync, batches: Stream.fromPull(Effect.succeed(eventsOf(stream))) }
        ] as const)
      })
      return next
    })
  )
