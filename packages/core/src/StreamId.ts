/** Stream names: any well-formed string without control characters, up to 1,024 bytes of UTF-8. */
import { joinName } from "./Name.ts"
import { checkName } from "./Refusal.ts"

/**
 * A stream name out of parts, different for different parts (law S1): `StreamId.of("codex", "2026/11", 7)` is
 * `codex/2026%2F11/7`. Throws `InvalidName` when the result is empty or too long.
 */
export const of = (...parts: ReadonlyArray<string | number>): string => {
  const name = joinName(parts)
  checkName("stream", name)
  return name
}
