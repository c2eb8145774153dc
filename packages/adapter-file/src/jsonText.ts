/** Where strings and values end in JSON text, without parsing it. */

/** The quote that ends a string which begins at `from`; -1 for none. */
export const endOfString = (text: string, from: number): number => {
  let end = text.indexOf('"', from)
  while (text.charCodeAt(end - 1) === 0x5c && isEscaped(text, end, from)) end = text.indexOf('"', end + 1)
  return end
}

const isEscaped = (text: string, at: number, from: number): boolean => {
  let slashes = 0
  for (let i = at - 1; i >= from && text.charCodeAt(i) === 0x5c; i--) slashes++
  return slashes % 2 === 1
}

/** The comma behind the JSON value that begins at `from`; -1 where there is none before `to`. */
export const endOfValue = (text: string, from: number, to: number): number => {
  let depth = 0
  for (let i = from; i < to; i++) {
    const char = text.charCodeAt(i)
    if (char === 0x22) {
      i = endOfString(text, i + 1)
      if (i < 0) return -1
    } else if (char === 0x7b || char === 0x5b) depth++
    else if (char === 0x7d || char === 0x5d) depth--
    else if (char === 0x2c && depth === 0) return i
  }
  return -1
}
