/**
 * Makes groups: validates and encodes events, ends a group at a barrier and at the storage's limits, and asks for the
 * durability that the events' policies ask for. Pure, and plain code: this runs once an event.
 */
import { InvalidEvent } from "./Errors.ts"
import * as EventSet from "./EventSet.ts"
import type { NewEvent } from "./LogEvent.ts"
import type { Durability, EncodedEvent, Group, Limits } from "./LogStorage.ts"
import { byteLength } from "./Name.ts"
import { invalidEvent } from "./Refusal.ts"

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

  /** The plain events at the front of a line, or the one barrier there. The line begins with an event that is known. */
  run(stream: string, at: (index: number) => NewEvent | undefined): Run {
    const { groupBytes, groupEvents } = this.limits
    const events: Array<EncodedEvent> = []
    const sources: Array<NewEvent> = []
    const volatile: Array<NewEvent> = []
    const refused: Array<{ event: NewEvent; error: InvalidEvent }> = []
    let durability: Durability = "written"
    let bytes = 0
    let taken = 0
    for (; events.length < groupEvents; taken++) {
      const event = at(taken)
      if (event === undefined) break
      const policy = EventSet.definitionOf(this.set, event.type)!
      if (policy.barrier && taken > 0) break
      const encoded = EventSet.tryEncode(this.set, stream, event)
      if (encoded instanceof InvalidEvent) {
        refused.push({ event, error: encoded })
      } else if (policy.durability === "volatile") {
        volatile.push(event)
      } else {
        const size = encodedSize(encoded, groupBytes - bytes)
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
    if (events.length === 0) return { group: undefined, sources, volatile, refused, taken }
    // An id conflict is told of the one event that has it; its neighbours are written (`kept`).
    const onIdConflict = "keep"
    const { sameContent } = this
    return {
      group: { stream, events, durability, onIdConflict, sameContent },
      sources,
      volatile,
      refused,
      taken
    }
  }

  /** All of an append as one group, or what refuses it. */
  append(stream: string, sources: ReadonlyArray<NewEvent>, asked: Asked): Group | InvalidEvent {
    const { groupBytes, groupEvents } = this.limits
    const events: Array<EncodedEvent> = []
    let durability = asked.durability ?? "written"
    let bytes = 0
    for (const source of sources) {
      const refuse = (problem: string): InvalidEvent => invalidEvent(stream, source, "", problem)
      if (events.at(-1)?.seals === true) return refuse("stands behind an event that seals the stream")
      if (events.length === groupEvents)
        return refuse(`is one more than the ${groupEvents} events of a group`)
      const event = EventSet.tryEncode(this.set, stream, source)
      if (event instanceof InvalidEvent) return event
      const policy = EventSet.definitionOf(this.set, event.type)!.durability
      if (policy === "volatile") return refuse("is volatile and gets no receipt; record it")
      if (policy === "synced") durability = "synced"
      bytes += encodedSize(event, groupBytes - bytes)
      if (bytes > groupBytes) return tooLarge(stream, source, groupBytes)
      events.push(event)
    }
    return { ...asked, stream, events, durability, sameContent: this.sameContent }
  }
}

const tooLarge = (stream: string, event: NewEvent, groupBytes: number): InvalidEvent =>
  invalidEvent(
    stream,
    event,
    "",
    `makes its group larger than the ${groupBytes} bytes that this storage takes at once`
  )

/** The UTF-8 bytes that an encoded event takes; an upper bound, which is cheaper, where that fits into `room`. */
export const encodedSize = ({ id, type, data, meta = "" }: EncodedEvent, room: number): number => {
  const most = 3 * (id.length + type.length + data.length + meta.length)
  return most <= room / 64 ? most : byteLength(id) + byteLength(type) + byteLength(data) + byteLength(meta)
}

/** Roughly what an event holds of memory, in bytes. Looks at no more than 64 values. */
export const sizeOf = (event: NewEvent): number => 200 + valueSize(event.data, { left: 64 })

const valueSize = (value: unknown, budget: { left: number }): number => {
  if (typeof value === "string") return 2 * value.length
  if (typeof value !== "object" || value === null) return 8
  if (ArrayBuffer.isView(value)) return value.byteLength
  let size = 16
  if (Array.isArray(value)) {
    const looked = Math.min(value.length, budget.left)
    for (let i = 0; i < looked && budget.left-- > 0; i++) size += 8 + valueSize(value[i], budget)
    return looked === 0 ? size : (size / looked) * value.length
  }
  for (const key in value) {
    if (budget.left-- <= 0) break
    size += 8 + valueSize((value as Record<string, unknown>)[key], budget)
  }
  return size
}
