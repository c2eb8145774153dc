/** Rounds of cutting the power under one or two workers, and the check of what the disk kept. */
import { join } from "node:path"
import { Disk } from "./Disk.ts"
import type { Finding } from "./Ledger.ts"
import type { Lie } from "./protocol.ts"
import { Random } from "./Random.ts"
import { Scene } from "./Scene.ts"
import type { Worker, Workers } from "./Workers.ts"

export interface PowerOptions {
  readonly workers: Workers
  readonly seed: number
  /** Until one of both is reached. */
  readonly rounds: number
  readonly until?: number
  readonly lie?: Lie
  /** Workers whose disk doesn't sync though it says so, as under eatmydata: strace answers the sync in its place. */
  readonly unsyncedDisk?: boolean
}

export interface PowerReport {
  cuts: number
  /** Kills without a cut, between cuts. */
  kills: number
  acknowledged: number
  /** Events that were acknowledged as written or told, and went with the power, as they may. */
  gone: number
  readonly findings: Array<Finding>
}

const roundsPerFile = 15

export const powerCuts = async (options: PowerOptions): Promise<PowerReport> => {
  const report: PowerReport = { cuts: 0, kills: 0, acknowledged: 0, gone: 0, findings: [] }
  const random = new Random(options.seed)
  const more = () => report.cuts < options.rounds && performance.now() < (options.until ?? Infinity)
  while (more()) {
    const disk = new Disk()
    try {
      const scene = new Scene(join(disk.mount, "store.db"), random)
      for (let round = 0; round < roundsPerFile && more(); round++) {
        if (random.chance(0.2)) await killBetween(scene, options, report)
        await cutRound(disk, scene, options, report)
      }
      report.acknowledged += scene.ledger.acknowledged
      report.gone += scene.ledger.gone
    } finally {
      disk.dispose()
    }
  }
  return report
}

const unsynced = ["-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:retval=0"]

const workerOf = ({ unsyncedDisk = false, workers }: PowerOptions): Worker =>
  unsyncedDisk ? workers.traced(unsynced) : workers.take()

const cutRound = async (
  disk: Disk,
  scene: Scene,
  options: PowerOptions,
  report: PowerReport
): Promise<void> => {
  const { random } = scene
  const cut = await disk.arm()
  const authors = random.chance(0.7) ? ["a"] : ["a", "b"]
  const casts = authors.map((author) => ({
    author,
    worker: workerOf(options),
    doom: undefined,
    lie: options.lie
  }))
  const most = random.chance(0.2) ? random.int(1, 400) : random.int(1, 90)
  let lines = 0
  let dark: Promise<void> | undefined
  const enough = (): void => {
    if (++lines < most || dark !== undefined) return
    const end = performance.now() + random.next() * 1.5
    while (performance.now() < end); // timers are too coarse to fall into the middle of a write
    // Killed first, for a process dies with the power; the syncs that they are in run on into the cut. The other way
    // round a sync under way may answer success and lose what it synced (seen on Linux 6.18): no disk does that.
    for (const { worker } of casts) worker.kill()
    dark = cut()
  }
  const lives = await Promise.all(casts.map((cast) => scene.live(cast, enough)))
  await (dark ?? cut())
  disk.restart()
  report.cuts++
  for (const { author, problem } of lives) {
    if (problem !== "") report.findings.push({ law: "failed", stream: author, told: problem })
  }
  report.findings.push(...(await scene.check(authors, { cut: true, copy: random.chance(0.5) })))
}

/** A death in between: what it left unsynced is still unproven when the power goes later. */
const killBetween = async (scene: Scene, options: PowerOptions, report: PowerReport): Promise<void> => {
  const doom = { lines: scene.random.int(1, 60), micros: scene.random.int(0, 1000) }
  const { lie } = options
  const life = await scene.live({ author: "a", worker: workerOf(options), doom, lie })
  if (life.killed) report.kills++
  report.findings.push(...(await scene.check(["a"])))
}
