/** Where transcripts lie: below a folder that is given, or in the agents' own. */
import { existsSync, readdirSync, statSync } from "node:fs"
import { basename, join } from "node:path"
import { unreadable } from "./FileBytes.ts"
import type { BadLine, SourceFile } from "./Transcript.ts"

/** Big, and never an agent's. */
const skipped = new Set([".git", "node_modules"])

/**
 * The files below a folder, or the one file that `root` is, in the same order each time: folder by folder, names by
 * code unit. Links are not followed (they may lead out of the folder, or round in circles), other than `root` itself.
 *
 * @throws when `root` does not exist or cannot be read
 */
export const filesBelow = (root: string, report: (bad: BadLine) => void): ReadonlyArray<SourceFile> => {
  if (!statSync(root).isDirectory()) return [fileAt(root, basename(root), ".")]
  const files: Array<SourceFile> = []
  const walk = (folder: string, name: string): void => {
    const entries = readdirSync(folder, { withFileTypes: true })
    entries.sort((a, b) => (a.name < b.name ? -1 : 1))
    for (const entry of entries) {
      const path = join(folder, entry.name)
      const below = name === "" ? entry.name : `${name}/${entry.name}`
      try {
        if (entry.isDirectory() && !skipped.has(entry.name)) walk(path, below)
        if (!entry.isFile()) continue
        files.push(fileAt(path, below, name === "" ? "." : below.slice(0, below.indexOf("/"))))
      } catch (error) {
        report({ file: below, line: 0, reason: unreadable(error) })
      }
    }
  }
  walk(root, "")
  return files
}

const fileAt = (path: string, name: string, folder: string): SourceFile => {
  const { size, mtimeMs } = statSync(path)
  return { path, name, folder, size, mtimeMs }
}

/** Where each agent keeps its sessions, below the home directory. */
const known: ReadonlyArray<readonly [agent: string, folder: string]> = [
  ["claude-code", ".claude/projects"],
  ["claude-code", ".config/claude/projects"],
  ["codex", ".codex/sessions"],
  ["codex", ".codex/archived_sessions"],
  ["copilot", ".copilot/session-state"],
  ["copilot", ".copilot/history-session-state"], // before session-state; one document, not supported
  ["pi", ".pi/agent/sessions"],
  ["opencode", ".local/share/opencode/storage"] // a file for each part of a message, not an export: not supported
]

/** The agents' own folders that exist in this home directory. */
export const agentFolders = (
  home: string
): ReadonlyArray<{ readonly agent: string; readonly path: string }> =>
  known.map(([agent, folder]) => ({ agent, path: join(home, folder) })).filter(({ path }) => existsSync(path))
