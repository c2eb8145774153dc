/** Cuts into the live set: what others' sets got wrong (kimi-code #1320), or ours nearly did. */
import type { Cut } from "./Cut.ts"

const streams = "packages/core/src/LiveStreams.ts"
const place = "packages/core/src/LivePlace.ts"
const lane = "packages/core/src/AttentionLane.ts"

export const liveSetCuts: ReadonlyArray<Cut> = [
  {
    name: "the active stream is evicted like any other",
    file: streams,
    from: "const first = active === undefined || active.hasFailed ? [] : [active]\n    return [...first, ...others.reverse()]",
    to: "if (active?.isOpen) others.push(active)\n    const all = new Set([...this.places.values()].filter((place) => others.includes(place)))\n    return [...[...all].reverse()]",
    law: "C9 cap: which are live"
  },
  {
    name: "the active stream stands where it was last opened, not where it was last used",
    file: streams,
    from: "if (this.active !== undefined) this.use(this.active.stream)",
    to: "",
    law: "C9 cap: which are live"
  },
  {
    name: "the most recently used is evicted",
    file: streams,
    from: "...others.reverse()",
    to: "...others",
    law: "C9 cap: which are live"
  },
  {
    name: "the next begins while the last is ending",
    file: streams,
    from: "if (!wanted.includes(place)) flight.interruptUnsafe()",
    to: "if (!wanted.includes(place)) {\n          flight.interruptUnsafe()\n          this.flights.delete(place)\n        }",
    law: "C9 cap"
  },
  {
    name: "the cap is counted after the answer",
    file: streams,
    from: "if (this.flights.size < this.options.capacity && !this.flights.has(place)) this.begin(place)",
    to: "void Promise.resolve(this.flights.size < this.options.capacity && !this.flights.has(place)).then((free) => free && this.begin(place))",
    law: "C9 cap"
  },
  {
    name: "an evicted stream is followed on",
    file: streams,
    from: "if (!wanted.includes(place)) flight.interruptUnsafe()",
    to: "",
    law: "C9 cap"
  },
  {
    name: "two flights a stream",
    file: streams,
    from: "if (this.flights.size < this.options.capacity && !this.flights.has(place))",
    to: "if (this.flights.size < this.options.capacity)",
    law: "C9 cap"
  },
  {
    name: "the cursor and the need to begin anew are forgotten before the state has come",
    file: streams,
    from: "if (place.lost) place.begin(yield*",
    to: "if (place.lost && !(place.lost = (place as any).cursor = undefined as never)) place.begin(yield*",
    law: "C10 reopen"
  },
  {
    name: "a resync goes on with the old state",
    file: streams,
    from: '      case "Resync":\n        place.lost = true\n',
    to: '      case "Resync":\n        ;(place as any).cursor = item.head\n',
    law: "C10 reopen"
  },
  {
    name: "an evicted stream loses its cursor and keeps its state",
    file: streams,
    from: '      if (!place.hasFailed) place.turn("paused")\n',
    to: '      if (!place.hasFailed) place.turn("paused")\n      ;(place as any).cursor = undefined\n',
    law: "C10 reopen"
  },
  {
    name: "an evicted stream comes back at the end of the log",
    file: streams,
    from: "{ after: place.after, replayCap }",
    to: "{ replayCap }",
    law: "C10 reopen"
  },
  {
    name: "a state that was let go leaves its cursor behind",
    file: place,
    from: "    this.cursor = undefined\n    this.synced = 0\n    this.lost = true\n",
    to: "    this.lost = false\n",
    law: "C10 reopen"
  },
  {
    name: "a failed follow is not tried again",
    file: streams,
    from: "if (!isUrgent) yield* backoff.wait",
    to: "if (!isUrgent) return yield* Effect.never",
    law: "C12 synced-marker"
  },
  {
    name: "the room of one that ended is not given on",
    file: streams,
    from: '      if (!place.hasFailed) place.turn("paused")\n      this.settle()\n',
    to: '      if (!place.hasFailed) place.turn("paused")\n',
    law: "C9 cap"
  },
  {
    name: "seen events are applied again",
    file: place,
    from: "const next = (this.cursor?.seq ?? 0) + 1",
    to: "const next = Math.min((this.cursor?.seq ?? 0) + 1, events[0]?.seq ?? 1)",
    law: "C10 reopen"
  },
  {
    name: "a hole is passed by",
    file: place,
    from: "if (fresh[0]!.seq !== next) return false",
    to: "",
    law: "C10 reopen"
  },
  {
    name: "only live streams call for attention",
    file: lane,
    from: "        tell(options.onError, () => options.onAttention?.({ stream, event }))\n",
    to: "        if (told.size < 2) tell(options.onError, () => options.onAttention?.({ stream, event }))\n",
    law: "C11 attention"
  },
  {
    name: "a lane that broke begins again at now",
    file: lane,
    from: "source.attention(began ? { after: new Map(told) } : {})",
    to: "source.attention({})",
    law: "C11 attention"
  },
  {
    name: "a lane that broke tells everything again",
    file: lane,
    from: "if (last !== undefined && last.epoch === event.epoch && event.seq <= last.seq) return",
    to: "",
    law: "C11 attention"
  },
  {
    name: "who lags goes on as live",
    file: streams,
    from: '        place.turn("loading")\n        return true\n',
    to: "        return true\n",
    law: "C12 synced-marker"
  },
  {
    name: "a change is not told",
    file: streams,
    from: '      case "CaughtUp":\n        place.turn("live")',
    to: '      case "CaughtUp":\n        ;(place as any).status = "live"\n        ;(place as any).shown = undefined',
    law: "the last change was told"
  }
]
