/** Rounds under strace, which counts, fails and kills at chosen system calls. */
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Finding } from "./Ledger.ts"
import type { Line } from "./protocol.ts"
import { Random } from "./Random.ts"
import { Scene } from "./Scene.ts"
import type { Life, Worker, Workers } from "./Workers.ts"

/** Why nothing can be traced here, or `undefined`. */
export const noStrace = (): string | undefined => {
  const { error, status } = spawnSync("strace", [
    "-qq",
    "-f",
    "-e",
    "trace=none",
    process.execPath,
    "--version"
  ])
  if (error !== undefined) return "strace is not installed"
  return status === 0 ? undefined : "strace may not trace here"
}

const inScene = async <A>(seed: number, run: (scene: Scene, folder: string) => Promise<A>): Promise<A> => {
  const folder = mkdtempSync(join(tmpdir(), "varve-trace-"))
  try {
    return await run(new Scene(join(folder, "store.db"), new Random(seed)), folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export interface Traced {
  readonly life: Life
  readonly findings: ReadonlyArray<Finding>
}

/**
 * Kills at the `when`-th call of `call`, before it happens. A second worker goes on from what is left: nothing may be
 * doubled by its sending again.
 */
export const killAt = (
  workers: Workers,
  seed: number,
  call: "pwrite64" | "fsync,fdatasync",
  when: number
): Promise<Traced> =>
  inScene(seed, async (scene) => {
    const inject = `inject=${call}:signal=SIGKILL:when=${when}`
    const worker = workers.traced(["-o", "/dev/null", "-e", "trace=pwrite64,fsync,fdatasync", "-e", inject])
    const life = await scene.live({ author: "a", worker, doom: undefined, steps: 150 })
    const findings = [...(await scene.check(["a"], { copy: true }))]
    await scene.live({ author: "a", worker: workers.take(), doom: { word: "closing", micros: 0 }, steps: 20 })
    findings.push(...(await scene.check(["a"])))
    return { life, findings }
  })

/**
 * Fails the `when`-th sync with EIO, once. The worker sends what it got no receipt for again, under the same ids, until
 * there is one.
 */
export const failAt = (
  workers: Workers,
  seed: number,
  when: number
): Promise<Traced & { readonly failures: ReadonlyArray<string>; readonly closed: boolean }> =>
  inScene(seed, async (scene) => {
    const inject = `inject=fsync,fdatasync:error=EIO:when=${when}`
    const worker = workers.traced(["-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", inject])
    const [failures, words]: [Array<string>, Array<string>] = [[], []]
    const heard = (line: Line) => {
      if (line[0] === "failed") failures.push(line[2])
      if (line[0] === "at") words.push(line[1])
    }
    const life = await scene.live({ author: "a", worker, doom: undefined, steps: 25, mode: "retry" }, heard)
    const findings = (await scene.check(["a"])).filter(({ law }) => law !== "failed")
    return { life, findings, failures, closed: words.includes("closed") }
  })

/** The syncs of each turn, by what they were of: the file, its log, or something else. */
export const syncsOfTurns = (
  workers: Workers,
  turns: number
): Promise<{ readonly life: Life; readonly turns: ReadonlyArray<ReadonlyArray<string>> }> =>
  inScene(1, async (scene, folder) => {
    const output = join(folder, "trace")
    const traced = () => workers.traced(["-y", "-s", "64", "-o", output, "-e", "trace=fsync,fdatasync,write"])
    const lives = async (worker: Worker) =>
      scene.live({ author: "a", worker, doom: undefined, steps: turns, mode: "turns" })
    await lives(workers.take())
    await scene.check(["a"])
    const life = await lives(traced())
    const found: Array<Array<string>> = []
    let turn: Array<string> | undefined
    for (const line of readFileSync(output, "utf8").split("\n")) {
      if (line.includes('\\"turn\\"')) found.push((turn = []))
      if (line.includes('\\"turn-ended\\"')) turn = undefined
      const synced = /\b(?:fsync|fdatasync)\(\d+<(.*?)>/.exec(line)
      if (synced !== null) turn?.push(synced[1]!.replace(scene.file, "store.db"))
    }
    return { life, turns: found }
  })
