/** Opens a store, lists all heads and appends once; prints what that cost a process that had done nothing else. */
import { parseArgs } from "node:util"
import { Session } from "../load.ts"
import { openSessions, type StorageName } from "../storages.ts"

const [name, path] = parseArgs({ allowPositionals: true }).positionals as [StorageName, string]
globalThis.gc!()
const before = process.memoryUsage.rss()
const start = performance.now()
const log = await openSessions(name, path)
const heads = await log.heads()
await log.append(heads[heads.length >> 1]!.stream, Session.Chunk({ messageId: "m", text: "the first" }))
const ms = performance.now() - start
const bytes = process.memoryUsage.rss() - before
console.log(JSON.stringify({ ms, MB: bytes / 1e6, streams: heads.length }))
await log.close()
