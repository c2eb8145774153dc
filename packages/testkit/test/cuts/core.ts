/** Cuts into core: the queue, the groups, the log. Most were bugs of ours, found by review or by these laws. */
import type { Cut } from "./Cut.ts"

const writer = "packages/core/src/Writer.ts"
const groups = "packages/core/src/Groups.ts"
const log = "packages/core/src/Log.ts"

export const coreCuts: ReadonlyArray<Cut> = [
  {
    name: "a queue that is done deletes its successor of the same name",
    file: writer,
    from: " || this.queues.get(queue.stream) !== queue) return",
    to: ") return",
    law: "O1 order"
  },
  {
    name: "a storage that throws leaves the queue busy for ever",
    file: writer,
    from: "Effect.suspend(() => this.storage.append(writings.map((writing) => writing.group)))",
    to: "this.storage.append(writings.map((writing) => writing.group))",
    law: "O1 order"
  },
  {
    name: "a write that may have happened is told as not written",
    file: "packages/core/src/Receipt.ts",
    from: 'outcome.reached === "rejected"',
    to: "true",
    law: "O1 order"
  },
  {
    name: "events that are recorded while a write is under way overtake the rest of the line",
    file: writer,
    from: "      if (queue.busy) continue\n      const writing",
    to: "      const writing",
    law: "O1 order"
  },
  {
    name: "duplicates are notified again",
    file: writer,
    from: "if (old?.has(i) === true) continue",
    to: "",
    law: "O1 order"
  },
  {
    name: "a barrier is coalesced with its neighbours",
    file: groups,
    from: "if (policy.barrier && taken > 0) break",
    to: "",
    law: "O2 groups: a, b, ID, c"
  },
  {
    name: "each event is a group of its own",
    file: groups,
    from: "      if (policy.barrier) {\n        if",
    to: "      if (events.length > 0) {\n        if",
    law: "O2 groups"
  },
  {
    name: "a barrier waits for the tick",
    file: writer,
    from: "if (definition.barrier) this.hurry(queue)",
    to: "if (definition.barrier && this.timer === undefined) this.startTimer()",
    law: "O3 barrier-now"
  },
  {
    name: "a barrier flushes every stream",
    file: writer,
    from: "if (definition.barrier) this.hurry(queue)",
    to: "if (definition.barrier) for (const each of this.queues.values()) this.hurry(each)",
    law: "O3 barrier-now"
  },
  {
    name: "a read doesn't wait for what was recorded",
    file: log,
    from: "writer.settled(streams, () => resume(Exit.void))",
    to: "resume(Exit.void)",
    law: "O5 readers-see-all"
  },
  {
    name: "each event sets a timer",
    file: writer,
    from: "else if (this.timer === undefined) this.startTimer()",
    to: "else this.startTimer()",
    law: "O6 fewer"
  },
  {
    name: "each stream is a storage call of its own",
    file: writer,
    from: "      const writing = this.next(queue)\n      if (writing !== undefined) {",
    to: "      const writing = writings.length > 0 ? (this.ready.add(queue), undefined) : this.next(queue)\n      if (writings.length > 0) continue\n      if (writing !== undefined) {",
    law: "O6 fewer"
  },
  {
    name: "nothing bounds what is recorded",
    file: writer,
    from: "if (waiting.events >= hard.events || waiting.bytes >= hard.bytes) {",
    to: "if (false) {",
    law: "O7 pressure"
  },
  {
    name: "a failed event is forgotten",
    file: writer,
    from: "    const failure = this.takeFailures([queue.stream])\n",
    to: "    const failure = undefined as RecordFailed | undefined\n",
    law: "O7 pressure: a failed event is told"
  },
  {
    name: "an event that is refused takes its neighbours along",
    file: groups,
    from: 'const onIdConflict = "keep"',
    to: 'const onIdConflict = "reject"',
    law: "O7 pressure: neighbours of a refused event are stored"
  },
  {
    name: "closing drops what was recorded",
    file: writer,
    from: "    this.flush(undefined, resume)\n    this.closed = true",
    to: "    resume(Exit.void)\n    this.closed = true",
    law: "A9 drain"
  },
  {
    name: "flushSync flushes what is due and leaves the rest",
    file: writer,
    from: "    for (const queue of queues) queue.due = queue.items.length\n    for (;;) {",
    to: "    for (;;) {",
    law: "A9 drain: flushSync"
  },
  {
    name: "a listener that throws ends the turn",
    file: "packages/core/src/Listeners.ts",
    from: "this.report(error)",
    to: "throw error",
    law: "C6 slow-is-alone"
  },
  {
    name: "volatile events are stored",
    file: groups,
    from: '} else if (policy.durability === "volatile") {\n        volatile',
    to: "} else if (false) {\n        volatile",
    law: "volatile"
  },
  {
    name: "coalescing reorders",
    file: groups,
    from: "group: { stream, events, durability, onIdConflict",
    to: "group: { stream, events: events.toReversed(), durability, onIdConflict",
    law: "O4 same-result"
  }
]
