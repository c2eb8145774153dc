/** Appends to a long stream and prints the bytes that it keeps for each of its events, to know their ids again. */
import { parseArgs } from "node:util"
import { chunks } from "../load.ts"
import { openSessions, type StorageName } from "../storages.ts"

const [name, path] = parseArgs({ allowPositionals: true }).positionals as [StorageName, string]
const held = async (): Promise<number> => {
  // Buffers are given back some time after the collection that finds them.
  for (let i = 0; i < 3; i++) {
    globalThis.gc!()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  const { external, heapUsed } = process.memoryUsage()
  return heapUsed + external
}
const log = await openSessions(name, path)
await log.append("another", chunks(1))
const before = await held()
const { cursor } = (await log.append("s", chunks(1))).head!
console.log(JSON.stringify({ bytes: ((await held()) - before) / cursor.seq }))
await log.close()
