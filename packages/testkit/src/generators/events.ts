/** Events as they are handed to a storage, plain by name and hostile by generator. */
import type { EncodedEvent } from "@varve/core"
import * as fc from "fast-check"
import { jsonText, metaText } from "./json.ts"
import { eventId, eventType } from "./names.ts"

/** A plain event under this id, and what the case at hand needs of it. */
export const event = (id: string, more?: Partial<EncodedEvent>): EncodedEvent => ({
  id,
  type: "chunk",
  version: 1,
  at: 0,
  data: "{}",
  meta: undefined,
  seals: false,
  ...more
})

/** `count` plain events with ids `<name>1`, `<name>2`, ... */
export const events = (
  count: number,
  name = "e",
  more?: Partial<EncodedEvent>
): ReadonlyArray<EncodedEvent> => Array.from({ length: count }, (_, i) => event(`${name}${i + 1}`, more))

/** The caller's clock: backward, equal, before 1970, and as far as a date reaches. */
export const time: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(0, 1, -1, 1_763_686_923_000, 1_763_686_922_999, 2 ** 31, -(2 ** 31) - 1, 8.64e15, -8.64e15),
  fc.integer({ min: -5, max: 5 })
)

/** Any event that core lets through. */
export const anyEvent: fc.Arbitrary<EncodedEvent> = fc.record({
  id: eventId,
  type: eventType,
  version: fc.constantFrom(1, 2, 70_000),
  at: time,
  data: jsonText,
  meta: metaText,
  seals: fc.constant(false)
})

/** Some events under ids of their own, of which at most the last seals. */
export const anyEvents = (maxLength: number): fc.Arbitrary<ReadonlyArray<EncodedEvent>> =>
  fc
    .tuple(fc.uniqueArray(anyEvent, { minLength: 1, maxLength, selector: (e) => e.id }), fc.boolean())
    .map(([all, seals]) => all.map((e, i) => (i === all.length - 1 ? { ...e, seals } : e)))
