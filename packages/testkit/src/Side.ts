/**
 * One storage of several that run the same plan, and the comparison of its answers with the model's.
 *
 * Epoch ids are random and each storage begins epochs at its own pace, so cursors are compared by what they name: the
 * event `seq` of a stream in its present life. Clock times of the storage (`writtenAt`) are not compared, nor is how
 * an answer is cut into batches.
 */
import type { Appended, Batch, Cursor, Group, Head, Outcome, Query, StoredEvent, Supports } from "@varve/core"
import { must, mustEqual } from "./Broken.ts"
import type { Store } from "./Store.ts"
import { tell, tellOutcome } from "./tell.ts"

export class Side {
  readonly name: string
  readonly store: Store
  /** For each stream that exists, the cursor of each of its events, as the receipts told. */
  readonly places = new Map<string, Map<number, Cursor>>()
  /** The last cursors of streams that were removed. */
  readonly removed = new Map<string, Cursor>()

  constructor(name: string, store: Store) {
    this.name = name
    this.store = store
  }

  /** How far a stream has come, as the receipts told. */
  end(stream: string): number {
    return this.places.get(stream)?.size ?? 0
  }

  cursor(stream: string, seq: number): Cursor | undefined {
    return this.places.get(stream)?.get(seq)
  }

  /** Learns the cursors of what a receipt says was stored. */
  learn(stream: string, { head }: Appended): void {
    if (head === undefined) return
    const places = this.places.get(stream) ?? new Map<number, Cursor>()
    this.places.set(stream, places)
    const old = this.removed.get(stream)
    must(old?.epoch !== head.cursor.epoch, `A stream that was removed and created again has a new epoch`)
    for (let seq = places.size + 1; seq <= head.cursor.seq; seq++)
      places.set(seq, { epoch: head.cursor.epoch, seq })
  }

  forget(stream: string): void {
    const last = this.cursor(stream, this.end(stream))
    if (last !== undefined) this.removed.set(stream, last)
    this.places.delete(stream)
  }

  /** What a cursor names: a seq of the stream's present life. */
  seqOf(stream: string, cursor: Cursor | undefined): number | string | undefined {
    if (cursor === undefined) return undefined
    const place = this.cursor(stream, cursor.seq)
    return place?.epoch === cursor.epoch ? cursor.seq : `seq ${cursor.seq} under an epoch that isn't its own`
  }

  head(head: Head | undefined): unknown {
    if (head === undefined) return undefined
    const { synced: _, writtenAt: _at, cursor, ...rest } = head
    return { ...rest, cursor: this.seqOf(head.stream, cursor) }
  }

  outcome({ stream }: Group, outcome: Outcome): unknown {
    if (outcome._tag === "Appended") {
      const { durability: _, head, ...rest } = outcome
      return { ...rest, head: this.head(head) }
    }
    if (outcome._tag !== "Conflict") return outcome
    const { expected, actual } = outcome
    return {
      ...outcome,
      expected: typeof expected === "object" ? expected.seq : expected,
      actual: this.seqOf(stream, actual)
    }
  }

  event(event: StoredEvent): unknown {
    const { epoch, writtenAt: _, ...rest } = event
    return { ...rest, cursor: this.seqOf(event.stream, { epoch, seq: event.seq }) }
  }

  /** Compares the answer to a query with the model's. */
  compareQuery(query: Query, got: ReadonlyArray<Batch>, model: Side, wanted: ReadonlyArray<Batch>): void {
    wellFormed(query, got)
    const total = query.order === "total"
    mustEqual(
      `${this.name}: the events of this query, in its order`,
      got.flatMap((batch) => batch.events).map((event) => this.event(event)),
      wanted.flatMap((batch) => batch.events).map((event) => model.event(event))
    )
    const count = wanted.reduce((sum, batch) => sum + batch.events.length, 0)
    const cut = query.limit !== undefined && query.limit > 0 && count >= query.limit
    const answered = new Map(got.map((batch) => [batch.stream, batch]))
    const due = new Map(wanted.map((batch) => [batch.stream, batch]))
    for (const [stream, batch] of due) {
      const mine = answered.get(stream)
      // Once the limit is reached, and among streams chosen by attribute, silence about an empty answer is fine.
      if (mine === undefined && batch.resync === undefined && (cut || query.attributes !== undefined))
        continue
      if (mine === undefined && cut) continue
      must(
        mine !== undefined,
        () => `${this.name}: a stream that is named is answered, if by an empty batch: ${tell(stream)}`
      )
      mustEqual(
        `${this.name}: head of ${tell(stream)}`,
        this.seqOf(stream, mine.head),
        model.seqOf(stream, batch.head)
      )
      mustEqual(`${this.name}: resync of ${tell(stream)}`, this.resync(mine), model.resync(batch))
      const named = query.streams?.includes(stream) === true || query.after?.has(stream) === true
      if (!total && !cut && named && query.attributes === undefined) {
        mustEqual(
          `${this.name}: \`last\` of ${tell(stream)}, how far it was examined`,
          this.seqOf(stream, mine.last),
          model.seqOf(stream, batch.last)
        )
      }
    }
    const extra = got.find((batch) => !due.has(batch.stream))
    must(
      extra === undefined,
      () => `${this.name}: a stream that isn't named and has no match isn't answered: ${tell(extra?.stream)}`
    )
  }

  resync({ stream, resync }: Batch): unknown {
    return resync && { reason: resync.reason, survived: this.seqOf(stream, resync.survived) }
  }
}

/** What holds for the answer to any query, whatever is stored. */
export const wellFormed = (query: Query, batches: ReadonlyArray<Batch>): void => {
  const most = query.batchEvents ?? 512
  const backward = query.direction === "backward"
  const ended = new Set<string>()
  let before: Batch | undefined
  const lasts = new Map<string, Cursor | undefined>()
  for (const batch of batches) {
    const last = lasts.get(batch.stream)
    must(
      last === undefined || batch.events.every(({ seq }) => (backward ? seq < last.seq : seq > last.seq)),
      () => `Going on from a batch's last, ${tell(last)} of ${tell(batch.stream)}, would miss what comes next`
    )
    lasts.set(batch.stream, batch.last)
    must(
      batch.events.length <= most,
      () => `A batch holds at most ${most} events, not ${batch.events.length}`
    )
    must(
      batch.events.every((event) => event.stream === batch.stream),
      () => `A batch holds events of its own stream only: ${tell(batch.stream)}`
    )
    must(batch.resync === undefined || batch.events.length === 0, "A batch with a resync holds no events")
    if (query.order !== "total" && before !== undefined && before.stream !== batch.stream) {
      ended.add(before.stream)
      must(
        !ended.has(batch.stream),
        () => `The batches of one stream follow one another: ${tell(batch.stream)}`
      )
    }
    const at = batch.events.at(-1)
    must(
      at === undefined ||
        (batch.last !== undefined && (backward ? batch.last.seq <= at.seq : batch.last.seq >= at.seq)),
      () => `\`last\` isn't short of the batch's events: ${tell(batch.last)}, ${tell(at)}`
    )
    before = batch
  }
}

/** A receipt tells a durability that the storage has, and no less than was asked where it has it (law A1). */
export const durabilityIsTrue = (
  supports: Supports,
  group: Pick<Group, "durability" | "attributes">,
  outcome: Appended
): void => {
  const { durability, head, seqs } = outcome
  const told = () =>
    `: asked ${group.durability}, supports ${supports.durability}, told ${tellOutcome(outcome)}`
  if (head !== undefined) {
    must(
      head.synced >= 0 && head.synced <= head.cursor.seq,
      () => `head.synced is at most the last seq${told()}`
    )
    must(
      supports.durability === "power" || head.synced === 0,
      () => `Only a storage that survives power loss says synced${told()}`
    )
  }
  if (seqs.length === 0 && group.attributes === undefined) return
  const fits =
    supports.durability === "none"
      ? durability === "none"
      : supports.durability === "process"
        ? durability === "written"
        : durability === "synced" || (durability === "written" && group.durability === "written")
  must(fits, () => `A receipt tells the durability that was reached${told()}`)
  must(
    durability !== "synced" || head!.synced >= Math.max(...seqs),
    () => `What is acknowledged as synced is within head.synced, duplicates too${told()}`
  )
}
