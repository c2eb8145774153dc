/**
 * Tells who watches a stream that it moved: of this log's own groups at once, and where a stream stands by a poll of
 * heads, which is what counts for other processes; the storage's hints only make it look earlier (law C7). One
 * listener, one poll and one reader of hints serve all, and there are none while nobody watches.
 */
import { Effect, Exit, Stream } from "effect"
import type { Start } from "./Fork.ts"
import type { Listeners, Notification } from "./Listeners.ts"
import type { Head, Selection, StorageService } from "./LogStorage.ts"
import type { SetTimer } from "./Timer.ts"

/** How a log finds out what other processes wrote. */
export interface MovesOptions {
  /** Milliseconds between two looks at the heads of what is followed; `Infinity` for none. 1,000 by default. */
  readonly poll?: number
}

/** Who watches one stream. None of these may throw. */
export interface Watcher {
  /** A group that this log wrote, or volatile events of it. */
  readonly told: (notification: Notification) => void
  /** Where the stream stands; `undefined` where it doesn't exist. May be older than what was told. */
  readonly found: (head: Head | undefined) => void
  /** Nothing more will come: the log is closed. */
  readonly ended: () => void
}

/** Who watches every stream. */
export interface AllWatcher extends Omit<Watcher, "found"> {
  /** The heads of the streams `among` these that exist, or of all. */
  readonly found: (heads: ReadonlyArray<Head>, among: ReadonlyArray<string> | undefined) => void
}

/** What it needs of its log. */
interface Moving {
  readonly storage: StorageService
  readonly listeners: Listeners<Notification>
  readonly start: Start
  readonly setTimer: SetTimer
}

export class Moves {
  private readonly around: Moving
  private readonly interval: number
  private readonly streams = new Map<string, Set<Watcher>>()
  private readonly everything = new Set<AllWatcher>()
  /** Takes the listener and the reader of hints back, while anybody watches. */
  private sleep: (() => void) | undefined
  /** Takes the timer back. */
  private timer: (() => void) | undefined
  /** What to look at next. */
  private wanted = new Set<string>()
  private allWanted = false
  private looking = false
  private closed = false

  constructor(around: Moving, { poll = 1000 }: MovesOptions) {
    this.around = around
    this.interval = poll
  }

  /** Answers how to stop. */
  watch(stream: string, watcher: Watcher): () => void {
    if (this.closed) {
      watcher.ended()
      return () => undefined
    }
    let watchers = this.streams.get(stream)
    if (watchers === undefined) this.streams.set(stream, (watchers = new Set()))
    watchers.add(watcher)
    this.wake()
    return () => {
      watchers.delete(watcher)
      if (watchers.size === 0 && this.streams.get(stream) === watchers) this.streams.delete(stream)
      this.rest()
    }
  }

  watchAll(watcher: AllWatcher): () => void {
    if (this.closed) {
      watcher.ended()
      return () => undefined
    }
    this.everything.add(watcher)
    this.wake()
    return () => {
      this.everything.delete(watcher)
      this.rest()
    }
  }

  /** Looks at a stream's head soon, where anybody watches it. */
  look(stream: string): void {
    if (!this.watches(stream)) return
    this.wanted.add(stream)
    this.lookNow()
  }

  close(): void {
    this.closed = true
    for (const watchers of this.streams.values()) for (const watcher of watchers) watcher.ended()
    for (const watcher of this.everything) watcher.ended()
    this.streams.clear()
    this.everything.clear()
    this.rest()
  }

  private watches(stream: string): boolean {
    return this.everything.size > 0 || this.streams.has(stream)
  }

  private wake(): void {
    if (this.sleep !== undefined) return
    const { listeners, start, storage } = this.around
    const stopListening = listeners.add((notification) => {
      for (const watcher of this.streams.get(notification.stream) ?? []) watcher.told(notification)
      for (const watcher of this.everything) watcher.told(notification)
    })
    // Hints that end or fail are only missing.
    const stopHints =
      storage.hints === undefined
        ? undefined
        : start(
            Stream.runForEach(storage.hints, (stream) => Effect.sync(() => this.look(stream))),
            () => undefined
          )
    this.sleep = () => {
      stopListening()
      stopHints?.()
    }
    this.setTimer()
  }

  private rest(): void {
    if (this.streams.size > 0 || this.everything.size > 0) return
    this.sleep?.()
    this.sleep = undefined
    this.timer?.()
    this.timer = undefined
  }

  private setTimer(): void {
    this.timer = this.around.setTimer(() => {
      this.timer = undefined
      if (this.everything.size > 0) this.allWanted = true
      else for (const stream of this.streams.keys()) this.wanted.add(stream)
      this.lookNow()
    }, this.interval)
  }

  private lookNow(): void {
    if (this.looking) return
    const { allWanted, wanted } = this
    const selection: Selection = allWanted ? {} : { streams: [...wanted].filter((s) => this.watches(s)) }
    this.allWanted = false
    this.wanted = new Set()
    if (selection.streams?.length === 0) return
    this.looking = true
    const { start, storage } = this.around
    start(
      Effect.suspend(() => storage.heads(selection)),
      (exit) => {
        this.looking = false
        // A look that failed is followed by another.
        if (Exit.isSuccess(exit)) this.found(exit.value, selection)
        if (this.sleep !== undefined && this.timer === undefined) this.setTimer()
        if (this.allWanted || this.wanted.size > 0) this.lookNow()
      }
    )
  }

  private found(heads: ReadonlyArray<Head>, { streams }: Selection): void {
    const byName = new Map(heads.map((head) => [head.stream, head]))
    for (const stream of streams ?? [...this.streams.keys()]) {
      for (const watcher of this.streams.get(stream) ?? []) watcher.found(byName.get(stream))
    }
    for (const watcher of this.everything) watcher.found(heads, streams)
  }
}
