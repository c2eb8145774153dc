/** One file, the lives that are lived on it, and what is known of it. */
import { checkFile, type CheckOptions } from "./stored.ts"
import { type Finding, Ledger } from "./Ledger.ts"
import type { Lie, Line, Plan, StreamPlan } from "./protocol.ts"
import type { Random } from "./Random.ts"
import type { Doom, Life, Worker } from "./Workers.ts"

export interface Cast {
  readonly author: string
  readonly worker: Worker
  readonly doom: Doom
  readonly steps?: number
  readonly mode?: Plan["mode"]
  readonly lie?: Lie | undefined
}

export class Scene {
  readonly file: string
  readonly random: Random
  readonly ledger = new Ledger()
  private lives = 0
  /** By author and stream, what was handed over in the last life and not stored. */
  private missing = new Map<string, ReadonlyArray<string>>()

  constructor(file: string, random: Random) {
    this.file = file
    this.random = random
  }

  /** One life of a worker, from a plan that goes on where the author's last life ended. `also` hears it, too. */
  live(cast: Cast, also?: (line: Line) => void): Promise<Life> {
    const { author, doom, lie, mode = "mixed", steps = 3000, worker } = cast
    const plan: Plan = {
      file: this.file,
      author,
      life: ++this.lives,
      seed: this.random.seed(),
      streams: this.streamsOf(author),
      steps,
      mode,
      lie
    }
    return worker.live(plan, doom, (line) => {
      this.ledger.hear(author, line)
      also?.(line)
    })
  }

  private streamsOf(author: string): ReadonlyArray<StreamPlan> {
    return namesOf(author).map((stream) => {
      const stored = this.ledger.storedOf(stream, author)
      const missing = this.missing.get(`${author} ${stream}`) ?? []
      // A writer that lost its answer sends again; another goes on with other events.
      const again = this.random.chance(0.7) ? missing.slice(0, this.random.int(0, missing.length)) : []
      const resend = [
        ...stored.slice(stored.length - this.random.int(0, Math.min(8, stored.length))),
        ...again
      ]
      return { stream, resend, own: stream !== "shared" }
    })
  }

  /** Compares the file with what is known, all workers being dead. */
  async check(authors: ReadonlyArray<string>, options?: CheckOptions): Promise<ReadonlyArray<Finding>> {
    const handed = authors.flatMap((author) =>
      namesOf(author).map((stream) => [author, stream, this.ledger.handedOf(stream, author)] as const)
    )
    const findings = await checkFile(this.file, this.ledger, this.random, options)
    for (const [author, stream, ids] of handed) {
      const stored = new Set(this.ledger.storedOf(stream, author))
      this.missing.set(
        `${author} ${stream}`,
        ids.filter((id) => !stored.has(id))
      )
    }
    return findings
  }
}

const namesOf = (author: string): ReadonlyArray<string> => [
  `${author}-1`,
  `${author}-2`,
  `${author}-3`,
  "shared"
]
