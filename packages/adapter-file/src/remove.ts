/**
 * Removes a stream: first what belongs to it, then the log itself. Its unlinking is the one moment at which the stream is
 * gone, for readers and after a crash: before it the stream is there, behind it nothing of it is left (law V1).
 */
import { Busy, type StorageError } from "@varve/core"
import { Effect } from "effect"
import { namesIn, removeFile, syncFolder } from "./files.ts"
import { run, type Steps } from "./Steps.ts"
import { removeSnapshots } from "./snapshots.ts"
import { failed, type Store } from "./Store.ts"

export const remove = (store: Store, stream: string): Effect.Effect<boolean, StorageError | Busy> =>
  Effect.tryPromise({
    try: async () => run(steps(store, stream)),
    catch: (cause) => (cause instanceof Busy ? cause : failed("remove", cause, stream))
  })

function* steps(store: Store, stream: string): Steps<boolean> {
  const { directory, disk } = store
  const log = store.log(stream)
  const answer = yield* log.remove((exists) => {
    if (exists) {
      removeSnapshots(store, log.name)
      // The log's own name has no dot in it, so these are its own files and no other's.
      for (const file of namesIn(disk, directory)) {
        if (file.startsWith(`${log.name}.`) && file !== `${log.name}.jsonl`)
          removeFile(disk, `${directory}/${file}`)
      }
      removeFile(disk, log.file)
    }
    // Also where it is gone already: the removal that took it may have failed before this.
    syncFolder(disk, directory)
  })
  store.forget(stream)
  if (typeof answer === "string") throw new Busy({ stream, owner: answer })
  return answer
}
