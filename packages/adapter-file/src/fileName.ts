/**
 * File names for stream names: different names never share a file, also where file names ignore case or are
 * normalised, and none leaves the folder (law S1). Lower-case letters, digits, `_` and `-` stay; every other byte of
 * the UTF-8 is `%` and two digits, the dot too, so that `name.` begins the files of one stream and no other. Of long
 * names a part and a hash are kept; the first line of the file has the whole name.
 */
import { createHash } from "node:crypto"

/** The longest name that stands in full: leaves room in the 255 bytes of a file name for what is put behind it. */
const longest = 180
/** Device names, which Windows takes with any extension. */
const reserved = /^(con|prn|aux|nul|com\d|lpt\d)$/
const plain = /^[a-z0-9_-]+$/

/** The file name, without extension. O(length). */
export const fileNameOf = (name: string): string => {
  const file = plain.test(name) ? name : escape(name)
  if (file.length > longest) return `${file.slice(0, 80)}~${createHash("sha256").update(name).digest("hex")}`
  return reserved.test(file) ? hex(file.charCodeAt(0)) + file.slice(1) : file
}

/** The name that a file stands for; undefined for a long one and for files that aren't ours. */
export const nameOfFile = (file: string): string | undefined => {
  if (!file.includes("%")) return plain.test(file) && fileNameOf(file) === file ? file : undefined
  try {
    const name = decodeURIComponent(file)
    return fileNameOf(name) === file ? name : undefined
  } catch {
    return undefined
  }
}

/** Whether a file holds the stream of a name too long to stand in full. */
export const isLongName = (file: string): boolean => file.includes("~")

const escape = (name: string): string =>
  name.replace(/[^a-z0-9_-]+/g, (part) =>
    part.length === 1 && part < "\x80" ? hex(part.charCodeAt(0)) : Array.from(Buffer.from(part), hex).join("")
  )

const hex = (byte: number): string => `%${byte.toString(16).padStart(2, "0")}`
