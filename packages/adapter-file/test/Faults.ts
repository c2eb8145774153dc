/** `node:fs` that tells every call which changes or secures something, and fails where it is told to. */
import * as fs from "node:fs"
import * as path from "node:path"
import type { Disk } from "../src/Disk.ts"

/** A call, as `"write s.jsonl 120+80"`. */
type Step = string

const told = new Set([
  "open",
  "write",
  "fdatasync",
  "fsync",
  "ftruncate",
  "rename",
  "link",
  "unlink",
  "close"
])

export class Faults {
  /** What was done to logs and folders, in order; claims left out. */
  steps: Array<Step> = []
  /** Called before each step; what it throws fails the step. */
  before: (step: Step) => void = () => undefined
  /** How many bytes at most a write takes. */
  mostBytes = Infinity
  /** Files that are open, and the most that were. */
  openFiles = 0
  mostOpenFiles = 0
  /** Syncs in the thread pool that wait for {@link goOn}; undefined where none does. */
  held: Array<() => void> | undefined
  private readonly names = new Map<number, string>()

  readonly disk: Disk

  constructor() {
    const tell = (step: Step): void => {
      if (step.includes(".card") || step.includes(".claim")) return
      if (told.has(step.slice(0, step.indexOf(" ")))) this.steps.push(step)
      this.before(step)
    }
    const of = (fd: number): string => this.names.get(fd) ?? "?"
    const short = (name: string): string => path.basename(name).replace(/\.[0-9a-f-]+\.(tmp|torn)$/, ".$1")
    this.disk = {
      ...fs,
      openSync: (name, flags, mode) => {
        tell(`open ${short(name)}`)
        const fd = fs.openSync(name, flags, mode)
        this.names.set(fd, short(name))
        this.mostOpenFiles = Math.max(this.mostOpenFiles, ++this.openFiles)
        return fd
      },
      closeSync: (fd) => {
        tell(`close ${of(fd)}`)
        this.openFiles--
        fs.closeSync(fd)
      },
      writeSync: (fd, bytes, offset, length, position) => {
        tell(`write ${of(fd)} ${position}+${length}`)
        return fs.writeSync(fd, bytes, offset, Math.min(length, this.mostBytes), position)
      },
      ftruncateSync: (fd, length) => {
        tell(`ftruncate ${of(fd)} ${length}`)
        fs.ftruncateSync(fd, length)
      },
      fdatasync: (fd, callback) => {
        if (this.held !== undefined) return void this.held.push(() => this.disk.fdatasync(fd, callback))
        try {
          tell(`fdatasync ${of(fd)}`)
        } catch (error) {
          return void setImmediate(() => callback(error as NodeJS.ErrnoException))
        }
        fs.fdatasync(fd, callback)
      },
      fdatasyncSync: (fd) => {
        tell(`fdatasync ${of(fd)}`)
        fs.fdatasyncSync(fd)
      },
      fsyncSync: (fd) => {
        tell(`fsync ${of(fd)}`)
        fs.fsyncSync(fd)
      },
      renameSync: (from, to) => {
        tell(`rename ${short(from)} ${short(to)}`)
        fs.renameSync(from, to)
      },
      unlinkSync: (name) => {
        tell(`unlink ${short(name)}`)
        fs.unlinkSync(name)
      }
    }
  }

  /** Lets the syncs go on that are held. */
  goOn(): void {
    const { held = [] } = this
    this.held = undefined
    for (const sync of held) sync()
  }

  /** Fails the first step that begins so, once, or every time with `forGood`. */
  fail(start: string, code: string, forGood = false): void {
    this.before = (step) => {
      if (!step.startsWith(start)) return
      if (!forGood) this.before = () => undefined
      throw Object.assign(new Error("planted"), { code })
    }
  }
}
