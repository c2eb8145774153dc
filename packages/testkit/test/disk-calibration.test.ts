/**
 * The simulated disk held against a real one: the same calls on ext4, whose power is cut, leave what the simulation
 * says may be left. Not the other way round: it allows more than one file system does.
 */
import * as fs from "node:fs"
import { createHash } from "node:crypto"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Disk as RealDisk, noPower } from "../../adapter-sqlite/test/crash/Disk.ts"
import { type Choose, chooseBy } from "../src/disk/Choose.ts"
import { SimulatedDisk } from "../src/disk/SimulatedDisk.ts"

const unpowered = noPower()
if (unpowered !== undefined) console.warn(`The calibration of the simulated disk is skipped: ${unpowered}`)

const seed = Number(process.env["VARVE_SEED"] ?? Date.now() % 1_000_000)
const draws = 20_000
const timeout = 60_000

type Calls = Pick<SimulatedDisk, keyof SimulatedDisk & keyof typeof fs>

/** Runs calls in a folder that is there and durable, and leaves its descriptors open. */
type Script = (disk: Calls, folder: string) => void

let real: RealDisk
beforeAll(() => {
  if (unpowered === undefined) real = new RealDisk()
}, timeout)
afterAll(() => real?.dispose())

let folders = 0

/** What is in the folder once the power is back. */
const afterRealCut = async (script: Script): Promise<ReadonlyMap<string, string>> => {
  const folder = `${real.mount}/${++folders}`
  fs.mkdirSync(folder)
  syncFolder(fs, real.mount)
  const cut = await real.arm()
  const opened: Array<number> = []
  script({ ...fs, openSync: (...args) => push(opened, fs.openSync(...args)) }, folder)
  await cut()
  for (const fd of opened) if (isOpen(fd)) fs.closeSync(fd)
  real.restart()
  return contents(fs, folder)
}

const push = (to: Array<number>, fd: number): number => {
  to.push(fd)
  return fd
}

const isOpen = (fd: number): boolean => {
  try {
    fs.fstatSync(fd)
    return true
  } catch {
    return false
  }
}

/** What of a real outcome no simulated cut leaves: the list of names, or what a name leads to. */
const beyondSimulation = (script: Script, left: ReadonlyMap<string, string>): ReadonlyArray<string> => {
  const disk = new SimulatedDisk()
  disk.mkdirSync("/d", 0o700)
  syncFolder(disk, "/")
  script(disk, "/d")
  const partsOf = (found: ReadonlyMap<string, string>) => [
    `names ${[...found.keys()].join()}`,
    ...[...found].map(([name, text]) => `${name}: ${text}`)
  ]
  const missing = new Set(partsOf(left))
  for (let i = 0; i < draws && missing.size > 0; i++) {
    const found = contents(disk.crash({ kind: "power", choose: chooseBy(i) }), "/d")
    for (const part of partsOf(found)) missing.delete(part)
  }
  return [...missing]
}

const contents = (disk: Pick<Calls, "readdirSync" | "readFileSync">, folder: string) =>
  new Map(
    disk
      .readdirSync(folder)
      .toSorted()
      .map((name) => [name, digest(disk.readFileSync(`${folder}/${name}`))])
  )

const digest = (bytes: Uint8Array): string =>
  `${bytes.length} bytes ${createHash("md5").update(bytes).digest("hex")}`

const syncFolder = (disk: Calls, folder: string): void => {
  const fd = disk.openSync(folder, "r")
  disk.fsyncSync(fd)
  disk.closeSync(fd)
}

const append = (disk: Calls, fd: number, size: number, fill: string): void => {
  const bytes = Buffer.alloc(size, fill)
  disk.writeSync(fd, bytes, 0, size, disk.fstatSync(fd).size)
}

const create = (disk: Calls, path: string): number => disk.openSync(path, "wx+", 0o600)

/** Another file is synced, and takes with it what the journal holds. */
const elsewhere = (disk: Calls, folder: string): void => {
  const fd = create(disk, `${folder}/elsewhere`)
  append(disk, fd, 100, "e")
  disk.fsyncSync(fd)
}

const begin = (disk: Calls, folder: string, name: string): number => {
  const fd = create(disk, `${folder}/${name}`)
  append(disk, fd, 5000, name)
  disk.fdatasyncSync(fd)
  syncFolder(disk, folder)
  return fd
}

const scripts: Readonly<Record<string, Script>> = {
  "an append": (disk, folder) => {
    const fd = begin(disk, folder, "a")
    for (const fill of "bcd") append(disk, fd, 3000, fill)
  },
  "an append, and a sync of another file": (disk, folder) => {
    const fd = begin(disk, folder, "a")
    for (const fill of "bcd") append(disk, fd, 3000, fill)
    elsewhere(disk, folder)
  },
  "a synced append": (disk, folder) => {
    const fd = begin(disk, folder, "a")
    append(disk, fd, 3000, "b")
    disk.fdatasyncSync(fd)
    append(disk, fd, 3000, "c")
  },
  "a truncation": (disk, folder) => {
    const fd = begin(disk, folder, "a")
    disk.ftruncateSync(fd, 4100)
    elsewhere(disk, folder)
  },
  "a truncation and an append": (disk, folder) => {
    const fd = begin(disk, folder, "a")
    disk.ftruncateSync(fd, 700)
    append(disk, fd, 100, "b")
    elsewhere(disk, folder)
  },
  "an overwriting": (disk, folder) => {
    const fd = begin(disk, folder, "a")
    disk.writeSync(fd, Buffer.alloc(2000, "b"), 0, 2000, 1000)
    elsewhere(disk, folder)
  },
  "a new file, synced without its folder": (disk, folder) => {
    const fd = create(disk, `${folder}/a`)
    append(disk, fd, 1000, "a")
    disk.fdatasyncSync(fd)
  },
  "a new file, and its folder synced without it": (disk, folder) => {
    append(disk, create(disk, `${folder}/a`), 1000, "a")
    syncFolder(disk, folder)
  },
  "a file renamed over another": (disk, folder) => {
    begin(disk, folder, "a")
    begin(disk, folder, "b")
    disk.renameSync(`${folder}/b`, `${folder}/a`)
  },
  "a file renamed over another, and a sync elsewhere": (disk, folder) => {
    begin(disk, folder, "a")
    begin(disk, folder, "b")
    disk.renameSync(`${folder}/b`, `${folder}/a`)
    elsewhere(disk, folder)
  },
  "a new file renamed over another, unsynced": (disk, folder) => {
    begin(disk, folder, "a")
    append(disk, create(disk, `${folder}/b`), 2000, "b")
    disk.renameSync(`${folder}/b`, `${folder}/a`)
    syncFolder(disk, folder)
  },
  "a file deleted": (disk, folder) => {
    begin(disk, folder, "a")
    disk.unlinkSync(`${folder}/a`)
  },
  "a file deleted and made anew": (disk, folder) => {
    begin(disk, folder, "a")
    disk.unlinkSync(`${folder}/a`)
    append(disk, create(disk, `${folder}/a`), 10, "n")
    elsewhere(disk, folder)
  }
}

/** Some calls on three files. */
const randomScript =
  (choose: Choose): Script =>
  (disk, folder) => {
    const fds = new Map(["a", "b", "c"].map((name) => [name, begin(disk, folder, name)]))
    for (let i = 0; i < 8; i++) {
      const name = ["a", "b", "c"][choose(3)]!
      const fd = fds.get(name)!
      const size = disk.fstatSync(fd).size
      const calls = [
        () => append(disk, fd, 1 + choose(5000), String(i)),
        () => append(disk, fd, 1 + choose(500), String(i)),
        () => disk.ftruncateSync(fd, choose(size + 1)),
        () => disk.fdatasyncSync(fd),
        () => syncFolder(disk, folder),
        () => disk.writeSync(fd, Buffer.alloc(300, `${i}`), 0, 300, choose(size + 1)),
        () => {
          if (disk.readdirSync(folder).includes(name))
            disk.renameSync(`${folder}/${name}`, `${folder}/${name}${i}`)
        }
      ]
      calls[choose(calls.length)]!()
    }
  }

describe.skipIf(unpowered !== undefined)("what ext4 leaves is among what the simulation leaves", () => {
  const check = async (script: Script) => {
    expect(beyondSimulation(script, await afterRealCut(script))).toEqual([])
  }

  it.each(Object.entries(scripts))(
    "%s",
    async (_, script) => {
      await check(script)
    },
    timeout
  )

  it.each(Array.from({ length: 8 }, (_, i) => seed + i))(
    "random calls, seed %i",
    async (each) => {
      // The script is run twice and has to choose the same.
      await check((disk, folder) => randomScript(chooseBy(each))(disk, folder))
    },
    timeout
  )
})
