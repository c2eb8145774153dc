import { closeSync, openSync, readSync } from "node:fs"

/** What reading cost so far. */
export interface Counters {
  filesOpened: number
  bytesRead: number
  linesRead: number
}

/** A file open for reading at any offset; counts what it costs. */
export class FileBytes {
  readonly #fd: number
  readonly #counters: Counters

  constructor(path: string, counters: Counters) {
    this.#fd = openSync(path, "r")
    this.#counters = counters
    counters.filesOpened++
  }

  /** Fills the buffer from the offset on; answers the bytes read, fewer only at the end of the file. */
  readonly readAt = (buffer: Buffer, offset: number): number => {
    let length = 0
    while (length < buffer.length) {
      const read = readSync(this.#fd, buffer, length, buffer.length - length, offset + length)
      if (read === 0) break
      length += read
    }
    this.#counters.bytesRead += length
    return length
  }

  /** Up to `length` bytes from the offset on. */
  slice(offset: number, length: number): Buffer {
    const buffer = Buffer.allocUnsafe(length)
    return buffer.subarray(0, this.readAt(buffer, offset))
  }

  close(): void {
    closeSync(this.#fd)
  }
}

/** Why a file or folder cannot be read, by the code alone, since messages name paths. Throws any other error again. */
export const unreadable = (error: unknown): string => {
  if (!(error instanceof Error && "syscall" in error && "code" in error)) throw error
  return `cannot be read (${String(error.code)})`
}
