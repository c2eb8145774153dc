/** The storages of a package, with all that the kit can do to them in one process. Imported once the sources are in place. */
import { join } from "node:path"
import type { LawOptions } from "@varve/testkit"

export const storagesOf = async (name: string, folder: string): Promise<ReadonlyArray<LawOptions>> => {
  const { LogStorage, MemoryStorage } = await import("@varve/core")
  const { Layer } = await import("effect")
  let stores = 0
  const place = (): string => join(folder, String(++stores))
  switch (name) {
    case "core": {
      const { default: level } = await import("../../examples/level-storage/test/storage.ts")
      return [
        { storage: () => Layer.succeed(LogStorage, MemoryStorage.make()), reopen: true },
        { storage: () => level(place()), reopen: true }
      ]
    }
    case "adapter-sqlite": {
      const { SqliteStorage } = await import("@varve/adapter-sqlite")
      const storage = () => SqliteStorage.layer({ filename: place() })
      return [{ storage, reopen: true, secondWriter: true }]
    }
    case "adapter-file": {
      const { FileStorage } = await import("@varve/adapter-file")
      const { powerCut } = await import("../../packages/adapter-file/test/crash/powerCut.ts")
      const storage = () => FileStorage.layer({ directory: place() })
      const twice = (layer = storage()) => [layer, layer] as const
      return [{ storage, reopen: true, crash: powerCut, secondProcess: twice }]
    }
    default:
      throw new Error(`${name} has no storage`)
  }
}
