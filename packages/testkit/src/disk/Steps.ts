/** The course of a disk's calls: which of them are steps, where they stop, and the faults that they meet. */
import { diskError } from "./DiskError.ts"
import { type DiskCall, type DiskFault, DiskFaults } from "./DiskFault.ts"

/** Thrown by every call of a disk that has crashed. The process it stands for is dead: clean up nothing. */
export class Crashed extends Error {
  override readonly name = "Crashed"
}

/** A call that changes the disk or makes it durable. Between two of them a crash leaves the same. */
export interface DiskStep {
  /** Counted from 1. */
  readonly step: number
  readonly call: DiskCall
  readonly path: string
  /** In bytes, of a write; the new length, of a truncation. */
  readonly offset?: number
  readonly length?: number
}

export class Steps {
  /** Those taken so far, in order. */
  readonly taken: Array<DiskStep> = []
  readonly faults = new DiskFaults()
  /** The number of the step before which it crashes. */
  stopAt = Infinity
  crashed = false
  private readonly onStep: (step: DiskStep) => void

  /** `onStep` is called before each step is taken. */
  constructor(onStep: (step: DiskStep) => void) {
    this.onStep = onStep
  }

  /** Throws where the disk is dead. */
  mustLive(): void {
    if (this.crashed) throw new Crashed()
  }

  /** Begins a call. Throws where the disk is dead, or the call meets a fault that has a code. */
  enter(call: DiskCall, path: string): DiskFault | undefined {
    this.mustLive()
    const fault = this.faults.meet(call, path)
    if (fault?.code !== undefined) throw diskError(fault.code, call, path)
    return fault
  }

  /** Takes a step, or crashes at it. */
  take(call: DiskCall, path: string, offset?: number, length?: number): void {
    const step = this.taken.length + 1
    if (step >= this.stopAt) {
      this.crashed = true
      throw new Crashed()
    }
    const next: DiskStep = {
      step,
      call,
      path,
      ...(offset === undefined ? {} : { offset }),
      ...(length === undefined ? {} : { length })
    }
    this.onStep(next)
    this.taken.push(next)
  }
}
