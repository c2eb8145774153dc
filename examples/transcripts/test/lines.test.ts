import fc from "fast-check"
import { expect, it } from "vitest"
import { chunkBytes, readLines, type ReadAt } from "../src/lines.ts"

/** Reads from memory, at most `most` bytes at a time. */
const from =
  (content: Buffer, most = chunkBytes): ReadAt =>
  (buffer, offset) =>
    content.copy(buffer, 0, offset, Math.min(content.length, offset + Math.min(most, buffer.length)))

const lines = (
  content: Buffer,
  start = { offset: 0, line: 1 },
  most?: number,
  head?: Buffer,
  limit?: number
) =>
  Array.from(readLines(from(content, most), start.offset, start.line, head, limit), ({ bytes, ...line }) => ({
    ...line,
    text: bytes?.toString("latin1")
  }))

it("ends lines at 0x0A alone", () => {
  const content = Buffer.from("a\r\n\u2028b\u0085\n\nlast")
  expect(Array.from(readLines(from(content), 0, 1), ({ bytes }) => String(bytes))).toEqual([
    "a\r",
    "\u2028b\u0085",
    "",
    "last"
  ])
})

it("tells number, offsets and whether a line is finished", () => {
  expect(lines(Buffer.from("ab\n\ncd"))).toEqual([
    { number: 1, start: 0, end: 3, text: "ab", finished: true },
    { number: 2, start: 3, end: 4, text: "", finished: true },
    { number: 3, start: 4, end: 6, text: "cd", finished: false }
  ])
})

it("gives the same lines in chunks of any size, from any line, with any head", () => {
  const bytes = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array.map((byte) => byte % 14)))
  fc.assert(
    fc.property(bytes, fc.integer({ min: 1, max: 20 }), fc.nat(), fc.nat(60), (content, most, pick, head) => {
      const texts = content.toString("latin1").split("\n")
      if (texts.at(-1) === "") texts.pop()
      const all = lines(content, undefined, most, content.subarray(0, Math.max(1, head)))
      expect(all.map(({ text }) => text)).toEqual(texts)
      const start = all[pick % Math.max(1, all.length)]
      if (start === undefined) return
      expect(lines(content, { offset: start.start, line: start.number }, most)).toEqual(
        all.slice(start.number - 1)
      )
    })
  )
})

it("skips a line over the limit and goes on behind it", () => {
  const content = Buffer.from(`ok\n${"x".repeat(50)}\nok\n${"y".repeat(50)}`)
  const found = lines(content, undefined, 8, undefined, 10)
  expect(found.map(({ text, number, start, finished }) => [number, start, text, finished])).toEqual([
    [1, 0, "ok", true],
    [2, 3, undefined, true],
    [3, 54, "ok", true],
    [4, 57, undefined, false]
  ])
})

it("holds no more than the limit of an endless line", () => {
  const gigabyte = 1024 ** 3
  const limit = 4 * 1024 * 1024
  const endless: ReadAt = (buffer, offset) => {
    if (offset >= gigabyte) return 0
    buffer.fill(0x78)
    return buffer.length
  }
  const before = process.memoryUsage().arrayBuffers
  let most = 0
  const watched: ReadAt = (buffer, offset) => {
    if (offset % (64 * chunkBytes) === 0) most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    return endless(buffer, offset)
  }
  const [line] = readLines(watched, 0, 1, undefined, limit)
  expect(line).toEqual({ number: 1, start: 0, end: gigabyte, bytes: undefined, finished: false })
  expect(most).toBeLessThan(64 * 1024 * 1024)
})
