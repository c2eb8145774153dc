/** A random run of calls, which follows from its seed: what is asked of a store while its disk is watched. */
import type { EncodedEvent, Group } from "@varve/core"
import type { Choose, DiskFault } from "@varve/testkit"
import { eventOf, type Ledger } from "./Ledger.ts"

export type Call =
  | { readonly kind: "append"; readonly groups: ReadonlyArray<Group> }
  | { readonly kind: "remove"; readonly stream: string }
  /** `beside` is appended as an exit handler does, while the call is under way. */
  | { readonly kind: "release"; readonly stream: string; readonly beside: ReadonlyArray<Group> }
  | { readonly kind: "sync"; readonly beside: ReadonlyArray<Group> }
  | { readonly kind: "reopen" }

/** Names of which one begins another, and one that a file system may take for another. */
const names = ["a", "ab", "A", "b/ü"]

export class Plan {
  private readonly choose: Choose
  private readonly ledger: Ledger
  private readonly faultEvery: number
  private count: number
  /** Groups that failed: they are asked for again, before anything else of their stream. */
  private readonly again: Array<Group> = []

  /** @param from the number of its first event, so that no id is used twice; `faultEvery` is of how many calls one fails */
  constructor(choose: Choose, ledger: Ledger, from = 0, faultEvery = 12) {
    this.faultEvery = faultEvery
    this.choose = choose
    this.ledger = ledger
    this.count = from
  }

  /** The next call, and perhaps a mistake of the disk that falls into it. */
  next(): { readonly call: Call; readonly fault: DiskFault | undefined } {
    const retried = this.again.splice(0)
    if (retried.length > 0) return { call: { kind: "append", groups: retried }, fault: undefined }
    const call = this.call()
    return {
      call,
      fault: call.kind === "reopen" || this.choose(this.faultEvery) > 0 ? undefined : this.fault()
    }
  }

  failed(group: Group): void {
    this.again.push(group)
  }

  private call(): Call {
    const kind = this.choose(20)
    const stream = this.pick(names)
    if (kind === 0) return { kind: "reopen" }
    if (kind <= 2) {
      const beside = this.choose(2) === 0 ? [] : [this.group(stream)]
      return kind === 1 ? { kind: "sync", beside } : { kind: "release", stream, beside }
    }
    if (kind <= 4) return { kind: "remove", stream }
    const streams = new Set(this.choose(4) === 0 ? [stream, this.pick(names), this.pick(names)] : [stream])
    return { kind: "append", groups: [...streams].map((each) => this.group(each)) }
  }

  private group(stream: string): Group {
    const { choose } = this
    const stored = this.ledger.stored(stream)
    const durability = choose(3) === 0 ? "synced" : "written"
    const label = { label: String(++this.count) }
    const kind = choose(12)
    if (stored.length > 0 && kind === 0) return { stream, events: [], durability, attributes: label }
    const old = (): EncodedEvent => eventOf(this.pick(stored))
    if (stored.length > 0 && kind <= 2) return { stream, events: [old(), old()], durability }
    const events = Array.from({ length: 1 + choose(3) }, () => this.event())
    if (stored.length > 0 && kind === 3) events.splice(choose(2), 0, old())
    return { stream, events, durability, ...(kind === 4 ? { attributes: label } : {}) }
  }

  /** A new event: mostly small, now and then one that fills pages. */
  event(): EncodedEvent {
    return eventOf(`${++this.count}/${this.choose(80) === 0 ? 4000 + this.choose(3000) : this.choose(120)}`)
  }

  private fault(): DiskFault {
    const { choose } = this
    const faults: ReadonlyArray<DiskFault> = [
      { call: "fdatasync", path: ".jsonl", code: "EIO" },
      { call: "write", path: ".jsonl", code: "ENOSPC" },
      { call: "write", path: ".jsonl", bytes: choose(40) },
      { call: "write", path: ".jsonl", at: 2, code: "EIO" },
      { call: "open", path: ".jsonl", code: "EMFILE" }
    ]
    return this.pick(faults)
  }

  private pick<A>(from: ReadonlyArray<A>): A {
    return from[this.choose(from.length)]!
  }
}
