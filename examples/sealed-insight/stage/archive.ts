import type { Hub } from "../src/hub.ts"
import { Session } from "../src/Insight.ts"

/** Archives a made-up session: so many turns of 10 events, by two agents, every seventh with a failing tool. */
export const archive = async (hub: Hub, session: string, turns: number): Promise<void> => {
  const at = Date.UTC(2026, 0, 1)
  for (let turn = 1; turn <= turns; turn++) {
    const options = (n: number) => ({ id: `${turn}-${n}`, at: at + turn * 1000 + n })
    const agent = turn % 3 === 0 ? "reviewer" : "coder"
    await hub.append(session, [
      Session.TurnStarted({ agent, prompt: `prompt ${turn}` }, options(0)),
      ...Array.from({ length: 8 }, (_, n) => Session.MessageChunk({ text: `text ${n}` }, options(n + 1))),
      turn % 7 === 0
        ? Session.ToolFailed({ tool: "bash", message: `exit ${turn}` }, options(9))
        : Session.MessageChunk({ text: "done" }, options(9))
    ])
  }
  await hub.append(session, Session.Archived({}, { id: "archived", at }))
}
