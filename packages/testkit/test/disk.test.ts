/** The simulated disk: what it keeps, what it may lose, and what it never does. */
import * as fs from "node:fs"
import { describe, expect, it } from "vitest"
import { type Choose, chooseBy } from "../src/disk/Choose.ts"
import type { DiskFault } from "../src/disk/DiskFault.ts"
import { SimulatedDisk } from "../src/disk/SimulatedDisk.ts"
import { Crashed } from "../src/disk/Steps.ts"

const bytesOf = (text: string) => new TextEncoder().encode(text)
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

const write = (disk: SimulatedDisk, fd: number, text: string, at: number) =>
  disk.writeSync(fd, bytesOf(text), 0, text.length, at)

/** A file whose folder and first text are durable; answers its descriptor. */
const begun = (disk: SimulatedDisk, text = "") => {
  const fd = disk.openSync("/a", "wx+", 0o600)
  write(disk, fd, text, 0)
  disk.fdatasyncSync(fd)
  syncFolder(disk, "/")
  return fd
}

const syncFolder = (disk: SimulatedDisk, path: string) => {
  const fd = disk.openSync(path, "r")
  disk.fsyncSync(fd)
  disk.closeSync(fd)
}

/** What is in a file, `undefined` where there is none. */
const found = (disk: SimulatedDisk, path: string) =>
  disk.lstatSync(path, { throwIfNoEntry: false }) === undefined ? undefined : textOf(disk.readFileSync(path))

/** Everything that many power cuts at one point leave of a file. */
const cuts = (disk: SimulatedDisk, path: string, count = 2000) =>
  new Set(
    Array.from({ length: count }, (_, seed) =>
      found(disk.crash({ kind: "power", choose: chooseBy(seed) }), path)
    )
  )

const code = (run: () => unknown) => {
  try {
    run()
    return "nothing"
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}

describe("bytes", () => {
  it("survive a power cut once they were synced", () => {
    const disk = new SimulatedDisk()
    begun(disk, "one")
    expect(cuts(disk, "/a")).toEqual(new Set(["one"]))
  })

  it("without a sync survive a kill, and no power cut after it", () => {
    const disk = new SimulatedDisk()
    write(disk, begun(disk, "one"), "two", 3)
    const after = disk.crash({ kind: "kill" })
    expect(found(after, "/a")).toBe("onetwo")
    expect(cuts(after, "/a")).toContain("one")
  })

  it("without a sync are lost, torn or zeros, and never others", () => {
    const disk = new SimulatedDisk()
    write(disk, begun(disk, "one"), "two", 3)
    const left = cuts(disk, "/a")
    for (const text of ["one", "onet", "onetw", "onetwo", "one\0\0\0", "onet\0\0"])
      expect(left).toContain(text)
    for (const text of left) expect(text).toMatch(/^one(t|\0|$)(w|\0|$)(o|\0|$)/)
  })

  it("of a later write can be there without those of an earlier one", () => {
    const disk = new SimulatedDisk()
    const fd = begun(disk)
    write(disk, fd, "a".repeat(5000), 0)
    write(disk, fd, "b".repeat(5000), 5000)
    const left = [...cuts(disk, "/a")]
    expect(left).toContainEqual("\0".repeat(5000) + "b".repeat(5000))
    // The first page of three, and of the second only the half that the second write filled.
    expect(left.some((text) => /^\0{4096}a{904}b{3192}/.test(text!))).toBe(true)
    // A sector of eight.
    expect(left.some((text) => /^a{512}\0{512}/.test(text!))).toBe(true)
  })

  it("that are replaced are the old or the new ones", () => {
    const disk = new SimulatedDisk()
    write(disk, begun(disk, "old!"), "new!", 0)
    const left = cuts(disk, "/a")
    expect(left).toEqual(new Set(["old!", "nld!", "ned!", "new!"].concat("old!")))
  })

  it("cut off may come back, also under a later write", () => {
    const disk = new SimulatedDisk()
    const fd = begun(disk, "onetwo")
    disk.ftruncateSync(fd, 3)
    write(disk, fd, "X", 3)
    const left = cuts(disk, "/a")
    for (const text of ["onetwo", "one", "oneX", "oneXwo", "oneX\0\0"]) expect(left).toContain(text)
  })

  it("written while a sync is under way are not synced by it", async () => {
    const disk = new SimulatedDisk()
    const fd = begun(disk, "one")
    write(disk, fd, "two", 3)
    const synced = new Promise((end) => disk.fdatasync(fd, end))
    write(disk, fd, "six", 6)
    expect(cuts(disk, "/a")).toContain("one")
    expect(await synced).toBe(null)
    expect(cuts(disk, "/a")).toContain("onetwo")
    for (const text of cuts(disk, "/a")) expect(text).toMatch(/^onetwo/)
  })

  it("are as they were written, whatever becomes of the writer's buffer", () => {
    const disk = new SimulatedDisk()
    const fd = begun(disk, "one")
    const buffer = Buffer.from("two")
    disk.writeSync(fd, buffer, 0, 3, 3)
    buffer.fill("x")
    expect(found(disk, "/a")).toBe("onetwo")
    for (const text of cuts(disk, "/a")) expect(text).not.toContain("x")
  })

  it("behind the end leave zeros before them", () => {
    const disk = new SimulatedDisk()
    const fd = begun(disk, "one")
    disk.ftruncateSync(fd, 1)
    write(disk, fd, "x", 4)
    expect(found(disk, "/a")).toBe("o\0\0\0x")
  })

  it("of two disks after one crash are apart", () => {
    const disk = new SimulatedDisk()
    const fd = begun(disk, "one")
    const others = [disk.crash({ kind: "kill" }), disk.crash({ kind: "power", choose: chooseBy(1) })]
    write(disk, fd, "two", 3)
    for (const other of others) write(other, other.openSync("/a", "r+"), "six", 3)
    expect(found(disk, "/a")).toBe("onetwo")
    for (const other of others) expect(found(other, "/a")).toBe("onesix")
  })
})

describe("a failed sync", () => {
  const failed = () => {
    const disk = new SimulatedDisk()
    const fd = begun(disk, "one")
    disk.plant({ call: "fdatasync", code: "EIO" })
    write(disk, fd, "two", 3)
    expect(code(() => disk.fdatasyncSync(fd))).toBe("EIO")
    return { disk, fd }
  }

  it("reads back, and the next one succeeds and writes nothing", () => {
    const { disk, fd } = failed()
    disk.fdatasyncSync(fd)
    expect(found(disk, "/a")).toBe("onetwo")
    expect(cuts(disk, "/a")).toContain("one\0\0\0")
  })

  it("is not healed by a new descriptor, nor by what is written behind", () => {
    const { disk } = failed()
    const fd = disk.openSync("/a", "r+")
    write(disk, fd, "six", 6)
    disk.fdatasyncSync(fd)
    expect(cuts(disk, "/a")).toContain("one\0\0\0six")
  })

  it("is healed by writing again", () => {
    const { disk, fd } = failed()
    write(disk, fd, "two", 3)
    disk.fdatasyncSync(fd)
    expect(cuts(disk, "/a")).toEqual(new Set(["onetwo"]))
  })

  it("is healed only where it is written again", () => {
    const { disk, fd } = failed()
    write(disk, fd, "w", 4)
    disk.fdatasyncSync(fd)
    for (const text of ["one\0w\0", "onetw\0", "one\0wo", "onetwo"]) expect(cuts(disk, "/a")).toContain(text)
  })

  it("and another one are healed by writing all of it again", () => {
    const { disk, fd } = failed()
    disk.plant({ call: "fdatasync", code: "EIO" })
    write(disk, fd, "six", 6)
    expect(code(() => disk.fdatasyncSync(fd))).toBe("EIO")
    write(disk, fd, "twosix", 3)
    disk.fdatasyncSync(fd)
    expect(cuts(disk, "/a")).toEqual(new Set(["onetwosix"]))
  })

  it("is forgotten where the file is cut before it", () => {
    const { disk, fd } = failed()
    disk.ftruncateSync(fd, 3)
    disk.fdatasyncSync(fd)
    expect(cuts(disk, "/a")).toEqual(new Set(["one"]))
  })

  it("is told to the callback, at the end", async () => {
    const disk = new SimulatedDisk()
    disk.plant({ call: "fdatasync", code: "EIO" })
    const fd = begunLater(disk)
    const error = await new Promise<NodeJS.ErrnoException | null>((end) => disk.fdatasync(fd, end))
    expect(error).toMatchObject({ code: "EIO", syscall: "fdatasync", errno: -5 })
  })
})

const begunLater = (disk: SimulatedDisk) => {
  const fd = disk.openSync("/a", "wx+", 0o600)
  write(disk, fd, "one", 0)
  return fd
}

/** What each byte may be after a power cut, reckoned byte by byte. */
class PossibleBytes {
  size = 0
  /** No cut leaves less. */
  private least = 0
  private readonly cached: Array<number> = []
  private possible: Array<Set<number>> = []
  private dirty = new Set<number>()
  private lost = new Set<number>()

  write(at: number, byte: number, length: number): void {
    for (let i = Math.min(at, this.size); i < at + length; i++) {
      const value = i >= at ? byte : i < this.size ? this.cached[i]! : 0
      this.cached[i] = value
      ;(this.possible[i] ??= new Set([0])).add(value)
      if (i < at) continue
      this.dirty.add(i)
      this.lost.delete(i)
    }
    this.size = Math.max(this.size, at + length)
  }

  truncate(length: number): void {
    for (let i = length; i < this.size; i++) {
      this.possible[i]!.add(0)
      this.cached[i] = 0
      this.lost.delete(i)
    }
    for (let i = this.size; i < length; i++) this.cached[i] = 0
    for (let i = this.size; i < length; i++) (this.possible[i] ??= new Set()).add(0)
    this.size = length
    this.least = Math.min(this.least, length)
  }

  sync(fails: boolean): void {
    if (fails) {
      for (const i of this.dirty) this.lost.add(i)
    } else {
      this.possible.length = this.size
      this.possible = this.possible.map((set, i) => (this.lost.has(i) ? set : new Set([this.cached[i]!])))
      this.least = this.size
    }
    this.dirty.clear()
  }

  allow(bytes: Uint8Array): boolean {
    return bytes.length >= this.least && bytes.every((byte, i) => this.possible[i]?.has(byte) === true)
  }
}

it("leaves no byte that a byte-by-byte reckoning excludes", () => {
  let left = 0
  for (let seed = 0; seed < 300; seed++) {
    const choose = chooseBy(seed)
    const disk = new SimulatedDisk()
    const fd = begun(disk)
    const reckoned = new PossibleBytes()
    for (let i = 0; i < 12; i++) {
      const at = choose(reckoned.size + 20)
      const length = choose(choose(4) === 0 ? 2000 : 40)
      const kind = choose(6)
      if (kind < 3) {
        write(disk, fd, String.fromCharCode(65 + i).repeat(length), at)
        if (length > 0) reckoned.write(at, 65 + i, length)
      } else if (kind === 3) {
        disk.ftruncateSync(fd, at)
        reckoned.truncate(at)
      } else {
        if (kind === 4) disk.plant({ call: "fdatasync", code: "EIO" })
        code(() => disk.fdatasyncSync(fd))
        reckoned.sync(kind === 4)
      }
      for (let cut = 0; cut < 10; cut++) {
        const bytes = disk.crash({ kind: "power", choose }).readFileSync("/a")
        if (!reckoned.allow(bytes)) expect.fail(`seed ${seed}, call ${i}: ${textOf(bytes)}`)
        left++
      }
    }
  }
  expect(left).toBe(36_000)
})

describe("names", () => {
  it("are durable by a sync of their folder, and not by that of the file", () => {
    const disk = new SimulatedDisk()
    disk.fsyncSync(begunLater(disk))
    expect(cuts(disk, "/a")).toEqual(new Set([undefined, "one"]))
    syncFolder(disk, "/")
    expect(cuts(disk, "/a")).toEqual(new Set(["one"]))
  })

  it("are taken and given at once by a rename", () => {
    const disk = new SimulatedDisk()
    begun(disk, "old")
    const fd = disk.openSync("/b", "wx", 0o600)
    write(disk, fd, "new", 0)
    disk.fdatasyncSync(fd)
    syncFolder(disk, "/")
    disk.renameSync("/b", "/a")
    const left = new Set(
      Array.from({ length: 100 }, (_, seed) => {
        const after = disk.crash({ kind: "power", choose: chooseBy(seed) })
        return `${found(after, "/a")} ${found(after, "/b")}`
      })
    )
    expect(left).toEqual(new Set(["old new", "new undefined"]))
  })

  it("in two folders move together when one of them is synced", () => {
    const disk = new SimulatedDisk()
    for (const folder of ["/x", "/y"]) disk.mkdirSync(folder, 0o700)
    disk.closeSync(disk.openSync("/x/a", "wx", 0o600))
    for (const folder of ["/", "/x", "/y"]) syncFolder(disk, folder)
    disk.renameSync("/x/a", "/y/b")
    syncFolder(disk, "/y")
    expect(cuts(disk, "/y/b", 50)).toEqual(new Set([""]))
    expect(cuts(disk, "/x/a", 50)).toEqual(new Set([undefined]))
  })

  it("that were overtaken by a durable change don't come back", () => {
    const disk = new SimulatedDisk()
    for (const folder of ["/x", "/y"]) disk.mkdirSync(folder, 0o700)
    for (const folder of ["/", "/x", "/y"]) syncFolder(disk, folder)
    // The deletion of y/b isn't durable, but with the sync of x the rename over it is.
    for (const path of ["/y/b", "/x/a"]) disk.closeSync(disk.openSync(path, "wx", 0o600))
    disk.unlinkSync("/y/b")
    disk.renameSync("/x/a", "/y/b")
    syncFolder(disk, "/x")
    expect(cuts(disk, "/y/b", 50)).toEqual(new Set([""]))
  })

  it("that were deleted may come back until the folder is synced", () => {
    const disk = new SimulatedDisk()
    begun(disk, "one")
    disk.unlinkSync("/a")
    expect(found(disk, "/a")).toBe(undefined)
    expect(cuts(disk, "/a", 50)).toEqual(new Set([undefined, "one"]))
    syncFolder(disk, "/")
    expect(cuts(disk, "/a", 50)).toEqual(new Set([undefined]))
  })

  it("vanish with their folder", () => {
    const disk = new SimulatedDisk()
    disk.mkdirSync("/x", 0o700)
    disk.closeSync(disk.openSync("/x/a", "wx", 0o600))
    syncFolder(disk, "/x")
    expect(cuts(disk, "/x/a", 50)).toEqual(new Set([undefined, ""]))
    syncFolder(disk, "/")
    expect(cuts(disk, "/x/a", 50)).toEqual(new Set([""]))
  })

  it("and bytes can be looked at without a step", () => {
    const disk = new SimulatedDisk()
    disk.mkdirSync("/x", 0o700)
    disk.writeFileSync("/x/a", bytesOf("one"))
    disk.symlinkSync("/x/a", "/x/b")
    expect([...disk.files("/x")].map(([name, bytes]) => [name, textOf(bytes)])).toEqual([["a", "one"]])
    expect(disk.files("/y/z").size).toBe(0)
    expect(disk.trace).toHaveLength(1)
  })

  it("share a file when they are linked", () => {
    const disk = new SimulatedDisk()
    const fd = begun(disk, "one")
    disk.linkSync("/a", "/b")
    disk.unlinkSync("/a")
    write(disk, fd, "two", 3)
    expect(found(disk, "/b")).toBe("onetwo")
    expect(disk.readdirSync("/")).toEqual(["b"])
  })

  it("are refused as Node refuses them", () => {
    const disk = new SimulatedDisk()
    begun(disk)
    disk.mkdirSync("/x", 0o700)
    disk.closeSync(disk.openSync("/x/a", "wx"))
    expect(code(() => disk.openSync("/a", "wx"))).toBe("EEXIST")
    expect(code(() => disk.openSync("/b", "r"))).toBe("ENOENT")
    expect(code(() => disk.openSync("/a/b", "r"))).toBe("ENOTDIR")
    expect(code(() => disk.openSync("/x", "r+"))).toBe("EISDIR")
    expect(code(() => disk.mkdirSync("/x", 0o700))).toBe("EEXIST")
    expect(code(() => disk.rmdirSync("/x"))).toBe("ENOTEMPTY")
    expect(code(() => disk.linkSync("/a", "/x/a"))).toBe("EEXIST")
    expect(code(() => disk.linkSync("/x", "/y"))).toBe("EPERM")
    expect(code(() => disk.unlinkSync("/x"))).toBe("EISDIR")
    expect(code(() => disk.readdirSync("/a"))).toBe("ENOTDIR")
    expect(code(() => disk.lstatSync("/b"))).toBe("ENOENT")
    expect(code(() => disk.closeSync(99))).toBe("EBADF")
    expect(disk.lstatSync("/x/b", { throwIfNoEntry: false })).toBe(undefined)
    expect(code(() => disk.lstatSync("/a/b", { throwIfNoEntry: false }))).toBe("ENOTDIR")
  })
})

describe("links and permissions", () => {
  const linked = () => {
    const disk = new SimulatedDisk()
    disk.mkdirSync("/x", 0o700)
    disk.writeFileSync("/x/a", bytesOf("one"))
    disk.symlinkSync("x/a", "/file")
    disk.symlinkSync("/x", "/folder")
    disk.symlinkSync("loop", "/loop")
    return disk
  }
  const { O_CREAT, O_DSYNC, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR, O_SYNC } = fs.constants

  it("follows symbolic links where it isn't told not to", () => {
    const disk = linked()
    expect(found(disk, "/file")).toBe("one")
    expect(found(disk, "/folder/../folder/a")).toBe("one")
    expect(code(() => disk.openSync("/loop", "r"))).toBe("ELOOP")
    expect(code(() => disk.openSync("/file", O_RDONLY | O_NOFOLLOW))).toBe("ELOOP")
    expect(code(() => disk.openSync("/file", O_RDWR | O_CREAT | O_EXCL))).toBe("EEXIST")
    expect(code(() => disk.openSync("/folder/a", O_RDONLY | O_NOFOLLOW))).toBe("nothing")
    expect(disk.lstatSync("/file").isSymbolicLink()).toBe(true)
  })

  it("deletes and renames the link itself", () => {
    const disk = linked()
    disk.renameSync("/file", "/other")
    disk.unlinkSync("/other")
    expect(found(disk, "/x/a")).toBe("one")
  })

  it("offers no O_DSYNC and no O_SYNC", () => {
    const disk = linked()
    for (const flag of [O_DSYNC, O_SYNC])
      expect(code(() => disk.openSync("/x/a", O_RDWR | flag))).toBe("EINVAL")
  })

  it("takes the umask from what is new, and keeps what is set", () => {
    const disk = new SimulatedDisk({ umask: 0o277 })
    const fd = disk.openSync("/a", "wx", 0o640)
    disk.mkdirSync("/x", 0o770)
    expect(disk.lstatSync("/a").mode & 0o777).toBe(0o400)
    expect(disk.lstatSync("/x").mode & 0o777).toBe(0o500)
    disk.fchmodSync(fd, 0o640)
    disk.chmodSync("/x", 0o770)
    expect(disk.lstatSync("/a").mode & 0o777).toBe(0o640)
    expect(disk.lstatSync("/x").mode & 0o777).toBe(0o770)
    expect(disk.lstatSync("/x").isDirectory() && disk.lstatSync("/a").isFile()).toBe(true)
  })
})

describe("faults", () => {
  it.each<readonly [DiskFault, ReadonlyArray<string | undefined>]>([
    [{ call: "write", code: "ENOSPC" }, ["ENOSPC", "nothing", "nothing"]],
    [{ call: "write", at: 2, code: "EIO" }, ["nothing", "EIO", "nothing"]],
    [{ call: "write", at: 2, times: Infinity, code: "EIO" }, ["nothing", "EIO", "EIO"]],
    [{ call: "write", path: "b", code: "EIO" }, ["nothing", "nothing", "nothing"]]
  ])("%j", (fault, told) => {
    const disk = new SimulatedDisk()
    const fd = begun(disk)
    disk.plant(fault)
    expect([0, 1, 2].map((at) => code(() => write(disk, fd, "x", at)))).toEqual(told)
  })

  it("write short without an error", () => {
    const disk = new SimulatedDisk()
    const fd = begun(disk)
    disk.plant({ call: "write", bytes: 2 })
    expect(write(disk, fd, "four", 0)).toBe(2)
    expect(found(disk, "/a")).toBe("fo")
  })

  it("meet any call, and change nothing", () => {
    const disk = new SimulatedDisk()
    begun(disk, "one")
    disk.plant({ call: "open", code: "EMFILE" })
    disk.plant({ call: "rename", code: "EACCES" })
    expect(code(() => disk.openSync("/b", "wx"))).toBe("EMFILE")
    expect(code(() => disk.renameSync("/a", "/b"))).toBe("EACCES")
    expect(disk.readdirSync("/")).toEqual(["a"])
  })
})

describe("crashing", () => {
  const script = (disk: SimulatedDisk) => {
    const fd = begun(disk, "one")
    write(disk, fd, "two", 3)
    disk.renameSync("/a", "/b")
  }

  it("tells its steps", () => {
    const disk = new SimulatedDisk()
    script(disk)
    expect(disk.trace.map(({ call, path }) => `${call} ${path}`)).toEqual([
      "open /a",
      "write /a",
      "fdatasync /a",
      "fsync /",
      "write /a",
      "rename /a"
    ])
    expect(disk.trace[4]).toEqual({ step: 5, call: "write", path: "/a", offset: 3, length: 3 })
  })

  it("stops at a step, and answers nothing from then on", () => {
    for (let step = 1; step <= 6; step++) {
      const disk = new SimulatedDisk()
      disk.crashAt(step)
      expect(() => script(disk)).toThrow(Crashed)
      expect(disk.crashed).toBe(true)
      expect(disk.trace).toHaveLength(step - 1)
      for (const call of [() => disk.readdirSync("/"), () => disk.lstatSync("/a"), () => disk.closeSync(3)]) {
        expect(call).toThrow(Crashed)
      }
      expect(disk.crash({ kind: "kill" }).readdirSync("/")).toEqual(step === 1 ? [] : ["a"])
    }
  })

  it("in the midst of a write leaves a part of it", () => {
    const disk = new SimulatedDisk()
    disk.crashAt(5)
    expect(() => script(disk)).toThrow(Crashed)
    const left = Array.from({ length: 50 }, (_, seed) =>
      found(disk.crash({ kind: "kill", choose: chooseBy(seed) }), "/a")
    )
    expect(new Set(left)).toEqual(new Set(["one", "onet", "onetw", "onetwo"]))
    expect(cuts(disk, "/a")).toContain("onetwo")
  })

  it("can be looked at before each step, without an effect on what goes on", () => {
    const disk = new SimulatedDisk()
    const seen: Array<string | undefined> = []
    disk.onStep = () => seen.push(found(disk.crash({ kind: "kill" }), "/a"))
    script(disk)
    expect(seen).toEqual([undefined, "", "one", "one", "one", "onetwo"])
    expect(found(disk, "/b")).toBe("onetwo")
  })

  it("calls nobody back", async () => {
    const disk = new SimulatedDisk()
    const fd = begun(disk, "one")
    let called = false
    disk.fdatasync(fd, () => (called = true))
    disk.crashAt(1)
    expect(() => write(disk, fd, "x", 0)).toThrow(Crashed)
    await new Promise((end) => setImmediate(() => setImmediate(end)))
    expect(called).toBe(false)
  })

  it("follows from the seed", () => {
    const disk = new SimulatedDisk()
    write(disk, begun(disk), "x".repeat(9000), 0)
    const once = (seed: number) => found(disk.crash({ kind: "power", choose: chooseBy(seed) }), "/a")
    for (let seed = 0; seed < 50; seed++) expect(once(seed)).toBe(once(seed))
    expect(new Set(Array.from({ length: 50 }, (_, seed) => once(seed))).size).toBeGreaterThan(10)
  })

  it("chooses evenly enough, within bounds", () => {
    const choose: Choose = chooseBy(1)
    const counts = [0, 0, 0, 0, 0]
    for (let i = 0; i < 5000; i++) counts[choose(5)]!++
    for (const count of counts) expect(count).toBeGreaterThan(850)
  })
})

it("does what the real file system does, while nothing crashes", () => {
  const folder = fs.mkdtempSync(`${process.env["TMPDIR"] ?? "/tmp"}/varve-disk-`)
  try {
    for (let seed = 0; seed < 150; seed++) {
      const real = `${folder}/${seed}`
      fs.mkdirSync(real)
      const disk = new SimulatedDisk({ umask: process.umask() })
      disk.mkdirSync("/d", 0o777)
      expect(told(disk, "/d", seed), `seed ${seed}`).toEqual(told(fs, real, seed))
    }
  } finally {
    fs.rmSync(folder, { recursive: true })
  }
})

/** What a random run of calls answers, on one disk or another. */
const told = (
  disk: Pick<SimulatedDisk, keyof SimulatedDisk & keyof typeof fs>,
  folder: string,
  seed: number
): ReadonlyArray<unknown> => {
  const choose = chooseBy(seed)
  const path = () => `${folder}/${["a", "b", "c", "x", "x/a", "x/b"][choose(6)]}`
  const open: Array<number> = []
  const buffer = new Uint8Array(64)
  const calls: ReadonlyArray<() => unknown> = [
    () => open.push(disk.openSync(path(), ["r", "r+", "wx", "wx+", "w", "w+"][choose(6)]!, 0o640)),
    () =>
      disk.writeSync(open[choose(open.length)]!, buffer.fill(65 + choose(26)), 0, choose(64), choose(100)),
    () => {
      buffer.fill(0)
      const count = disk.readSync(open[choose(open.length)]!, buffer, 0, 64, choose(100))
      return textOf(buffer.subarray(0, count))
    },
    () => disk.ftruncateSync(open[choose(open.length)]!, choose(100)),
    () => {
      const stats = disk.fstatSync(open[choose(open.length)]!)
      return stats.isFile() ? stats.size : "folder"
    },
    () => disk.fchmodSync(open[choose(open.length)]!, 0o600),
    () => disk.closeSync(open.splice(choose(open.length), 1)[0]!),
    () => {
      const stats = disk.lstatSync(path(), { throwIfNoEntry: false })
      return stats === undefined
        ? undefined
        : [stats.isFile() ? stats.size : "folder", stats.mode, stats.isSymbolicLink()]
    },
    () => disk.readdirSync(folder).toSorted(),
    () => disk.mkdirSync(`${folder}/x`, 0o750),
    () => disk.rmdirSync(path()),
    () => disk.unlinkSync(path()),
    () => disk.linkSync(path(), path()),
    () => disk.renameSync(path(), path()),
    () => disk.fdatasyncSync(open[choose(open.length)]!)
  ]
  const answers: Array<unknown> = []
  for (let i = 0; i < 120; i++) {
    const call = calls[choose(calls.length)]!
    if (open.length === 0 && /open\[|open\.splice/.test(String(call))) continue
    try {
      const answer = call()
      answers.push(
        typeof answer === "number" && String(call).includes("openSync") ? "opened" : (answer ?? "")
      )
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      answers.push(code)
    }
  }
  for (const fd of open) disk.closeSync(fd)
  return answers
}
