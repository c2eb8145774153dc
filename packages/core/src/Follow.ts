/** Following a stream: catching up by query, then what comes, as a stream of items that is pulled (laws C1 to C8, C12). */
import { Effect, Exit, Stream } from "effect"
import { InvalidOption, type ReadError } from "./Errors.ts"
import type * as EventSet from "./EventSet.ts"
import { Follower, type Following } from "./Follower.ts"
import type { FollowItem, FollowOptions } from "./LiveSource.ts"

/** Throws `InvalidOption` for what a follow cannot mean. A cursor is the storage's to judge. */
export const checkFollow = ({ bufferEvents = 1, replayCap = 0 }: FollowOptions): void => {
  if (!(bufferEvents >= 1))
    throw new InvalidOption({ option: "bufferEvents", problem: "is not a number from 1" })
  if (!(replayCap >= 0)) throw new InvalidOption({ option: "replayCap", problem: "is not a number from 0" })
}

/** `begin` settles what was recorded before (law O5) and refuses what makes no sense. */
export const follow = <E extends EventSet.Any>(
  around: Following<E>,
  begin: Effect.Effect<void, ReadError>,
  stream: string,
  options: FollowOptions
): Stream.Stream<FollowItem<E>, ReadError> =>
  Stream.unwrap(
    Effect.gen(function* () {
      yield* begin
      let wake: (() => void) | undefined
      const follower = yield* Effect.acquireRelease(
        Effect.sync(() => new Follower(around, stream, options, () => wake?.())),
        (open) => Effect.sync(() => open.close())
      )
      const moved = Effect.callback<void>((resume) => {
        // It may have moved since it was asked.
        if (!follower.isIdle) return resume(Exit.void)
        wake = () => {
          wake = undefined
          resume(Exit.void)
        }
        return Effect.sync(() => void (wake = undefined))
      })
      const next: Effect.Effect<FollowItem<E> | undefined, ReadError> = Effect.suspend(() => {
        const item = follower.take()
        if (item !== undefined) return Effect.succeed(item)
        if (follower.ended) return Effect.undefined
        return Effect.andThen(follower.mustRead ? follower.read : moved, next)
      })
      return Stream.takeWhile(Stream.fromEffectRepeat(next), (item) => item !== undefined) as Stream.Stream<
        FollowItem<E>,
        ReadError
      >
    })
  )
