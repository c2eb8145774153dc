/**
 * A storage that misbehaves when it is told to, so that an application can test what it does about a conflict, a write
 * of unknown fate, a busy stream, a read that fails or events that are lost. Behind each trouble it works as before.
 */
import { type Batch, type Cursor, type Group, LogStorage, type Outcome, StorageError } from "@varve/core"
import { Effect, Layer, Stream } from "effect"

/** What the next call of `append` does to each of its groups; `undefined` for what it should. */
export type Trouble =
  /** Nothing is written, and says so. */
  | "rejected"
  /** The outcome is unknown, and nothing was written. */
  | "unknown, not written"
  /** The outcome is unknown, and everything was written. */
  | "unknown, written"
  /** Another process writes the stream. */
  | "claimed"
  /** Somebody else appended first: a conflict where a head is expected. */
  | "conflict"
  /** Answers no sooner than `release` is called. */
  | "slow"
  | undefined

/** A storage that can be told to misbehave. */
export interface Troubled<E> {
  /** The storage to open a log over. */
  readonly storage: Layer.Layer<LogStorage, E>
  /** What the next calls of `append` do, in order. */
  readonly append: (...troubles: ReadonlyArray<Trouble>) => void
  /** Makes the next queries fail with `StorageError`. */
  readonly query: (times: number) => void
  /**
   * The next so many queries behind cursors find the events of these lost, and answer a resync: what a follow meets after a
   * crash, as it begins, or once it has lagged and reads on.
   */
  readonly resync: (times: number) => void
  /** Lets slow appends go on. */
  readonly release: () => void
}

/**
 * Wraps a storage.
 *
 * ```ts
 * const trouble = troubled(MemoryStorage.layer)
 * await using log = await Varve.open({ events: Session, storage: trouble.storage })
 * trouble.append("unknown, written")
 * await expect(log.append("s", event)).rejects.toThrow("unknown")
 * await log.append("s", event) // the same event again: one copy stays
 * ```
 */
export const troubled = <E>(storage: Layer.Layer<LogStorage, E>): Troubled<E> => {
  const troubles: Array<Trouble> = []
  let failing = 0
  let resyncs = 0
  let waiting: Array<() => void> = []
  const cause = new Error("trouble was asked for")
  const answer =
    (outcome: (group: Group) => Outcome) =>
    (groups: ReadonlyArray<Group>): ReadonlyArray<Outcome> =>
      groups.map(outcome)
  const failed = (reached: "rejected" | "unknown") => answer(() => ({ _tag: "Failed", reached, cause }))
  const wrapped = Effect.map(LogStorage, (honest) => {
    const append = Effect.fnUntraced(function* (groups: ReadonlyArray<Group>) {
      const trouble = troubles.shift()
      switch (trouble) {
        case undefined:
          return yield* honest.append(groups)
        case "rejected":
          return failed("rejected")(groups)
        case "unknown, not written":
          return failed("unknown")(groups)
        case "unknown, written":
          yield* honest.append(groups)
          return failed("unknown")(groups)
        case "claimed":
          return answer(() => ({ _tag: "Claimed", owner: "another process" }))(groups)
        case "conflict":
          return answer(({ expected }) => ({ _tag: "Conflict", expected, actual: undefined }))(groups)
        case "slow":
          yield* Effect.callback<void>((resume) => void waiting.push(() => resume(Effect.void)))
          return yield* honest.append(groups)
      }
    })
    const query: typeof honest.query = (asked) =>
      Stream.suspend(() => {
        if (failing > 0) {
          failing--
          return Stream.fail(new StorageError({ operation: "query", cause }))
        }
        if (resyncs === 0 || asked.after === undefined || asked.after.size === 0) return honest.query(asked)
        resyncs--
        return lost(honest.query({ ...asked, limit: 0 }), asked.after)
      })
    return { ...honest, append, appendSync: undefined, query }
  })
  return {
    storage: Layer.effect(LogStorage, wrapped).pipe(Layer.provide(storage)),
    append: (...more) => void troubles.push(...more),
    query: (times) => void (failing = times),
    resync: (times) => void (resyncs = times),
    release: () => {
      for (const go of waiting.splice(0)) go()
    }
  }
}

/** The answer to cursors whose events are gone, and the events before them, too. */
const lost = <E>(
  batches: Stream.Stream<Batch, E>,
  after: ReadonlyMap<string, Cursor>
): Stream.Stream<Batch, E> =>
  Stream.map(batches, (batch) =>
    after.has(batch.stream)
      ? { ...batch, events: [], last: undefined, resync: { reason: "lost", survived: undefined } }
      : batch
  )
