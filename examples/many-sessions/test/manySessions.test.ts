/**
 * The failure that was (kimi-code #1320): sessions let go skipped or repeated events when they were opened again.
 * Here 300 sessions in a daemon process, four live in a client process, a real WebSocket between them; both are
 * killed.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, test, vi } from "vitest"
import { compare, type Report, Stage } from "../stage/Stage.ts"

const folder = mkdtempSync(join(tmpdir(), "many-sessions-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test(
  "C9, C10, C11: either side is killed, and the client shows what the log holds",
  { timeout: 60_000 },
  async () => {
    await using stage = new Stage(join(folder, "sessions.db"))
    await stage.startDaemon()
    stage.startClient()
    const until = (holds: (report: Report) => boolean): Promise<Report> =>
      vi.waitFor(
        async () => {
          const report = await stage.report()
          expect(holds(report)).toBe(true)
          return report
        },
        { timeout: 15_000, interval: 50 }
      )
    const works = ({ evicted, opened, shown }: Report): boolean =>
      evicted > 5 && opened > 20 && shown.length === 4 && shown[0]!.status === "live"

    await until(works)

    await stage.kill("daemon")
    // It goes on showing what it knew, and says that it isn't live.
    const alone = await until(({ shown }) => shown.every(({ status }) => status !== "live"))
    // The one opened last may not have come so far.
    expect(alone.shown.some(({ cursor }) => cursor !== undefined)).toBe(true)
    await stage.startDaemon()
    const back = await until(({ shown, told }) => told > alone.told && shown[0]!.status === "live")
    expect(back.repeated).toBe(0)

    await stage.kill("client")
    stage.startClient()
    const reloaded = await until(works)
    expect(reloaded.knowsPending).toBe(true)

    const { most, report, truth } = await compare(stage)
    expect(report.shown.map(({ cursor, state, stream }) => ({ stream, state, cursor }))).toEqual(truth.shown)
    expect(report.pending.toSorted()).toEqual(truth.pending.toSorted())
    expect(report.repeated).toBe(0)
    expect(truth.pending.length).toBeGreaterThan(0)
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(4)
  }
)
