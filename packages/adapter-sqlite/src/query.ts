/** Answers queries as streams of batches: one bounded, synchronous page after the other, none before it is pulled. */
import type { Batch, Damaged, Query, StorageError } from "@varve/core"
import { Effect, Option, Stream } from "effect"
import type { Connection } from "./Connection.ts"
import type { Page } from "./Page.ts"
import { StreamOrder } from "./StreamOrder.ts"
import { TotalOrder } from "./TotalOrder.ts"

export const query = (connection: Connection, asked: Query): Stream.Stream<Batch, StorageError | Damaged> =>
  Stream.suspend(() => {
    connection.counters.queries++
    // Q2: an empty set costs no I/O.
    if (asked.streams?.length === 0) return Stream.empty
    const order =
      asked.order === "total" ? new TotalOrder(connection, asked) : new StreamOrder(connection, asked)
    return Stream.paginate(undefined as Page["damage"], (damage) =>
      damage === undefined
        ? Effect.map(
            connection.read("query", (sql) => order.next(sql)),
            (page) => [page.batches, page.end ? Option.none() : Option.some(page.damage)] as const
          )
        : Effect.fail(damage)
    )
  })
