/** Cuts into what core does with projections: what others' caches got wrong, or ours nearly did. */
import type { Cut } from "./Cut.ts"

const folding = "packages/core/src/Folding.ts"
const upkeep = "packages/core/src/Upkeep.ts"
const states = "packages/core/src/States.ts"

export const projectionCuts: ReadonlyArray<Cut> = [
  {
    name: "what is in a snapshot is folded again",
    file: folding,
    from: "    this.cursor = stored.cursor\n",
    to: "",
    law: "N1 cut-anywhere"
  },
  {
    name: "a published state goes on changing",
    file: folding,
    from: "state: Projection.publish(this.state)",
    to: "state: this.state",
    law: "N1 cut-anywhere"
  },
  {
    name: "a stream that was removed still counts",
    file: "packages/core/src/AllStreams.ts",
    from: "      if (lost) {\n",
    to: "      if (false) {\n",
    law: "N1 over-all"
  },
  {
    name: "a checkpoint forgets how far it is",
    file: "packages/core/src/AllStreams.ts",
    from: "this.cursors.set(stream, { epoch, seq })",
    to: "void [epoch, seq, stream]",
    law: "N1 over-all"
  },
  {
    name: "a bad snapshot is passed by and stays",
    file: upkeep,
    from: "    this.isBad = saved === undefined\n",
    to: "",
    law: "N2 mended"
  },
  {
    name: "a snapshot of another version is used",
    file: "packages/core/src/Snapshot.ts",
    from: "stored.version !== projection.version || ",
    to: "",
    law: "N2 mended"
  },
  {
    name: "a snapshot is used unchecked",
    file: "packages/core/src/Snapshot.ts",
    from: " || stored.check !== snapshotCheck(stored)",
    to: "",
    law: "N3 never-half"
  },
  {
    name: "a resync is taken for the end of the stream",
    file: states,
    from: "if (batch.resync === undefined) return folding.take(batch)",
    to: "return folding.take(batch)",
    law: "N4 never-ahead"
  },
  {
    name: "places are compared without their epoch",
    file: states,
    from: "      if (!sameCursor(folding.cursor, head.cursor)) {\n",
    to: "      if (folding.cursor?.seq !== head.cursor.seq) {\n",
    law: "N4 never-ahead"
  },
  {
    name: "a small state of a sealed stream is never stored",
    file: upkeep,
    from: "final ? this.saved?.events !== events : this.pays(last)",
    to: "this.pays(last)",
    law: "N5 sealed-cache"
  },
  {
    name: "a state is served without a look at the head",
    file: states,
    from: "      if (!sameCursor(folding.cursor, head.cursor)) {\n",
    to: "      if (folding.cursor === undefined) {\n",
    law: "N5 sealed-cache"
  },
  {
    name: "the head is not asked, the tail is scanned",
    file: states,
    from: "      if (!sameCursor(folding.cursor, head.cursor)) {\n",
    to: "      {\n",
    law: "N5 sealed-cache"
  },
  {
    name: "a seal is noticed by whoever asks next, in the next process",
    file: "packages/core/src/Writer.ts",
    from: "if (group.events.at(-1)?.seals === true) this.sealed(stream)",
    to: "",
    law: "N5 sealed-cache"
  },
  {
    name: "closing doesn't wait for states on their way to the seal",
    file: states,
    from: "Effect.forEach([...this.sealing], (done) => Deferred.await(done), { discard: true })",
    to: "Effect.void",
    law: "N5 sealed-cache"
  },
  {
    name: "what is being saved is not waited for, and folded again",
    file: states,
    from: "Effect.andThen(this.writer.settled(foldings), load)",
    to: "load",
    law: "N5 sealed-cache"
  },
  {
    name: "a failed save counts as done",
    file: "packages/core/src/SnapshotWriter.ts",
    from: "if (Exit.isSuccess(exit)) done()\n        else",
    to: "done()\n        if (!Exit.isSuccess(exit))",
    law: "N5 write-back"
  },
  {
    name: "a failed save is swallowed",
    file: "packages/core/src/SnapshotWriter.ts",
    from: "    this.report({ stream, projection: projection.name, cause })\n",
    to: "    void [stream, projection, cause]\n",
    law: "N5 write-back"
  },
  {
    name: "each ask folds for itself",
    file: states,
    from: "    if (entry === undefined) {\n",
    to: "    {\n",
    law: "N6 single-flight"
  },
  {
    name: "a state is read before what was recorded is written",
    file: "packages/core/src/Log.ts",
    from: "Effect.andThen(settledOne(stream), states.state(stream, projection))",
    to: "states.state(stream, projection)",
    law: "N6 single-flight"
  },
  {
    name: "a snapshot after each fold",
    file: upkeep,
    from: "if (this.isBad) return true",
    to: "if (this.tail.events > 0) return true",
    law: "N7 growth"
  },
  {
    name: "closing always saves",
    file: upkeep,
    from: ": this.pays(last)",
    to: ": last || this.pays(last)",
    law: "N7 growth"
  },
  {
    name: "a large state waits for as much again and never comes",
    file: upkeep,
    from: "tail.events * 2 >= saved.events && tail.size * 2 >= saved.size",
    to: "tail.events >= saved.events * 4 && tail.size * 2 >= saved.size",
    law: "N7 growth"
  },
  {
    name: "a decision is appended wherever the stream is",
    file: "packages/core/src/Decision.ts",
    from: "{ ...options, expected: cursor ?? 0 }",
    to: "options",
    law: "A7 decide"
  },
  {
    name: "a copy goes on to the end",
    file: "packages/core/src/Copy.ts",
    from: "storage.query({ streams: [from], toSeq })",
    to: "storage.query({ streams: [from] })",
    law: "D5 copy"
  },
  {
    name: "a copy gives new ids",
    file: "packages/core/src/Copy.ts",
    from: "}: EncodedEvent): EncodedEvent => ({\n  id,",
    to: "}: EncodedEvent): EncodedEvent => ({\n  id: `${id}-${Math.random()}`,",
    law: "D5 copy"
  },
  {
    name: "a mapped copy keeps what the map left out",
    file: "packages/core/src/Copy.ts",
    from: "return mapped === undefined ? undefined :",
    to: "return mapped === undefined ? unstored(stored) :",
    law: "D5 mapped-copy"
  },
  {
    name: "a mapped copy keeps what the map changed",
    file: "packages/core/src/Copy.ts",
    from: "if (mapped === event) return",
    to: "if (mapped !== undefined) return",
    law: "D5 mapped-copy"
  }
]
