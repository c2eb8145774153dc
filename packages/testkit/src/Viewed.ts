/** A view under test: a projection that shows order, and what was shown of it. */
import { Projection } from "@varve/core"
import { Schema } from "effect"
import { must } from "./Broken.ts"
import { Session } from "./Session.ts"
import type { Stage } from "./Stage.ts"

/** A projection that shows order: the ids, one behind the other. */
export const Ids = Projection.make(Session, {
  name: "ids",
  version: 1,
  state: Schema.Struct({ ids: Schema.Array(Schema.String) }),
  initial: () => ({ ids: [] }),
  any: (state, event) => void state.ids.push(event.id),
  on: {}
})

export const chunk = (id: string) => Session.Chunk({ text: id }, { id })

/** What views showed, at each notification. */
export interface Viewed {
  readonly stream: string
  readonly shown: Array<{ readonly ids: ReadonlyArray<string>; readonly seq: number; readonly live: boolean }>
  readonly current: () => ReadonlyArray<string>
}

export const viewOf = ({ log }: Stage, name: string): Viewed => {
  const view = log.view(name, Ids)
  const shown: Array<Viewed["shown"][number]> = []
  let last = view.getSnapshot()
  view.subscribe(() => {
    const snapshot = view.getSnapshot()
    must(snapshot !== last, "A view tells of something new")
    must(snapshot === view.getSnapshot(), "Until then it shows the same object")
    last = snapshot
    const { cursor, state, status } = snapshot
    shown.push({ ids: state.ids, seq: cursor?.seq ?? 0, live: status === "live" })
  })
  return {
    stream: name,
    shown,
    current: () => {
      must(view.getSnapshot().status === "live", "A view that has had time is live")
      return view.getSnapshot().state.ids
    }
  }
}

/** The ids that are stored. */
export const idsOf = async (stage: Stage, name: string): Promise<ReadonlyArray<string>> =>
  (await stage.stored(name)).map((event) => event.id)

let made = 0
/** So many ids that nobody has had. */
export const newIds = (count: number): ReadonlyArray<string> =>
  Array.from({ length: count }, () => `i${made++}`)
