/** Rounds of killing: one to three workers on a file, each killed at a moment of its own, then the check. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import type { Finding } from "./Ledger.ts"
import type { Lie } from "./protocol.ts"
import { Random } from "./Random.ts"
import { Scene } from "./Scene.ts"
import type { Doom, Workers } from "./Workers.ts"

export interface KillOptions {
  readonly workers: Workers
  readonly seed: number
  /** Until one of both is reached. */
  readonly rounds: number
  readonly until?: number
  readonly lie?: Lie
}

export interface Report {
  rounds: number
  kills: number
  /** Rounds with several workers at once. */
  together: number
  acknowledged: number
  readonly findings: Array<Finding>
}

/** A new file is begun after so many rounds: checks read all of it. */
const roundsPerFile = 12

/** Runs side by side, so that one's check overlaps with another's lives. */
const lanes = 3

export const kills = async (options: KillOptions): Promise<Report> => {
  const report: Report = { rounds: 0, kills: 0, together: 0, acknowledged: 0, findings: [] }
  const folder = mkdtempSync(join(tmpdir(), "varve-kill-"))
  const clean = () => rmSync(folder, { recursive: true, force: true })
  process.on("exit", clean)
  let begun = 0
  const more = () => begun < options.rounds && performance.now() < (options.until ?? Infinity)
  const lane = async (index: number): Promise<void> => {
    const random = new Random(options.seed + index)
    for (let file = 1; more(); file++) {
      const scene = new Scene(join(folder, `${index}-${file}`, "store.db"), random)
      for (let round = 0; round < roundsPerFile && more(); round++) {
        begun++
        await killRound(scene, options, report)
      }
      report.acknowledged += scene.ledger.acknowledged
      rmSync(dirname(scene.file), { recursive: true, force: true })
    }
  }
  try {
    await Promise.all(Array.from({ length: lanes }, (_, index) => lane(index)))
  } finally {
    clean()
    process.off("exit", clean)
  }
  return report
}

const killRound = async (scene: Scene, { lie, workers }: KillOptions, report: Report): Promise<void> => {
  const { random } = scene
  const authors = random.chance(0.75) ? ["a"] : random.chance(0.7) ? ["a", "b"] : ["a", "b", "c"]
  const casts = authors.map((author) => {
    const dying = random.chance(0.1)
    const doom: Doom = dying ? { word: "closing", micros: random.int(0, 4000) } : doomOf(random)
    return { author, worker: workers.take(), doom, steps: dying ? random.int(1, 60) : 3000, lie }
  })
  const lives = await Promise.all(casts.map((cast) => scene.live(cast)))
  const findings = await scene.check(authors, { copy: random.chance(0.5) })
  report.rounds++
  report.kills += lives.filter(({ killed }) => killed).length
  if (authors.length > 1) report.together++
  for (const { author, problem } of lives) {
    if (problem !== "") report.findings.push({ law: "failed", stream: author, told: problem })
  }
  report.findings.push(...findings)
}

/** Mostly in the midst of writing; also while it opens and recovers the file. */
const doomOf = (random: Random): Doom => {
  if (random.chance(0.1)) return { ms: random.int(0, 40) }
  if (random.chance(0.1)) return { word: "open", micros: random.int(0, 3000) }
  return { lines: random.chance(0.2) ? random.int(1, 400) : random.int(1, 80), micros: random.int(0, 1500) }
}
