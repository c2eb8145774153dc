/** A year of sessions: 169 of them, 6,614 turns, 190 MB, with the sizes that real ones have. The same each time. */
import { Ledger, type LedgerLog } from "../src/Ledger.ts"

export interface Size {
  readonly sessions: number
  readonly turns: number
  /** Bytes of all events' data together, about. */
  readonly bytes: number
}

/** burn #214's ledger. */
export const whole: Size = { sessions: 169, turns: 6614, bytes: 190e6 }

const day = 86_400_000
const tools = ["Bash", "Read", "Edit", "Grep", "Glob", "WebFetch", "Task", "TodoWrite"]
const words = "the parser drops a token when two lines end with the same mark and nothing follows; "

/** Appends the ledger, a session ending `now` at the latest. `onTurn` is told after each turn. */
export const generate = async (
  log: LedgerLog,
  now: number,
  size: Size,
  onTurn: (turns: number) => void = () => {}
): Promise<void> => {
  const random = seeded(214)
  /** Most are small, one in a hundred is large: median 0.6 KB, p99 40 KB. */
  const text = (scale: number): string => {
    const length = Math.ceil(scale * Math.min(80, 0.35 * (1 - random()) ** -0.9))
    return words.repeat(Math.ceil(length / words.length)).slice(0, length)
  }
  // Each turn has ten calls whose answers carry most of its bytes.
  const scale = size.bytes / size.turns / 26
  let turns = 0
  for (let s = 0; s < size.sessions; s++) {
    const stream = `session/${String(s).padStart(4, "0")}`
    const mine =
      Math.floor(((s + 1) * size.turns) / size.sessions) - Math.floor((s * size.turns) / size.sessions)
    // One every two days, each some hours long; the clock of one in ten jumps back and forth.
    let at = Math.floor(now - ((size.sessions - s) * 365 * day) / size.sessions)
    const tick = (): number => (at += Math.floor(random() * 20_000))
    const jumps = s % 10 === 0
    await log.append(stream, Ledger.SessionStarted({ project: `p${s % 12}`, model: "m" }, { at }))
    for (let t = 0; t < mine; t++) {
      log.record(stream, Ledger.PromptSubmitted({ text: text(scale / 4) }, { at: tick() }))
      for (let c = 0; c < 10; c++) {
        const tool = tools[Math.floor(random() ** 2 * tools.length)]!
        const callId = `${t}-${c}`
        const own = jumps && c === 5 ? { at: at - 3_600_000 } : { at: tick() }
        log.record(stream, Ledger.ToolCalled({ callId, tool, input: text(scale / 20) }, own))
        const ms = Math.floor(random() ** 4 * 30_000)
        log.record(stream, Ledger.ToolReturned({ callId, tool, output: text(scale), ms }, { at: tick() }))
        const inputTokens = Math.floor(random() * 4000)
        const outputTokens = Math.floor(random() * 600)
        log.record(stream, Ledger.UsageReported({ tool, inputTokens, outputTokens }, { at: tick() }))
        log.record(stream, Ledger.MessageChunk({ messageId: `${t}`, text: text(scale / 20) }, { at: tick() }))
      }
      await log.append(stream, Ledger.TurnEnded({ reason: "done" }, { at: tick() }))
      onTurn(++turns)
    }
  }
}

const seeded = (seed: number) => (): number => {
  seed = (seed * 1_664_525 + 1_013_904_223) >>> 0
  return seed / 2 ** 32
}
