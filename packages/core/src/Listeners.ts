/** Who is told of what was stored, and of what could not be. */
import type { RecordFailed } from "./Errors.ts"
import type { LogEvent, NewEvent } from "./LogEvent.ts"
import type { Head } from "./LogStorage.ts"

/** One group, as told to listeners: one notification, however many events. */
export interface Notification<Event = LogEvent> {
  readonly stream: string
  /** What was stored, in order, without duplicates. */
  readonly events: ReadonlyArray<Event>
  /** Volatile events that were recorded among them. Stored nowhere. */
  readonly volatile: ReadonlyArray<NewEvent>
  /** The stream after it; `undefined` when only volatile events are told. */
  readonly head: Head | undefined
}

/** What is told when recorded events could not be stored. `events` holds them all, to be saved elsewhere. */
export interface Failure {
  readonly error: RecordFailed
  readonly events: ReadonlyArray<NewEvent>
}

/** The listeners of a log. A listener that throws hurts nobody (law C6). */
export class Listeners {
  private readonly all = new Set<(notification: Notification) => void>()

  get size(): number {
    return this.all.size
  }

  /** Answers how to stop. */
  add(listener: (notification: Notification) => void): () => void {
    this.all.add(listener)
    return () => void this.all.delete(listener)
  }

  publish(notification: Notification): void {
    for (const listener of this.all) guard(() => listener(notification))
  }

  /** Tells of volatile events that were recorded where nothing was stored. */
  publishVolatile(stream: string, volatile: ReadonlyArray<NewEvent>): void {
    if (volatile.length > 0) this.publish({ stream, events: [], volatile, head: undefined })
  }
}

/** Runs a caller's function; what it throws is its own affair and surfaces as an uncaught error of its own. */
export const guard = (run: () => void): void => {
  try {
    run()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
