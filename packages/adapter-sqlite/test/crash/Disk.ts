/**
 * A disk that can lose its power: an ext4 image on a loop device, which is shut down without a word to the file system
 * above it. What was not synced is gone with the page cache; what waits to be written never is. Needs root.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** `EXT4_IOC_SHUTDOWN`, without a flush of the journal. Ready before it is told to, so that it comes without delay. */
const shutdown = `open(my $mount, "<", shift) or die; print "ready\\n"; <STDIN>;
  my $flags = pack("L", 2); ioctl($mount, 0x8004587d, $flags) or die $!; print "done\\n"`

/** Why no power can be cut here, or `undefined`. */
export const noPower = (): string | undefined => {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "it needs root on Linux"
  for (const [tool, of] of Object.entries({ "mkfs.ext4": "e2fsprogs", mount: "mount", perl: "perl" })) {
    if (spawnSync(tool, [tool === "mkfs.ext4" ? "-V" : "--version"]).error !== undefined) {
      return `${tool} is missing (install ${of})`
    }
  }
  try {
    const disk = new Disk()
    disk.dispose()
    return undefined
  } catch (error) {
    return `loop devices cannot be mounted (${String(error).split("\n")[0]})`
  }
}

export class Disk {
  readonly mount: string
  private readonly folder: string
  private mounted = false
  private readonly onExit = () => this.dispose()

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "varve-power-"))
    this.mount = join(this.folder, "mount")
    process.on("exit", this.onExit)
    try {
      mkdirSync(this.mount)
      writeFileSync(this.image, "")
      truncateSync(this.image, 64 * 2 ** 20)
      run("mkfs.ext4", "-q", "-F", this.image)
      this.attach()
    } catch (error) {
      this.dispose()
      throw error
    }
  }

  private get image(): string {
    return join(this.folder, "image")
  }

  /** Gets ready to cut; resolves to what does it. */
  async arm(): Promise<() => Promise<void>> {
    const child = spawn("perl", ["-e", `$| = 1; ${shutdown}`, this.mount], {
      stdio: ["pipe", "pipe", "inherit"]
    })
    await heard(child, "ready")
    return async () => {
      const closed = new Promise((resolve) => child.once("close", resolve))
      child.stdin.end("\n")
      await closed
      if (child.exitCode !== 0) throw new Error("The disk could not be shut down")
    }
  }

  /** Brings the power back. All processes on it must have ended. */
  restart(): void {
    this.detach()
    this.attach()
  }

  private attach(): void {
    run("mount", "-o", "loop", this.image, this.mount)
    this.mounted = true
  }

  private detach(): void {
    if (this.mounted) run("umount", this.mount)
    this.mounted = false
  }

  /** Takes it away, whatever state it is in. */
  dispose(): void {
    process.off("exit", this.onExit)
    if (this.mounted) spawnSync("umount", ["-l", this.mount])
    this.mounted = false
    rmSync(this.folder, { recursive: true, force: true })
  }
}

const run = (command: string, ...args: ReadonlyArray<string>): void => {
  const { error, status, stderr } = spawnSync(command, args, { encoding: "utf8" })
  if (error !== undefined || status !== 0) throw error ?? new Error(`${command}: ${stderr.trim()}`)
}

const heard = (child: ChildProcess, word: string): Promise<void> =>
  new Promise((resolve, reject) => {
    child.once("error", reject)
    child.once("close", (code) => reject(new Error(`The shutdown ended with ${code}`)))
    child.stdout!.once("data", (data) =>
      String(data).startsWith(word) ? resolve() : reject(new Error(`The shutdown said ${data}`))
    )
  })
