/** Worker processes: some started ahead, so that starting one overlaps with checking what another left behind. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { rmSync } from "node:fs"
import type { Line, Plan } from "./protocol.ts"

export interface Life {
  readonly author: string
  /** Whether it was killed, by us or by an injected signal. */
  readonly killed: boolean
  /** What it died of by itself, or empty. */
  readonly problem: string
}

/** When a life ends: so many lines after its start and some microseconds later, or after a time. */
export type Doom =
  | { readonly lines: number; readonly micros: number }
  | { readonly ms: number }
  | { readonly word: "open" | "closing"; readonly micros: number }
  | undefined

export class Worker {
  private readonly child: ChildProcessWithoutNullStreams
  private readonly group: boolean

  /** @param command what runs the worker, with its arguments. @param group whether it has children of its own */
  constructor(command: ReadonlyArray<string>, group: boolean) {
    this.group = group
    this.child = spawn(command[0]!, command.slice(1), { stdio: "pipe", detached: group })
    // It may be dead before it has read its plan.
    this.child.stdin.on("error", () => undefined)
  }

  get dead(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  kill(): void {
    if (this.dead || this.child.pid === undefined) return
    try {
      process.kill(this.group ? -this.child.pid : this.child.pid, "SIGKILL")
    } catch {
      // It has just died.
    }
  }

  /** Lives its plan until its doom or its end. `onLine` hears all that it told, the last breath included. */
  live(plan: Plan, doom: Doom, onLine: (line: Line) => void): Promise<Life> {
    const { child } = this
    return new Promise((resolve, reject) => {
      let [lines, text, problem] = [0, "", ""]
      let timer: NodeJS.Timeout | undefined
      const killBehind = (micros: number): void => {
        const end = performance.now() + micros / 1000
        while (performance.now() < end); // timers are too coarse to end a life in the middle of a write
        this.kill()
      }
      child.stdout.setEncoding("utf8").on("data", (data: string) => {
        const parts = (text + data).split("\n")
        text = parts.pop()! // a line that was cut off isn't told
        for (const part of parts) {
          const line = JSON.parse(part) as Line
          onLine(line)
          if (doom === undefined) continue
          if ("word" in doom && line[0] === "at" && line[1] === doom.word) killBehind(doom.micros)
          if ("lines" in doom && ++lines === doom.lines) killBehind(doom.micros)
        }
      })
      child.stderr.on("data", (data) => (problem += String(data)))
      child.on("error", reject)
      child.on("close", (code, signal) => {
        clearTimeout(timer)
        const killed = signal === "SIGKILL" || code === 137
        resolve({
          author: plan.author,
          killed,
          problem: killed || code === 0 ? "" : `exit ${code}: ${problem}`
        })
      })
      child.stdin.write(`${JSON.stringify(plan)}\n`)
      if (doom !== undefined && "ms" in doom) timer = setTimeout(() => this.kill(), doom.ms)
    })
  }
}

export class Workers {
  private readonly bundle: string
  private readonly all = new Set<Worker>()
  private readonly spare: Array<Worker> = []
  private readonly ahead: number
  private readonly onExit = () => this.close()

  constructor(bundle: string, ahead: number) {
    this.bundle = bundle
    this.ahead = ahead
    process.on("exit", this.onExit)
  }

  /** A worker that waits for its plan. */
  take(): Worker {
    while (this.spare.length <= this.ahead)
      this.spare.push(this.start([process.execPath, this.bundle], false))
    return this.spare.shift()!
  }

  /** A worker under strace. */
  traced(options: ReadonlyArray<string>): Worker {
    const command = ["strace", "-f", "-qq", ...options, process.execPath, this.bundle]
    return this.start(command, true)
  }

  private start(command: ReadonlyArray<string>, group: boolean): Worker {
    for (const worker of this.all) if (worker.dead) this.all.delete(worker)
    const worker = new Worker(command, group)
    this.all.add(worker)
    return worker
  }

  /** Ends all that are still alive, and removes the bundle. */
  close(): void {
    for (const worker of this.all) worker.kill()
    this.all.clear()
    rmSync(this.bundle, { force: true })
    process.off("exit", this.onExit)
  }
}
