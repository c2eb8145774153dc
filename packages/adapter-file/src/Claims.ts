/**
 * Who writes which stream: at most one owner at any instant (law M1). An owner is one opened store; it has a card, a
 * small file that says who it is, and claims a stream by linking the card under the stream's name, which only one can.
 *
 * The claim of an owner that died is taken over in three steps, so that of any number of takers one wins:
 *
 * 1. Link the own card as the successor of the dead owner, `claim.after-<dead>`, which only one can. A successor that
 *    died on the way has a successor in turn.
 * 2. See that the claim is still the dead owner's. It cannot change from here on: only its successor may.
 * 3. Rename the successor's link over the claim.
 */
import { randomBytes } from "node:crypto"
import type { Disk } from "./Disk.ts"
import { codeOf, makeFolder, namesIn, readFile, removeFile, writeFile } from "./files.ts"
import type { Presence } from "./Presence.ts"
import { type Steps, wait } from "./Steps.ts"

/** What a card says. */
interface Owner {
  readonly id: string
  /** For people. */
  readonly name: string
}

export class Claims {
  private readonly disk: Disk
  private readonly presence: Presence
  private readonly folder: string
  private readonly me: Owner
  private readonly card: string
  private readonly leave: () => void
  private readonly held = new Set<string>()

  private constructor(
    { disk, presence }: { readonly disk: Disk; readonly presence: Presence },
    folder: string,
    me: Owner,
    leave: () => void
  ) {
    this.disk = disk
    this.presence = presence
    this.folder = folder
    this.me = me
    this.card = cardOf(folder, me.id)
    this.leave = leave
  }

  /** Makes an owner that lives until it is closed. */
  static async open(
    ports: { readonly disk: Disk; readonly presence: Presence },
    folder: string
  ): Promise<Claims> {
    makeFolder(ports.disk, folder, "derived")
    const id = randomBytes(12).toString("hex")
    const me = { id, name: `process ${process.pid} (${id})` }
    const { leave } = await ports.presence.enter(folder, socketOf(id))
    try {
      writeFile(ports.disk, cardOf(folder, id), Buffer.from(`${JSON.stringify(me)}\n`))
    } catch (error) {
      leave()
      throw error
    }
    return new Claims(ports, folder, me, leave)
  }

  holds(name: string): boolean {
    return this.held.has(name)
  }

  /** Claims a stream, by its file name; answers who has it otherwise. */
  *take(name: string): Steps<string | undefined> {
    if (this.held.has(name)) return undefined
    const claim = `${this.folder}/${name}.claim`
    for (;;) {
      if (this.link(claim)) break
      const owner = this.ownerOf(claim)
      if (owner === undefined) continue
      if (owner.id === this.me.id) break
      if (yield* this.lives(owner)) return owner.name
      const taken = yield* this.takeOver(claim, owner)
      if (taken === "mine") break
      if (taken !== "again") return taken.name
    }
    this.held.add(name)
    return undefined
  }

  /** Gives a claim back. One that cannot be removed ends with this owner, and is this owner's until then. */
  drop(name: string): void {
    if (!this.held.delete(name)) return
    try {
      removeFile(this.disk, `${this.folder}/${name}.claim`)
    } catch {
      // Nobody is waiting for this to be told.
    }
  }

  /** Removes the cards and sockets of owners that died. Their claims are links, and stay for whoever takes them over. */
  async sweep(): Promise<void> {
    for (const name of namesIn(this.disk, this.folder)) {
      const id = /^([0-9a-f]{24})\.card$/.exec(name)?.[1]
      // An owner lives before it has a card.
      if (id === undefined || (await this.presence.isThere(this.folder, socketOf(id)))) continue
      removeFile(this.disk, cardOf(this.folder, id))
      removeFile(this.disk, `${this.folder}/${socketOf(id)}`)
    }
  }

  /** Ends this owner, whose claims have been dropped. */
  close(): void {
    removeFile(this.disk, this.card)
    this.leave()
  }

  private *takeOver(claim: string, dead: Owner): Steps<"mine" | "again" | Owner> {
    const line = [{ path: claim, owner: dead }]
    for (;;) {
      const { id } = line.at(-1)!.owner
      // Nobody may be followed by nobody: of those each has a place of its own.
      const path = `${claim}.after-${id === nobody.id ? `${id}-${line.length}` : id}`
      if (this.link(path)) {
        const isStill = line.every((place) => this.ownerOf(place.path)?.id === place.owner.id)
        if (!isStill) {
          removeFile(this.disk, path)
          return "again"
        }
        this.disk.renameSync(path, claim)
        for (const place of line.slice(1)) removeFile(this.disk, place.path)
        return "mine"
      }
      const owner = this.ownerOf(path)
      if (owner === undefined) return "again"
      if (yield* this.lives(owner)) return owner
      line.push({ path, owner })
    }
  }

  /** Puts the own card under a name; false where there is one already. */
  private link(path: string): boolean {
    try {
      this.disk.linkSync(this.card, path)
      return true
    } catch (error) {
      if (codeOf(error) === "EEXIST") return false
      throw error
    }
  }

  private ownerOf(path: string): Owner | undefined {
    return ownerOf(this.disk, path)
  }

  private *lives({ id }: Owner): Steps<boolean> {
    return yield* wait({
      // An exit handler cannot ask; who doesn't know doesn't take.
      now: () => true,
      later: () => this.presence.isThere(this.folder, socketOf(id))
    })
  }
}

/**
 * Whose card it is; undefined when there is none. One that doesn't read was left by a power cut, since a card is
 * whole before it is linked anywhere: its owner is dead.
 */
const ownerOf = (disk: Disk, path: string): Owner | undefined => {
  const card = readFile(disk, path)
  if (card === undefined) return undefined
  try {
    const { id, name } = JSON.parse(card.toString()) as Owner
    if (/^[0-9a-f]{24}$/.test(id) && typeof name === "string") return { id, name }
  } catch {
    // Falls through to nobody.
  }
  return nobody
}

/** The owner that lives by a card or claim; undefined for none. */
export const livingOwner = async (
  { disk, presence }: { readonly disk: Disk; readonly presence: Presence },
  folder: string,
  name: string
): Promise<string | undefined> => {
  const owner = ownerOf(disk, `${folder}/${name}`)
  return owner !== undefined && (await presence.isThere(folder, socketOf(owner.id))) ? owner.name : undefined
}

const nobody: Owner = { id: "nobody", name: "nobody" }
const cardOf = (folder: string, id: string): string => `${folder}/${id}.card`
const socketOf = (id: string): string => `${id}.socket`
