/** Who is told of what was stored, and of what could not be. */
import type { LogEvent, NewEvent } from "./LogEvent.ts"
import type { Head } from "./LogStorage.ts"

/** One group, as told to listeners: one notification, however many events. */
export interface Notification<Event = LogEvent, Volatile = NewEvent> {
  readonly stream: string
  /** What was stored, in order, without duplicates. Empty for a copy, whose events are not decoded, and for a label. */
  readonly events: ReadonlyArray<Event>
  /** Volatile events that were recorded among them. Stored nowhere. */
  readonly volatile: ReadonlyArray<Volatile>
  /**
   * The stream after it; `undefined` when only volatile events are told. Where it is further on than the events told,
   * others came in between that this log didn't see: another process's, or some whose write was unknown.
   */
  readonly head: Head | undefined
}

/** Recorded events that could not be stored, to be saved elsewhere. Recording them again from here may go round for ever. */
export interface Failure {
  readonly stream: string
  readonly events: ReadonlyArray<NewEvent>
  /** A typed error: `InvalidEvent`, `Sealed`, `IdConflict`, `Busy`, `AppendRejected` or `AppendUnknown`. */
  readonly cause: unknown
}

/** Told what listeners throw. Throws nothing itself. */
export type Report = (error: unknown) => void

/** The listeners of a log. One that throws hurts nobody (law C6): what it throws is reported. */
export class Listeners<A> {
  /** Replaced, not changed: who is added or stops while all are told changes nothing for this time. */
  private all: ReadonlyArray<{ readonly tell: (value: A) => void }> = []
  private readonly report: Report

  constructor(report: Report) {
    this.report = report
  }

  get size(): number {
    return this.all.length
  }

  /** Answers how to stop. A function that is added twice is told twice. */
  add(tell: (value: A) => void): () => void {
    const listener = { tell }
    this.all = [...this.all, listener]
    return () => {
      this.all = this.all.filter((other) => other !== listener)
    }
  }

  tell(value: A): void {
    for (const listener of this.all) {
      try {
        listener.tell(value)
      } catch (error) {
        this.report(error)
      }
    }
  }
}

/**
 * Guards a listener of errors that options name: nothing stops for what it throws (law C6). That is thrown again where
 * nobody waits for it, and is uncaught there as any bug is.
 */
export const guarded =
  (report: Report): Report =>
  (error) => {
    try {
      report(error)
    } catch (thrown) {
      queueMicrotask(() => {
        throw thrown
      })
    }
  }

/** Tells a listener that options name. What it throws hurts nobody: it is reported. */
export const tell = (report: Report, listener: () => void): void => {
  try {
    listener()
  } catch (error) {
    report(error)
  }
}
