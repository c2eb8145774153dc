/** Opens the production code on a simulated disk, as the one process that lives. */
import type { SimulatedDisk } from "@varve/testkit"
import type { Presence } from "../../src/Presence.ts"
import { service } from "../../src/service.ts"
import { Store } from "../../src/Store.ts"
import { directory, type Opened, type Told } from "./Explorer.ts"

/** With `indexed`, small logs go by the index of heads, too. */
export const openOn =
  ({ indexed = false } = {}) =>
  async (disk: SimulatedDisk): Promise<Opened> => {
    const told: Array<Told> = []
    const store = await Store.open({
      disk,
      presence: alone(),
      directory,
      // No timer is to write in the midst of a run.
      idleTimeout: 2 ** 30,
      notify: (notice) => told.push(notice)
    })
    if (indexed) store.worthIndex = 0
    return { service: service(store), told, close: () => store.close() }
  }

/** Owners of before the crash are dead. */
export const alone = (): Presence => {
  const there = new Set<string>()
  return {
    enter: (folder, name) => {
      there.add(`${folder}/${name}`)
      return Promise.resolve({ leave: () => there.delete(`${folder}/${name}`) })
    },
    isThere: (folder, name) => Promise.resolve(there.has(`${folder}/${name}`))
  }
}
