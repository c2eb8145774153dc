/** Starts and kills the two processes, and compares what the client shows with what the log holds. */
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import type { Cursor } from "@varve/core"
import { openSessions } from "../src/daemon.ts"
import { Pending, Transcript } from "../src/Session.ts"

/** What the client tells of itself. */
export interface Report {
  readonly knowsPending: boolean
  readonly pending: ReadonlyArray<string>
  readonly told: number
  readonly repeated: number
  readonly evicted: number
  readonly opened: number
  readonly shown: ReadonlyArray<{
    readonly stream: string
    readonly status: string
    readonly state: unknown
    readonly cursor?: Cursor | undefined
  }>
}

const run = (file: URL, ...args: ReadonlyArray<string>): ChildProcess =>
  fork(file, args, {
    execArgv: [...process.execArgv, "--disable-warning=ExperimentalWarning"]
  })

const ask = async <A>(child: ChildProcess, question: string): Promise<A> => {
  const answer = once(child, "message")
  child.send(question)
  return (await answer)[0] as A
}

/** A daemon and a client, either of which may be killed and comes back. */
export class Stage implements AsyncDisposable {
  private readonly filename: string
  private daemon!: ChildProcess
  private client!: ChildProcess
  private port = 0

  constructor(filename: string) {
    this.filename = filename
  }

  async startDaemon(): Promise<void> {
    this.daemon = run(new URL("./daemon.ts", import.meta.url), this.filename, String(this.port))
    this.port = ((await once(this.daemon, "message"))[0] as { port: number }).port
  }

  startClient(): void {
    this.client = run(new URL("./client.ts", import.meta.url), String(this.port))
  }

  /** No goodbye: as by power, or by the system when memory is short. */
  async kill(which: "daemon" | "client"): Promise<void> {
    this[which].kill("SIGKILL")
    await once(this[which], "exit")
  }

  /** The most streams that one client followed at one time, as the daemon counts them. It works no more. */
  async rest(): Promise<number> {
    return (await ask<{ readonly most: number }>(this.daemon, "rest")).most
  }

  /** What the client shows. With `rest` it opens no more. */
  report(how: "rest" | "report" = "report"): Promise<Report> {
    return ask(this.client, how)
  }

  /** What the log holds: of these streams, and pending anywhere. */
  async truth(streams: ReadonlyArray<string>) {
    await using log = await openSessions(this.filename)
    const shown = []
    for (const stream of streams) shown.push({ stream, ...(await log.stateWithCursor(stream, Transcript)) })
    const states = await log.states({}, Pending)
    return { shown, pending: [...states.values()].flatMap((questions) => Object.keys(questions)) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of [this.daemon, this.client]) {
      child?.removeAllListeners()
      child?.kill("SIGKILL")
    }
  }
}

/** What the client shows and what the log holds, once both have come to rest. */
export const compare = async (stage: Stage) => {
  const most = await stage.rest()
  let report = await stage.report("rest")
  const deadline = Date.now() + 5000
  for (;;) {
    const truth = await stage.truth(report.shown.map(({ stream }) => stream))
    report = await stage.report()
    const shown = report.shown.map(({ cursor, state, stream }) => ({ stream, state, cursor }))
    const same =
      JSON.stringify(shown) ===
        JSON.stringify(truth.shown.map(({ cursor, state, stream }) => ({ stream, state, cursor }))) &&
      report.pending.toSorted().join() === truth.pending.toSorted().join() &&
      report.shown.every(({ status }) => status === "live")
    if (same || Date.now() > deadline) return { same, most, report, truth }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
