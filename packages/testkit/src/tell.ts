/** Calls and answers of the seam in short text, for a reader who knows their storage but not this kit. */
import type { Batch, Cursor, EncodedEvent, Group, Head, Outcome, Query, StoredEvent } from "@varve/core"

/** A text in quotes, all but plain ASCII escaped, so that NFC and NFD or two spaces can be told apart. */
const quoted = (text: string): string => {
  const short = text.length > 120 ? text.slice(0, 100) : text
  let out = ""
  for (const c of short) {
    const code = c.codePointAt(0)!
    if (code >= 0x20 && code < 0x7f) out += c === '"' ? '\\"' : c
    else out += code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, "0")}`
  }
  return `"${out}"${short.length < text.length ? `... (${text.length} characters)` : ""}`
}

/** Any plain value on one line. */
export const tell = (value: unknown): string => {
  if (typeof value === "string") return quoted(value)
  if (Object.is(value, -0)) return "-0"
  if (typeof value !== "object" || value === null) return String(value)
  if (value instanceof Map) return `{ ${Array.from(value, ([k, v]) => `${tell(k)}: ${tell(v)}`).join(", ")} }`
  if (Array.isArray(value)) {
    const shown = value.slice(0, 20).map(tell).join(", ")
    return `[${shown}${value.length > 20 ? `, ... (${value.length} items)` : ""}]`
  }
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined)
  if (entries.length === 0) return "{}"
  return `{ ${entries.map(([key, inner]) => `${/^\w+$/.test(key) ? key : quoted(key)}: ${tell(inner)}`).join(", ")} }`
}

const tellCursor = (cursor: Cursor | undefined): string =>
  typeof cursor === "object" ? `seq ${cursor.seq} of epoch ${String(cursor.epoch).slice(0, 6)}` : tell(cursor)

const tellEvent = (event: EncodedEvent): string =>
  `${quoted(event.id)} ${quoted(event.type)} ${quoted(event.data)}` +
  (event.version === 1 ? "" : ` version ${event.version}`) +
  (event.at === 0 ? "" : ` at ${event.at}`) +
  (event.meta === undefined ? "" : ` meta ${quoted(event.meta)}`) +
  (event.seals ? " seals" : "")

const most = <T>(items: ReadonlyArray<T>, show: (item: T) => string): string =>
  items.slice(0, 8).map(show).join("; ") + (items.length > 8 ? `; ... (${items.length} in all)` : "")

export const tellGroup = (group: Group): string =>
  `append ${quoted(group.stream)} [${most(group.events, tellEvent)}]` +
  (group.expected === undefined
    ? ""
    : ` expected ${typeof group.expected === "object" ? tellCursor(group.expected) : tell(group.expected)}`) +
  (group.attributes === undefined ? "" : ` attributes ${tell(group.attributes)}`) +
  (group.onIdConflict === undefined ? "" : ` onIdConflict ${group.onIdConflict}`) +
  (group.durability === "synced" ? " synced" : "")

const tellHead = (head: Head | undefined): string =>
  head === undefined
    ? "none"
    : `${tellCursor(head.cursor)}${head.sealed ? " sealed" : ""}, at ${head.minAt}..${head.maxAt}, synced ${head.synced}` +
      (Object.keys(head.attributes).length === 0 ? "" : `, attributes ${tell(head.attributes)}`)

export const tellHeads = (heads: ReadonlyArray<Head>): string =>
  heads.length === 0 ? "no streams" : most(heads, (head) => `${quoted(head.stream)} ${tellHead(head)}`)

export const tellOutcome = (outcome: Outcome): string => {
  switch (outcome._tag) {
    case "Appended":
      return (
        `Appended seqs [${outcome.seqs.join(", ")}]` +
        (outcome.duplicates.length === 0 ? "" : ` duplicates [${outcome.duplicates.join(", ")}]`) +
        (outcome.kept.length === 0 ? "" : ` kept [${outcome.kept.join(", ")}]`) +
        ` ${outcome.durability}, head ${tellHead(outcome.head)}`
      )
    case "Conflict":
      return `Conflict, actual ${tellCursor(outcome.actual)}`
    case "Failed":
      return `Failed ${outcome.reached}: ${String(outcome.cause)}`
    case "Sealed":
      return `Sealed at seq ${outcome.seq}`
    case "IdConflict":
      return `IdConflict, id ${quoted(outcome.id)} is taken at seq ${outcome.seq}`
    case "Claimed":
      return `Claimed by ${outcome.owner}`
  }
}

export const tellQuery = (query: Query): string => {
  const { after, onProgress: _, ...rest } = query
  const cursors =
    after === undefined
      ? []
      : Array.from(after, ([stream, cursor]) => `${quoted(stream)}: ${tellCursor(cursor)}`)
  return `query ${tell(rest)}${after === undefined ? "" : ` after { ${cursors.join(", ")} }`}`
}

const tellStored = (event: StoredEvent): string => `${event.seq} ${tellEvent(event)}`

export const tellBatches = (batches: ReadonlyArray<Batch>): string =>
  batches.length === 0
    ? "no batches"
    : most(
        batches,
        (batch) =>
          `${quoted(batch.stream)} [${most(batch.events, tellStored)}] last ${tellCursor(batch.last)}, head ${tellCursor(batch.head)}` +
          (batch.resync === undefined
            ? ""
            : `, resync ${batch.resync.reason} survived ${tellCursor(batch.resync.survived)}`)
      )
