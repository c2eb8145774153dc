/** What a storage says of itself, as far as it can be held against it without using it. */
import { must, mustEqual } from "../Broken.ts"
import { law } from "../Law.ts"

const claims = law(
  "supports claims",
  "What `supports` claims is there, and what isn't claimed isn't: counters, hints. `limits` leave room for an event.",
  async (bench) => {
    const { service } = await bench.store()
    const { supports, limits } = service
    mustEqual(
      "Whether there are counters, and supports.counters",
      service.counters !== undefined,
      supports.counters
    )
    mustEqual("Whether there are hints, and supports.hints", service.hints !== undefined, supports.hints)
    must(
      limits.groupEvents >= 1 && limits.groupBytes >= 1_024,
      () =>
        `limits leave room for an event: groupEvents ${limits.groupEvents}, groupBytes ${limits.groupBytes}`
    )
  }
)

export const supportLaws = [claims]
