/** The formats, in no order: each recognizes what no other does. */
import { ClaudeCode } from "./ClaudeCode.ts"
import { Codex } from "./Codex.ts"
import { Copilot } from "./Copilot.ts"
import { Dsh } from "./Dsh.ts"
import type { Format, RecordType } from "./Format.ts"
import { OpenCode } from "./OpenCode.ts"
import { Pi } from "./Pi.ts"
import { SweAgent } from "./SweAgent.ts"

export const formats: Readonly<Record<RecordType, Format>> = {
  ClaudeCode,
  Codex,
  Copilot,
  Pi,
  Dsh,
  OpenCode,
  SweAgent
}
