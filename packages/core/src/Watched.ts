/** What is shown, and kept up only while somebody looks: who subscribed, or asks now and then. */
import { Listeners, type Report } from "./Listeners.ts"
import { type Selected, select, type Shown } from "./Select.ts"
import type { SetTimer } from "./Timer.ts"

/** Milliseconds that it is kept up when nobody looks: components come and go, StrictMode twice. */
const linger = 5000

export abstract class Watched<T> implements Shown<T>, Disposable {
  abstract readonly getSnapshot: () => T
  private readonly setTimer: SetTimer
  private readonly listeners: Listeners<void>
  private lingering: (() => void) | undefined
  /** Looked at since it began to linger. */
  private used = false

  /** `report` is told what a listener threw. */
  constructor(setTimer: SetTimer, report: Report) {
    this.setTimer = setTimer
    this.listeners = new Listeners(report)
  }

  /** Somebody looks: it is to be kept up from now on. Answers whether it can be. */
  protected abstract keepUp(): boolean
  /** Nobody has looked for a while. */
  protected abstract stop(): void

  readonly subscribe = (listener: () => void): (() => void) => {
    const stop = this.listeners.add(listener)
    this.use()
    return () => {
      stop()
      this.use()
    }
  }

  readonly select = <S>(selector: (snapshot: T) => S, equals?: (a: S, b: S) => boolean): Selected<S> =>
    select(this, selector, equals)

  /** Stops keeping it up at once, where nobody is subscribed. Without it that happens after 5 s. */
  readonly [Symbol.dispose] = (): void => {
    if (this.listeners.size === 0) this.stop()
  }

  /** Keeps it up while it is looked at. */
  use(): void {
    this.used = true
    if (this.keepUp()) this.lingering ??= this.setTimer(() => this.lingered(), linger)
  }

  protected tell(): void {
    this.listeners.tell()
  }

  /** Lets go of its timer. */
  protected rest(): void {
    this.lingering?.()
    this.lingering = undefined
  }

  private lingered(): void {
    this.lingering = undefined
    if (this.listeners.size > 0) return
    if (!this.used) return this.stop()
    this.used = false
    this.lingering = this.setTimer(() => this.lingered(), linger)
  }
}
