/** `npm start [-- <folder>]`: import transcripts, show the sessions, then stream the largest and be killed ten times. */
import { mkdirSync, statSync } from "node:fs"
import { homedir } from "node:os"
import { join, resolve } from "node:path"
import { Varve } from "@varve/core"
import { SqliteStorage } from "@varve/adapter-sqlite"
import { SingleBar } from "cli-progress"
import { agentFolders } from "./folders.ts"
import { importFolder, type TranscriptLog } from "./importing.ts"
import { replay } from "./replay.ts"
import { sample } from "./sample.ts"
import { readSessions } from "./sessions.ts"
import { folderTable, sessionTable } from "./tables.ts"
import { Transcripts } from "./Transcripts.ts"

const home = resolve(".varve")
const filename = join(home, "transcripts.db")

/** The folder given, else the agents' own, else the sample. */
const folders = (): ReadonlyArray<string> => {
  const given = process.argv.slice(2)
  if (given.length > 0) return given.map((folder) => resolve(folder))
  const own = agentFolders(homedir()).map(({ path }) => path)
  if (own.length > 0) return own
  const made = join(home, "sample")
  console.log("No transcripts of agents in the home directory: taking a generated sample.\n")
  sample(made)
  return [made]
}

const importAll = async (log: TranscriptLog): Promise<void> => {
  for (const folder of folders()) {
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
      throw new Error(`There is no folder ${folder}`)
    console.log(`Importing ${folder}`)
    const bad: Array<string> = []
    const bar = new SingleBar({
      format: "{bar} {percentage}% of {mb} MB | {duration_formatted}",
      clearOnComplete: true,
      noTTYOutput: false
    })
    const report = await importFolder(log, folder, {
      onBad: ({ file, line, reason }) => bad.push(`  ${file}:${line}: ${reason}`),
      onProgress: (done, total) => {
        if (!bar.isActive) bar.start(total, 0, { mb: (total / 2 ** 20).toFixed(1) })
        bar.update(done)
      }
    })
    bar.stop()
    for (const line of bad.slice(0, 20)) console.log(line)
    if (bad.length > 20) console.log(`  and ${bad.length - 20} more`)
    console.log(folderTable(report.folders))
    const all = [...report.folders.values()]
    const sum = (key: "records" | "stored"): number => all.reduce((total, f) => total + f[key], 0)
    console.log(
      `${sum("stored")} new events of ${sum("records")} records read (${(report.counters.bytesRead / 2 ** 20).toFixed(1)} MB in ${report.counters.filesOpened} files opened)\n`
    )
  }
}

const main = async (): Promise<void> => {
  mkdirSync(home, { recursive: true, mode: 0o700 })
  await using log = await Varve.open({ events: Transcripts, storage: SqliteStorage.layer({ filename }) })
  await importAll(log)
  const sessions = await readSessions(log)
  if (sessions.size === 0) return console.log("No sessions.")
  console.log(sessionTable(sessions), "\n")
  const [largest] = Array.from(sessions).toSorted(([, a], [, b]) => b.events - a.events)[0]!
  await replay(log, { largest, source: filename, target: join(home, "replay.db"), kills: 10 })
}

try {
  await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
