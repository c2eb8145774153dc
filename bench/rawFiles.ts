/** The raw limits of plain files: JSON.stringify + write, and a bounded loop over chunks that parses each line. */
import { closeSync, fdatasyncSync, openSync, readSync, writeSync } from "node:fs"
import { join } from "node:path"
import type { NewEvent } from "@varve/core"

/** One file a stream, kept open; one write a batch, and one fdatasync where it is to survive power loss. */
export const rawFiles = (folder: string, synced: boolean) => {
  const open = new Map<number, { readonly fd: number; seq: number }>()
  return {
    append: (stream: number, events: ReadonlyArray<NewEvent>): void => {
      let file = open.get(stream)
      if (file === undefined) {
        file = { fd: openSync(join(folder, `${stream}.jsonl`), "a"), seq: 0 }
        open.set(stream, file)
      }
      let lines = ""
      for (const { id, type, at, data } of events)
        lines += `${JSON.stringify({ seq: ++file.seq, id, type, at, data })}\n`
      writeSync(file.fd, lines)
      if (synced) fdatasyncSync(file.fd)
    },
    close: () => {
      for (const { fd } of open.values()) closeSync(fd)
    }
  }
}

const lineFeed = 10

/** Hands over each line of a file, holding one chunk of it at a time; answers how many bytes it read. */
export const readLines = (path: string, each: (line: string) => void): number => {
  const fd = openSync(path, "r")
  let chunk = Buffer.allocUnsafe(1 << 20)
  let kept = 0
  let bytes = 0
  for (;;) {
    const read = readSync(fd, chunk, kept, chunk.length - kept, null)
    if (read === 0) break
    bytes += read
    const end = kept + read
    let from = 0
    for (let at = chunk.indexOf(lineFeed, kept); at >= 0 && at < end; at = chunk.indexOf(lineFeed, from)) {
      each(chunk.toString("utf8", from, at))
      from = at + 1
    }
    chunk.copyWithin(0, from, end)
    kept = end - from
    if (kept === chunk.length) chunk = Buffer.concat([chunk], chunk.length * 2)
  }
  closeSync(fd)
  return bytes
}
