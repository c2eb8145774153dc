/** 2000-01-01. Nothing was recorded before; templated and scripted times (0, 1, 1001) lie below. */
const earliest = 946_684_800_000
const latest = 8.64e15

/**
 * The epoch milliseconds that a record's time means, or `undefined` where it tells none. Agents write ISO texts (ms,
 * us, ns; UTC where no zone is named, so that the answer doesn't depend on the machine) and epoch numbers, whose
 * size gives their unit away: s (also as a float), ms, us or ns.
 */
export const instant = (time: unknown): number | undefined => {
  const ms = typeof time === "number" ? fromNumber(time) : typeof time === "string" ? fromText(time) : NaN
  return ms >= earliest && ms <= latest ? ms : undefined
}

const fromNumber = (time: number): number => {
  if (time < 1e11) return Math.floor(time * 1e3)
  if (time < 1e14) return Math.floor(time)
  return Math.floor(time < 1e17 ? time / 1e3 : time / 1e6)
}

const fromText = (time: string): number => {
  const iso = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)\s*(Z|[+-]\d\d:?\d\d)?$/i.exec(time)
  return iso === null ? NaN : Date.parse(`${iso[1]}T${iso[2]}${iso[3] ?? "Z"}`)
}
