/**
 * Lines of a file, byte for byte, in bounded memory. Only the byte 0x0A ends a line: `node:readline` also splits at
 * U+2028, which is legal inside a JSON string, and decodes before anyone could see what the bytes were.
 */

/** Bytes asked of the file at a time. */
export const chunkBytes = 256 * 1024

/** The longest line that is read; a longer one is skipped without being held. */
export const maxLineBytes = 64 * 1024 * 1024

export interface Line {
  /** 1, 2, 3, ... from the start of the file. */
  readonly number: number
  /** The offset of its first byte. */
  readonly start: number
  /** The offset behind its newline, or the end of the file. */
  readonly end: number
  /** Without the newline; good until the next line is asked for. `undefined` for a line over the limit. */
  readonly bytes: Buffer | undefined
  /** Whether a newline ends it. What isn't finished may be half of what it will be. */
  readonly finished: boolean
}

/** Fills the buffer from the file at an offset; answers the bytes read, 0 at the end. */
export type ReadAt = (buffer: Buffer, offset: number) => number

/**
 * Every line from an offset on. Holds one chunk and one line.
 *
 * @param number that of the line which the offset lies in
 * @param head bytes from the offset on that were read already
 */
export function* readLines(
  readAt: ReadAt,
  offset: number,
  number: number,
  head?: Buffer,
  limit = maxLineBytes
): Generator<Line> {
  const chunk = Buffer.allocUnsafe(chunkBytes)
  let begun: Array<Buffer> = [] // the line under way, from earlier chunks
  let length = 0
  let start = offset
  let at = offset
  let bytes = head ?? chunk.subarray(0, readAt(chunk, at))
  while (bytes.length > 0) {
    let from = 0
    for (let newline; (newline = bytes.indexOf(0x0a, from)) >= 0; from = newline + 1) {
      const rest = bytes.subarray(from, newline)
      length += rest.length
      const line = length > limit ? undefined : begun.length === 0 ? rest : Buffer.concat([...begun, rest])
      yield { number, start, end: start + length + 1, bytes: line, finished: true }
      start += length + 1
      number++
      begun = []
      length = 0
    }
    length += bytes.length - from
    if (length > limit) begun = []
    else if (from < bytes.length) begun.push(Buffer.from(bytes.subarray(from)))
    at += bytes.length
    bytes = chunk.subarray(0, readAt(chunk, at))
  }
  if (length === 0) return
  const line = length > limit ? undefined : Buffer.concat(begun)
  yield { number, start, end: start + length, bytes: line, finished: false }
}
