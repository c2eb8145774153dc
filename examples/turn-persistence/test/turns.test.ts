/** The failure that was (san #13): each save rewrote the whole file, and a turn cost five fsyncs. */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, onTestFinished, test } from "vitest"
import { openChats, resume, takeTurn } from "../src/agent.ts"
import { Transcript } from "../src/Chat.ts"
import { model } from "../stage/model.ts"

const newFile = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "varve-turns-"))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, "chats.db")
}

const words = (turn: number, count: number): string =>
  Array.from({ length: count }, (_, i) => `word${turn}.${i} `).join("")
const whole = (turn: number) => ({ turn, prompt: `prompt ${turn}`, answer: words(turn, 13), ended: true })

test("a turn of 15 events costs one sync and at most three writes, in the first as in the hundredth", async () => {
  await using chats = await openChats(newFile())
  const counters = () => chats.effect.storage.counters!()
  const syncs: Array<number> = []
  for (let turn = 1; turn <= 100; turn++) {
    const before = counters()
    await takeTurn(chats, "chat", turn, model)
    syncs.push(counters().syncs - before.syncs)
    expect(counters().appends - before.appends).toBeLessThanOrEqual(3)
  }
  // Now and then SQLite moves its log into the database, between turns, and syncs for that.
  expect(syncs.every((count) => count >= 1)).toBe(true)
  expect(syncs.filter((count) => count > 1).length).toBeLessThanOrEqual(5)
  expect((await chats.head("chat"))!.cursor.seq).toBe(1500)
})

test("killed in the middle of a turn: what was written is there, and the turn is finished without doubles", async () => {
  const file = newFile()
  const start = fileURLToPath(new URL("../stage/start.ts", import.meta.url))
  const { signal } = spawnSync(process.execPath, [...process.execArgv, start, file])
  expect(signal).toBe("SIGKILL")
  await using chats = await openChats(file)
  const cut = (await chats.state("chat", Transcript)).turns.toArray()
  expect(cut.slice(0, 3)).toEqual([whole(1), whole(2), whole(3)])
  // Six chunks were flushed before it was killed; three more may have been.
  expect(cut[3]).toMatchObject({ turn: 4, ended: false })
  expect(cut[3]!.answer.startsWith(words(4, 6))).toBe(true)
  expect(await resume(chats, "chat", model)).toBe(4)
  expect([...(await chats.state("chat", Transcript)).turns]).toEqual([1, 2, 3, 4].map(whole))
  expect((await chats.head("chat"))!.cursor.seq).toBe(60)
})

test("a turn saved twice is stored once", async () => {
  await using chats = await openChats(newFile())
  for (let i = 0; i < 2; i++) await takeTurn(chats, "chat", 1, model)
  expect((await chats.head("chat"))!.cursor.seq).toBe(15)
})

test("a fork holds the turns up to its point, and both go on by themselves", async () => {
  await using chats = await openChats(newFile())
  for (const turn of [1, 2, 3]) await takeTurn(chats, "chat", turn, model)
  expect(await chats.copy("chat", "fork", { upTo: 30 })).toMatchObject({ copied: 30, duplicates: 0 })
  expect(await chats.copy("chat", "fork", { upTo: 30 })).toMatchObject({ copied: 0, duplicates: 30 })
  await takeTurn(chats, "fork", 7, model)
  await takeTurn(chats, "chat", 4, model)
  expect([...(await chats.state("fork", Transcript)).turns]).toEqual([1, 2, 7].map(whole))
  expect([...(await chats.state("chat", Transcript)).turns]).toEqual([1, 2, 3, 4].map(whole))
})
