/**
 * `npm run turn-persistence`: takes turns; a child process is killed in the middle of one; this one resumes, and forks the
 * session. With a file as argument it is that child.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { openChats, resume, takeTurn } from "../src/agent.ts"
import { Transcript } from "../src/Chat.ts"
import { model } from "./model.ts"

/** Three turns, and the beginning of a fourth. */
const untilKilled = async (filename: string): Promise<void> => {
  const chats = await openChats(filename)
  for (const turn of [1, 2, 3]) await takeTurn(chats, "chat", turn, model)
  await takeTurn(chats, "chat", 4, async function* (turn) {
    let chunk = 0
    for await (const text of model(turn)) {
      yield text
      if (++chunk === 6) await chats.flush()
      if (chunk === 9) process.kill(process.pid, "SIGKILL")
    }
  })
}

const main = async (folder: string): Promise<void> => {
  const filename = join(folder, "chats.db")
  const args = [...process.execArgv, fileURLToPath(import.meta.url), filename]
  const { signal } = spawnSync(process.execPath, args, { stdio: "inherit" })
  console.log(`a process that took turns ended by ${signal}`)

  await using chats = await openChats(filename)
  const show = async (session: string): Promise<void> => {
    const { turns } = await chats.state(session, Transcript)
    for (const { answer, ended, turn } of turns)
      console.log(`${session} ${turn}: ${answer.split(" ").length - 1} words${ended ? "" : ", cut off"}`)
  }
  await show("chat")
  const { syncs } = chats.effect.storage.counters!()
  console.log(`resumed at turn ${await resume(chats, "chat", model)}`)
  console.log(`${chats.effect.storage.counters!().syncs - syncs} sync for it`)
  const upTo = 2 * 15
  await chats.copy("chat", "fork", { upTo })
  await takeTurn(chats, "fork", 3, model)
  await show("chat")
  await show("fork")
}

const [child] = process.argv.slice(2)
if (child !== undefined) {
  await untilKilled(child)
} else {
  const folder = mkdtempSync(join(tmpdir(), "varve-turns-"))
  await main(folder).finally(() => rmSync(folder, { recursive: true, force: true }))
}
