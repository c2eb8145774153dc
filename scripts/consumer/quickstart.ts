// Compiled and run against the packed packages, outside of this repository: every package in one small program.
import { FileStorage } from "@varve/adapter-file"
import { SqliteStorage } from "@varve/adapter-sqlite"
import { EventSet, event, MemoryStorage, Projection, Varve } from "@varve/core"
import { checkLaws } from "@varve/testkit"
import { Schema } from "effect"

class Session extends EventSet.make({
  MessageChunk: { messageId: Schema.String, text: Schema.String },
  TurnEnded: event({ stopReason: Schema.String }, { durability: "synced" })
}) {}

const Text = Projection.make(Session, {
  name: "text",
  version: 1,
  state: Schema.String,
  initial: () => "",
  on: { MessageChunk: (text, chunk) => text + chunk.data.text }
})

const must = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(`The quickstart is broken: ${what}`)
}

const storages = [
  ["memory", MemoryStorage.layer, "none"],
  ["file", FileStorage.layer({ directory: "quickstart" }), "synced"],
  ["SQLite", SqliteStorage.layer({ filename: "quickstart.db" }), "synced"]
] as const

for (const [name, storage, durability] of storages) {
  for (const opening of ["first", "second"]) {
    await using log = await Varve.open({ events: Session, storage })
    if (opening === "first")
      for (const text of ["Hel", "lo"]) log.record("s-1", Session.MessageChunk({ messageId: "m1", text }))
    else if (durability === "none") continue
    const id = "the end"
    const receipt = await log.append("s-1", Session.TurnEnded({ stopReason: "end" }, { id }))
    must(receipt.durability === durability, `${name} says ${receipt.durability}`)
    must(receipt.events[0]?.seq === 3, `${name} gives seq ${receipt.events[0]?.seq}`)
    must(receipt.events[0]?.duplicate === (opening === "second"), `the ${opening} time over ${name}`)
    must((await log.state("s-1", Text)) === "Hello", `the state over ${name}`)
  }
}

const report = await checkLaws({ storage: () => MemoryStorage.layer, runs: 1, only: ["A14"] })
must(report.length > 0 && report.every(({ outcome }) => outcome === "kept"), "the laws of the memory storage")
