/** Files made for a test, and one call that reads a file as the import does. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { onTestFinished } from "vitest"
import { openSource, type BadLine, type Position, type SourceRecord } from "../src/Source.ts"

/** A folder with these files, gone after the test. */
export const folderOf = (files: Readonly<Record<string, string | Buffer>>): string => {
  const folder = mkdtempSync(join(tmpdir(), "varve-transcripts-"))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
  }
  return folder
}

/** Everything that one reading of one file tells. */
export const readFile = (root: string, position?: Position, take = Infinity) => {
  const bad: Array<BadLine> = []
  const source = openSource(root, { onBad: (line) => bad.push(line) })
  const found = source.read(source.files[0]!, position)
  const records: Array<SourceRecord> = []
  if (found._tag !== "Transcript") throw new Error(`expected a transcript, got ${found._tag}`)
  for (const record of found.records()) if (records.push(record) >= take) break
  const { counters } = source
  // Through JSON and back, as the import keeps it.
  return {
    records,
    bad,
    counters,
    transcript: found,
    position: JSON.parse(JSON.stringify(found.position)) as Position
  }
}

/** A line of Claude Code's, with the fields that make one. */
export const line = (uuid: string, fields: object = {}): string =>
  JSON.stringify({ type: "user", uuid, sessionId: "s", timestamp: "2026-01-05T09:00:00.000Z", ...fields })
