/**
 * When the WAL is moved into the file. A checkpoint writes and fsyncs for milliseconds, so it waits until nobody has
 * written for a while; under load that never pauses it comes right after an answer, and only beyond `hard` before one.
 * Nothing is scheduled while nothing is written, and no timer keeps the process alive.
 */
export class Checkpoints {
  private readonly wal: { readonly frames: () => number; readonly checkpoint: () => void }
  /** Work of others for quiet moments; answers whether there is more of it. */
  private readonly chores: Array<() => boolean> = []
  private timer: NodeJS.Timeout | undefined
  /** A guess of the frames that we have written since we last looked. */
  private guess = 0
  private lastWrite = 0
  private urgent = false
  private closed = false

  constructor(wal: { readonly frames: () => number; readonly checkpoint: () => void }) {
    this.wal = wal
  }

  /** Adds work that waits for a quiet moment after a write. */
  addChore(chore: () => boolean): void {
    this.chores.push(chore)
  }

  /** Called after each commit, with about as many bytes as it stored. */
  wrote(bytes: number): void {
    this.guess += bytes / pageSize + pagesPerCommit
    this.lastWrite = performance.now()
    const frames = this.guess < lookEvery ? 0 : this.look()
    if (frames >= hard) this.empty()
    else if (frames >= soft && !this.urgent) {
      this.urgent = true
      this.arm(0)
    } else if (this.timer === undefined) this.arm(quiet)
  }

  close(): void {
    this.closed = true
    clearTimeout(this.timer)
  }

  private arm(delay: number): void {
    clearTimeout(this.timer)
    if (!this.closed) this.timer = setTimeout(() => this.fire(), delay).unref()
  }

  private fire(): void {
    this.timer = undefined
    const wait = quiet - (performance.now() - this.lastWrite)
    if (wait > 1 && !this.urgent) return this.arm(wait)
    this.empty()
    if (this.chores.filter((chore) => chore()).length > 0) this.arm(quiet)
  }

  private empty(): void {
    this.urgent = false
    if (this.look() < worthwhile) return
    try {
      this.wal.checkpoint()
    } catch {
      // Nobody waits for this; the next write meets whatever it was.
    }
  }

  /** How many frames the WAL holds. */
  private look(): number {
    this.guess = 0
    try {
      return this.wal.frames()
    } catch {
      return 0
    }
  }
}

const pageSize = 4096
/** What a commit touches beside its data: measured 4 to 8 pages. */
const pagesPerCommit = 6
/** Frames by our guess after which the WAL itself is asked, which costs 10 us. */
const lookEvery = 500
/** ms without a write after which the store counts as quiet. */
const quiet = 250
/** Frames (pages of 4 KB) below which a checkpoint gains nothing: SQLite's own bound. */
const worthwhile = 1000
/** 8 MB: comes right after the answer to whoever wrote. */
const soft = 2000
/** 32 MB: comes before the answer, when promises never let a timer run. */
const hard = 8000
