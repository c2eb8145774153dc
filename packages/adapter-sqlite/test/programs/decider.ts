/** Takes seats of one stream while there are any, together with other processes; prints the seats that it was told are its own. */
import { DecisionFailed, EventSet, Projection, Varve } from "@varve/core"
import { Schema } from "effect"
import { SqliteStorage } from "../../src/index.ts"

const [filename, name, seats] = process.argv.slice(2) as [string, string, string]

class Seats extends EventSet.make({ Taken: { seat: Schema.Number, by: Schema.String } }) {}

const Taken = Projection.make(Seats, {
  name: "taken",
  version: 1,
  state: Schema.Number,
  initial: () => 0,
  on: { Taken: (taken) => taken + 1 }
})

const mine: Array<number> = []
const log = await Varve.open({
  events: Seats,
  storage: SqliteStorage.layer({ filename, busyTimeout: 20_000 })
})
for (;;) {
  let seat = 0
  try {
    const receipt = await log.decide("hall", Taken, (taken) => {
      seat = taken
      return taken < Number(seats) ? Seats.Taken({ seat, by: name }) : undefined
    })
    if (receipt === undefined) break
    mine.push(seat)
  } catch (error) {
    if (!(error instanceof DecisionFailed)) throw error
  }
}
await log.close()
process.stdout.write(JSON.stringify(mine))
