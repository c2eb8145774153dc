/** Cuts into follows and views: what others' live layers got wrong, or ours nearly did. */
import type { Cut } from "./Cut.ts"

const follower = "packages/core/src/Follower.ts"
const follow = "packages/core/src/Follow.ts"
const moves = "packages/core/src/Moves.ts"
const view = "packages/core/src/View.ts"
const all = "packages/core/src/ViewAll.ts"
const watched = "packages/core/src/Watched.ts"
const attention = "packages/core/src/Attention.ts"

export const liveCuts: ReadonlyArray<Cut> = [
  {
    name: "what is told while the stream is read is lost",
    file: follower,
    from: "      this.waiting.push(notification)\n",
    to: "      if (!this.behind) this.waiting.push(notification)\n",
    law: "C1 at-any-moment"
  },
  {
    name: "what was read is told again",
    file: follower,
    from: "    if (head !== undefined && last !== undefined && this.isNext(events[0]!, last, events.length)) {",
    to: "    if (head !== undefined && last !== undefined) {",
    law: "C1 exactly-once-in-order",
    runs: 24
  },
  {
    name: "the cursor jumps over what others wrote",
    file: follower,
    from: "first.seq === cursor.seq + 1 && first.epoch === cursor.epoch",
    to: "first.seq > cursor.seq",
    law: "C1 exactly-once-in-order",
    runs: 24
  },
  {
    name: "a group that others came before is dropped",
    file: follower,
    from: "if (head !== undefined && !this.hasSeen(head.cursor)) this.behind = true",
    to: "if (false) this.behind = true",
    law: "C1 exactly-once-in-order",
    runs: 24
  },
  {
    name: "a view folds one event a group",
    file: view,
    from: "this.folding.takeLive(item.events, item.cursor)",
    to: "this.folding.takeLive(item.events.slice(0, 1), item.cursor)",
    law: "O4 views",
    runs: 60
  },
  {
    name: "a wake-up between looking and waiting is lost",
    file: follow,
    from: "        if (!follower.isIdle) return resume(Exit.void)\n",
    to: "        if (follower.isIdle) return undefined\n",
    law: "C2 follow-anywhere"
  },
  {
    name: "a resync is passed over and all is told anew",
    file: follower,
    from: "if (resync !== undefined) return this.cannotGoOn(resync, head)",
    to: "if (resync !== undefined) return void (this.cursor = undefined)",
    law: "C4 follow-foreign-cursor"
  },
  {
    name: "a follow doesn't end behind its resync",
    file: follow,
    from: "if (follower.ended) return Effect.undefined",
    to: "",
    law: "C4 follow-foreign-cursor"
  },
  {
    name: "nobody looks when a stream is removed",
    file: "packages/core/src/Log.ts",
    from: "() => Effect.sync(() => moves.look(stream))",
    to: "() => Effect.void",
    law: "C4 follow-foreign-cursor"
  },
  {
    name: "a gap equal to the cap is not replayed",
    file: follower,
    from: " > replayCap)",
    to: " >= replayCap)",
    law: "C5 replay-cap"
  },
  {
    name: "a gap one over the cap is replayed",
    file: follower,
    from: " > replayCap)",
    to: " > replayCap + 1)",
    law: "C5 replay-cap"
  },
  {
    name: "the cap is forgotten once it follows",
    file: follower,
    from: " > replayCap)",
    to: " > replayCap && !this.isOpen)",
    law: "C5 replay-cap"
  },
  {
    name: "what waits for a sleeper has no bound",
    file: follower,
    from: "if (this.waitingEvents + count > this.most) {",
    to: "if (false) {",
    law: "C6 slow-follower"
  },
  {
    name: "a lag is not told",
    file: follower,
    from: '      this.ready.push({ _tag: "Lagged", dropped: this.dropped })\n',
    to: "",
    law: "C6 slow-follower"
  },
  {
    name: "what a sleeper missed is not read again",
    file: follower,
    from: "      this.waitingEvents = 0\n      this.behind = true\n",
    to: "      this.waitingEvents = 0\n",
    law: "C6 slow-follower"
  },
  {
    name: "who left is still told",
    file: moves,
    from: "      watchers.delete(watcher)\n",
    to: "",
    law: "C7 hints-are-hints"
  },
  {
    name: "nothing is polled where there are hints",
    file: moves,
    from: "    this.setTimer()\n  }\n\n  private rest",
    to: "    if (storage.hints === undefined) this.setTimer()\n  }\n\n  private rest",
    law: "C7 hints-are-hints"
  },
  {
    name: "a poll that fails is the last",
    file: moves,
    from: "if (this.sleep !== undefined && this.timer === undefined) this.setTimer()",
    to: "if (Exit.isSuccess(exit) && this.timer === undefined) this.setTimer()",
    law: "C7 hints-are-hints"
  },
  {
    name: "hints are not heard",
    file: moves,
    from: "Effect.sync(() => this.look(stream))",
    to: "Effect.sync(() => void stream)",
    law: "C7 hints-are-hints"
  },
  {
    name: "volatile events move the cursor",
    file: follower,
    from: "    if (volatile.length > 0)\n",
    to: "    if (volatile.length > 0 && this.cursor !== undefined) this.cursor = { ...this.cursor, seq: this.cursor.seq + 1 }\n    if (volatile.length > 0)\n",
    law: "C8 contiguous",
    runs: 60
  },
  {
    name: "attention that others wrote is passed over",
    file: attention,
    from: "if (!sameCursor(this.cursors.get(stream), cursor)) this.moved.set(stream, cursor)",
    to: "if (!this.cursors.has(stream)) this.cursors.set(stream, cursor)",
    law: "C8 contiguous",
    runs: 60
  },
  {
    name: "the marker waits for a first event",
    file: follower,
    from: "    if (this.caughtUp) return\n",
    to: "    if (this.caughtUp || this.cursor === undefined) return\n",
    law: "C12 caught-up-marker"
  },
  {
    name: "the marker comes before what is stored",
    file: follower,
    from: "    if (isOpen) return read\n",
    to: '    if (!isOpen) this.ready.push({ _tag: "CaughtUp", cursor })\n    if (isOpen) return read\n',
    law: "C12 caught-up-marker"
  },
  {
    name: "a view that was let go begins anew without what came since",
    file: view,
    from: "const { cursor: after, stream } = this.folding",
    to: "const { stream } = this.folding\n    const after = undefined",
    law: "O4 views",
    runs: 60
  },
  {
    name: "a view publishes the state that it goes on changing",
    file: "packages/core/src/Folding.ts",
    from: "{ state: Projection.publish(this.state), cursor: this.cursor }",
    to: "{ state: this.state, cursor: this.cursor }",
    law: "O4 views",
    runs: 60
  },
  {
    name: "a follow doesn't wait for what was recorded",
    file: follow,
    from: "      yield* begin\n",
    to: "",
    law: "O5 live-sees-all"
  },
  {
    name: "a view tells of each item",
    file: view,
    from: "changed = this.handle(item) || changed",
    to: "changed = this.handle(item) || changed\n        this.set(this.status)",
    law: "O6 fewer-live"
  },
  {
    name: "each call of view makes another",
    file: "packages/core/src/Views.ts",
    from: "if (!views.has(stream)) views.set(stream, view)",
    to: "",
    law: "O6 fewer-live"
  },
  {
    name: "a view of all tells of each group at once",
    file: all,
    from: "      this.dirty.add(stream)\n    }\n    this.soon()",
    to: "      this.dirty.add(stream)\n      this.show()\n    }\n    this.soon()\n    this.set(this.status)",
    law: "O6 fewer-live"
  },
  {
    name: "a selector tells though its slice stays",
    file: "packages/core/src/Select.ts",
    from: "if (Object.is(slice, last)) return\n",
    to: "",
    law: "O6 fewer-live"
  },
  {
    name: "a view that is left stops while another listens",
    file: watched,
    from: "    if (this.listeners.size > 0) return\n    if (!this.used)",
    to: "    if (!this.used)",
    law: "O4 views",
    runs: 60
  },
  {
    name: "a view of all forgets what moved while it read",
    file: all,
    from: "if (!sameCursor(cursor, head.cursor)) this.moved.add(stream)",
    to: "if (this.working === undefined) this.moved.add(stream)",
    law: "C1 at-any-moment"
  },
  {
    name: "a view of all folds what comes and doesn't show it",
    file: all,
    from: "      this.dirty.add(stream)\n    }\n    this.soon()",
    to: "    }\n    this.soon()",
    law: "C1 view-of-all",
    runs: 400
  },
  {
    name: "a view of all asks for nothing that others wrote",
    file: all,
    from: "if (!sameCursor(this.foldings.get(stream)?.cursor, cursor)) this.moved.add(stream)",
    to: "if (!this.foldings.has(stream)) this.moved.add(stream)",
    law: "C7 hints-are-hints"
  }
]
