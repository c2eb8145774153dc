/** The system calls that can be told to fail. `fdatasync` is both `fdatasync` and `fdatasyncSync`, and so on. */
export type DiskCall =
  | "open"
  | "close"
  | "read"
  | "write"
  | "ftruncate"
  | "fstat"
  | "fchmod"
  | "fdatasync"
  | "fsync"
  | "lstat"
  | "readdir"
  | "mkdir"
  | "chmod"
  | "rename"
  | "link"
  | "unlink"
  | "rmdir"
  | "symlink"

/** A mistake of the disk: from its `at`-th such call on, `times` calls fail with `code`, or write `bytes` only. */
export interface DiskFault {
  readonly call: DiskCall
  /** Only for paths that contain this. */
  readonly path?: string
  /** Counted from now, from 1; 1 by default. */
  readonly at?: number
  /** How many calls, 1 by default; `Infinity` for good. */
  readonly times?: number
  /** `EIO`, `ENOSPC`, `EMFILE`, `EACCES`, ... A failed sync loses what it should have written, see `SimulatedDisk`. */
  readonly code?: string
  /** Without a code: how many bytes are written, and no error told. */
  readonly bytes?: number
}

/** Tells which call meets which fault. */
export class DiskFaults {
  private readonly planted: Array<{ readonly fault: DiskFault; calls: number }> = []

  plant(fault: DiskFault): void {
    this.planted.push({ fault, calls: 0 })
  }

  /** The fault that this call meets. Every fault that it fits counts it. */
  meet(call: DiskCall, path: string): DiskFault | undefined {
    let met: DiskFault | undefined
    for (const each of this.planted) {
      const { fault } = each
      if (fault.call !== call || (fault.path !== undefined && !path.includes(fault.path))) continue
      const nth = ++each.calls - (fault.at ?? 1)
      if (nth >= 0 && nth < (fault.times ?? 1)) met ??= fault
    }
    return met
  }
}
