/**
 * Makes groups: validates and encodes events, ends a group at a barrier and at the storage's limits, and asks for the
 * durability that the events' policies ask for. Pure, and plain code: this runs once an event.
 */
import { InvalidEvent } from "./Errors.ts"
import * as EventSet from "./EventSet.ts"
import type { NewEvent } from "./LogEvent.ts"
import type { Durability, EncodedEvent, Group, Limits } from "./LogStorage.ts"
import { byteLength } from "./Name.ts"

/** What stands at the front of a line of recorded events, taken off as one group. */
export interface Run {
  /** Undefined when nothing of the run is to be stored. */
  readonly group: Group | undefined
  /** The events of the group, in its order. */
  readonly sources: ReadonlyArray<NewEvent>
  readonly volatile: ReadonlyArray<NewEvent>
  readonly refused: ReadonlyArray<{ readonly event: NewEvent; readonly error: InvalidEvent }>
  /** How many events were taken, one or more. */
  readonly taken: number
}

/** What an append's group asks for besides its events. */
export type Asked = Omit<Group, "stream" | "events" | "durability" | "sameContent"> & {
  readonly durability?: Durability | undefined
}

export class Groups {
  private readonly set: EventSet.Any
  private readonly limits: Limits
  private readonly sameContent: NonNullable<Group["sameContent"]>

  constructor(set: EventSet.Any, limits: Limits) {
    this.set = set
    this.limits = limits
    this.sameContent = EventSet.sameContent(set)
  }

  /** The plain events at the front of `line`, or the one barrier there. `line` begins with an event. */
  run(stream: string, line: ReadonlyArray<NewEvent | object>): Run {
    const { groupBytes, groupEvents } = this.limits
    const definitions = this.set[EventSet.Definitions]
    const events: Array<EncodedEvent> = []
    const sources: Array<NewEvent> = []
    const volatile: Array<NewEvent> = []
    const refused: Array<{ event: NewEvent; error: InvalidEvent }> = []
    let durability: Durability = "written"
    let bytes = 0
    let taken = 0
    for (; taken < line.length && events.length < groupEvents; taken++) {
      const event = line[taken]!
      if (!("type" in event)) break
      const policy = definitions[event.type]!
      if (policy.barrier && taken > 0) break
      if (policy.durability === "volatile") {
        volatile.push(event)
        continue
      }
      const encoded = tryEncode(this.set, stream, event)
      if (encoded instanceof InvalidEvent) {
        refused.push({ event, error: encoded })
      } else {
        const size = encodedSize(encoded)
        if (bytes + size <= groupBytes) {
          bytes += size
          events.push(encoded)
          sources.push(event)
        } else if (events.length > 0) {
          break
        } else {
          refused.push({ event, error: tooLarge(stream, event, groupBytes) })
        }
      }
      if (policy.barrier) {
        if (policy.durability === "synced") durability = "synced"
        taken++
        break
      }
    }
    // An id conflict is told of the one event that has it; its neighbours are written (`kept`).
    const group: Group | undefined =
      events.length === 0
        ? undefined
        : { stream, events, durability, onIdConflict: "keep", sameContent: this.sameContent }
    return { group, sources, volatile, refused, taken }
  }

  /** All of an append as one group. Throws {@link InvalidEvent}. */
  append(stream: string, sources: ReadonlyArray<NewEvent>, asked: Asked): Group {
    const { groupBytes, groupEvents } = this.limits
    const definitions = this.set[EventSet.Definitions]
    let durability = asked.durability ?? "written"
    let bytes = 0
    const events = sources.map((source, i) => {
      const event = EventSet.encode(this.set, stream, source)
      const policy = definitions[event.type]!.durability
      if (policy === "volatile") throw refuse(stream, source, "is volatile and gets no receipt; record it")
      if (policy === "synced") durability = "synced"
      bytes += encodedSize(event)
      if (bytes > groupBytes) throw tooLarge(stream, source, groupBytes)
      if (i >= groupEvents) throw refuse(stream, source, `is one more than the ${groupEvents} of a group`)
      return event
    })
    return { ...asked, stream, events, durability, sameContent: this.sameContent }
  }
}

const tryEncode = (set: EventSet.Any, stream: string, event: NewEvent): EncodedEvent | InvalidEvent => {
  try {
    return EventSet.encode(set, stream, event)
  } catch (error) {
    if (error instanceof InvalidEvent) return error
    throw error
  }
}

/** The refusal of an event. Names its field, never its payload. */
export const refuse = (stream: string, { type, id }: NewEvent, problem: string): InvalidEvent =>
  new InvalidEvent({ stream, type, id, path: "", problem })

const tooLarge = (stream: string, event: NewEvent, groupBytes: number): InvalidEvent =>
  refuse(stream, event, `makes its group larger than the ${groupBytes} bytes that this storage takes at once`)

/** The UTF-8 bytes that an encoded event takes; for small ones an upper bound, which is cheaper. */
const encodedSize = ({ id, type, data, meta = "" }: EncodedEvent): number => {
  const length = id.length + type.length + data.length + meta.length
  return length < 65_536
    ? 3 * length
    : byteLength(id) + byteLength(type) + byteLength(data) + byteLength(meta)
}

/** Roughly what an event holds of memory, in bytes. Counts texts, looks at no more than 64 values. */
export const sizeOf = (event: NewEvent): number => 200 + textSize(event.data, { left: 64 })

const textSize = (value: unknown, budget: { left: number }): number => {
  if (typeof value === "string") return 2 * value.length
  if (typeof value !== "object" || value === null) return 8
  let size = 16
  for (const key in value) {
    if (budget.left-- <= 0) break
    size += 8 + textSize((value as Record<string, unknown>)[key], budget)
  }
  return size
}
