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
  private immediate: NodeJS.Immediate | undefined
  /** How many frames the WAL held when we last looked, and a guess of what was written since. */
  private frames = 0
  /** How many frames the last attempt left, because a reader kept it from its end. */
  private left = 0
  private lastWrite = 0
  private closed = false

  constructor(wal: { readonly frames: () => number; readonly checkpoint: () => void }) {
    this.wal = wal
  }

  /** Adds work that waits for a quiet moment after a write. */
  addChore(chore: () => boolean): void {
    this.chores.push(chore)
  }

  /** Called after each commit, with about as many bytes as it stored, and whether it was synced. */
  wrote(bytes: number, synced: boolean): void {
    this.frames += bytes / pageSize + pagesPerCommit
    this.lastWrite = performance.now()
    const due = this.left + (this.immediate !== undefined ? hard : synced ? softSynced : soft)
    if (this.frames >= due && this.look() >= due) {
      if (this.immediate !== undefined) this.empty()
      else this.immediate = setImmediate(() => this.empty()).unref()
    } else if (this.timer === undefined) this.arm(quiet)
  }

  close(): void {
    this.closed = true
    clearTimeout(this.timer)
    clearImmediate(this.immediate)
  }

  private arm(delay: number): void {
    clearTimeout(this.timer)
    if (!this.closed) this.timer = setTimeout(() => this.fire(), delay).unref()
  }

  private fire(): void {
    this.timer = undefined
    const wait = quiet - (performance.now() - this.lastWrite)
    if (wait > 1) return this.arm(wait)
    this.empty()
    if (this.chores.filter((chore) => chore()).length > 0) this.arm(quiet)
  }

  private empty(): void {
    clearImmediate(this.immediate)
    this.immediate = undefined
    if (this.look() < worthwhile) return
    try {
      this.wal.checkpoint()
    } catch {
      // Nobody waits for this; the next write meets whatever it was.
    }
    this.left = this.look()
  }

  /** How many frames the WAL holds. Costs 10 us. */
  private look(): number {
    try {
      return (this.frames = this.wal.frames())
    } catch {
      return (this.frames = 0)
    }
  }
}

const pageSize = 4096
/** What a commit touches beside its data: measured 4 to 8 pages. */
const pagesPerCommit = 6
/** ms without a write after which the store counts as quiet. */
const quiet = 250
/** Frames (pages of 4 KB) below which a checkpoint gains nothing: SQLite's own bound. */
const worthwhile = 1000
/** 16 MB: comes right after the answer to whoever wrote. */
const soft = 4000
/** 4 MB. A sync is twice as slow while the file of the WAL grows (measured), so it is used again early. */
const softSynced = 1000
/** 32 MB more: comes before the answer, when promises never let anything else run. */
const hard = 8000
