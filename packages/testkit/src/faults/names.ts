/** Faults in stream names. */
import type { Outcome, StorageService } from "@varve/core"
import { Effect, Stream } from "effect"
import { changed, type Fault, fault, stepwise } from "./Fault.ts"

/** Streams that the storage keeps under a folded name; the name of the first comes back for all that fold alike. */
const streamsFolded = (storage: StorageService, fold: (name: string) => string): StorageService => {
  const first = new Map<string, string>()
  const kept = (name: string): string => {
    if (!first.has(fold(name))) first.set(fold(name), name)
    return first.get(fold(name))!
  }
  return {
    ...changed(storage, {
      group: (group) => ({ ...group, stream: kept(group.stream) }),
      selection: (selection) => ({ ...selection, streams: selection.streams?.map(kept) })
    }),
    remove: (stream) => storage.remove(kept(stream))
  }
}

/** A prefix as SQL's LIKE takes it. */
const like = (prefix: string): RegExp =>
  new RegExp(
    `^${prefix
      .replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
      .replaceAll("%", ".*")
      .replaceAll("_", ".")}`,
    "isu"
  )

export const nameFaults: ReadonlyArray<Fault> = [
  fault("S1 names", "names become file names, all else an underscore", "sanitize-filename", (storage) =>
    streamsFolded(storage, (name) => name.replace(/[^A-Za-z0-9.-]/g, "_"))
  ),
  fault("S1 names", "case twins are one stream", "file systems of macOS and Windows", (storage) =>
    streamsFolded(storage, (name) => name.toLowerCase())
  ),
  fault("S1 names", "composed and decomposed names are one stream", "HFS+ and APFS", (storage) =>
    streamsFolded(storage, (name) => name.normalize("NFD"))
  ),
  fault("S1 names", "names beyond 255 bytes are refused", "ENAMETOOLONG", (storage) =>
    stepwise(storage, (group, write) =>
      new TextEncoder().encode(group.stream).length > 255
        ? Effect.succeed<Outcome>({ _tag: "Failed", reached: "rejected", cause: new Error("ENAMETOOLONG") })
        : write(group)
    )
  ),
  fault("S5 parameters", "a prefix is a LIKE pattern", "WHERE stream LIKE ? || '%'", (storage) => {
    const matching = (prefix: string | undefined) => (name: string) =>
      prefix === undefined || like(prefix).test(name)
    return {
      ...storage,
      heads: ({ prefix, ...selection }) =>
        Effect.map(storage.heads(selection), (heads) =>
          heads.filter((head) => matching(prefix)(head.stream))
        ),
      query: ({ prefix, ...query }) =>
        Stream.filter(storage.query(query), (batch) => matching(prefix)(batch.stream))
    }
  }),
  fault("S5 parameters", "quotes end a filter", "SQL put together as text", (storage) =>
    changed(storage, {
      selection: (selection) => {
        if (selection.prefix?.includes("'")) throw new Error("unrecognized token")
        return selection
      }
    })
  )
]
