// Type-checked and run against the packed packages, outside of this repository.
import { SqliteStorage } from "@varve/adapter-sqlite"
import { EventSet, event, MemoryStorage, Projection, Varve } from "@varve/core"
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

for (const storage of [MemoryStorage.layer, SqliteStorage.layer({ filename: "quickstart.db" })]) {
  await using log = await Varve.open({ events: Session, storage })
  for (const text of ["Hel", "lo"]) log.record("s-1", Session.MessageChunk({ messageId: "m1", text }))
  const receipt = await log.append("s-1", Session.TurnEnded({ stopReason: "end" }))
  console.log(receipt.durability, receipt.events[0]?.seq, await log.state("s-1", Text))
  if (receipt.events[0]?.seq !== 3 || (await log.state("s-1", Text)) !== "Hello")
    throw new Error("the quickstart is broken")
}
