/** Faults in what a storage says of itself and of its streams. */
import { Effect } from "effect"
import { changed, type Fault, fault } from "./Fault.ts"

export const headFaults: ReadonlyArray<Fault> = [
  fault(
    "supports claims",
    "claims hints and has none",
    "a manifest copied from another adapter",
    (storage) => ({ ...storage, supports: { ...storage.supports, hints: true } })
  ),
  fault(
    "heads true",
    "the first and the last event's times are taken for the least and the greatest",
    "time taken for order",
    (storage) => {
      const times = new Map<string, Array<number>>()
      return changed(storage, {
        group: (group) => {
          times.set(group.stream, [
            ...(times.get(group.stream) ?? []),
            ...group.events.map((event) => event.at)
          ])
          return group
        },
        head: (head) => ({
          ...head,
          minAt: times.get(head.stream)![0]!,
          maxAt: times.get(head.stream)!.at(-1)!
        })
      })
    }
  ),
  fault(
    "heads true",
    "a head forgets that its stream is sealed",
    "a column that is not selected",
    (storage) => changed(storage, { head: (head) => ({ ...head, sealed: false }) })
  ),
  fault(
    "heads writtenAt",
    "the event's own time is told for the time of writing",
    "one time column",
    (storage) => changed(storage, { event: (event) => ({ ...event, writtenAt: event.at }) })
  ),
  fault(
    "heads selected",
    "a stream that is named twice is answered twice",
    "names.map((name) => streams.get(name))",
    (storage) => ({
      ...storage,
      heads: (selection) =>
        Effect.map(storage.heads(selection), (heads) => {
          const { streams } = selection
          return streams === undefined
            ? heads
            : heads.flatMap((head) => streams.filter((name) => name === head.stream).map(() => head))
        })
    })
  )
]
