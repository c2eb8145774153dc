/** `npm run many-sessions`: 300 sessions in a daemon, four live in a client; each is killed and comes back. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { compare, Stage } from "./Stage.ts"

const folder = mkdtempSync(join(tmpdir(), "many-sessions-"))
process.on("exit", () => rmSync(folder, { recursive: true, force: true }))
await using stage = new Stage(join(folder, "sessions.db"))

await stage.startDaemon()
stage.startClient()
const look = async (what: string): Promise<void> => {
  const { evicted, opened, pending, shown, told } = await stage.report()
  const live = shown.map(({ stream, status }) => `${stream.slice(-3)} ${status}`).join(", ")
  console.log(`${what.padEnd(26)} ${opened} opened, live: ${live}`)
  console.log(
    `${"".padEnd(26)} ${pending.length} pending; ${told} told, ${evicted} of sessions that aren't live`
  )
}

for (let round = 1; round <= 2; round++) {
  await sleep(1500)
  await look("both at work")
  await stage.kill("daemon")
  await sleep(200)
  await look("daemon killed")
  await stage.startDaemon()
  await sleep(1500)
  await look("daemon is back")
  await stage.kill("client")
  stage.startClient()
  await sleep(500)
  await look("client killed and back")
}

await sleep(1500)
await look("both at work")
const { most, report, same, truth } = await compare(stage)
console.log(`
${report.told} events called for attention, ${report.repeated} came twice; ${report.pending.length} questions are pending, ${truth.pending.length} in the log
${report.shown.length} live sessions, at most ${most} followed at one time; ${same ? "each shows what the log holds" : "NOT what the log holds"}`)
process.exitCode = same && report.repeated === 0 && most <= 4 ? 0 : 1
