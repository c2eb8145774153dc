/** What the rows ask of another library's store: the same of each, by its own public functions. */
import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { Unavailable } from "../measure.ts"

/** An event as it is given to a peer, which makes its own id and time. */
export interface PeerEvent {
  readonly type: string
  readonly data: { readonly messageId: string; readonly text: string }
}

export interface Peer {
  readonly append: (stream: string, events: ReadonlyArray<PeerEvent>) => Promise<unknown>
  /** Reads a stream, its data parsed; answers how many events and how many characters of text they hold. */
  readonly read: (stream: string) => Promise<Counted>
  readonly close: () => Promise<unknown>
}

export interface Counted {
  events: number
  characters: number
}

/** Opens the peer's store at a path of a folder that exists. */
export type OpenPeer = (path: string) => Promise<Peer>

const folder = fileURLToPath(new URL(".", import.meta.url))

/**
 * A peer's module. Peers have a package of their own, outside of the workspace, installed when first asked for: who
 * doesn't measure them neither downloads nor compiles them. Hence also the types by hand.
 */
export const peerModule = async <A>(name: string): Promise<A> => {
  try {
    if (!existsSync(`${folder}node_modules`)) {
      console.error("installing the peers (once; sqlite3 is compiled where it has no binary: some minutes)")
      execFileSync("npm", ["install", "--no-package-lock", "--no-audit", "--no-fund"], {
        cwd: folder,
        stdio: ["ignore", 2, 2]
      })
    }
    // Act wants a package.json with a version where it is started, and logs all it does unless told.
    process.env["LOG_LEVEL"] ??= "error"
    const start = process.cwd()
    process.chdir(folder)
    try {
      return (await import(name)) as A
    } finally {
      process.chdir(start)
    }
  } catch (error) {
    throw new Unavailable(`${name} cannot be used here: ${String(error)}`)
  }
}
