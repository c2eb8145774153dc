/**
 * Whether the owner of a claim lives, asked of its Unix socket: the kernel lets go of it with the process, however that
 * ends, and answers for a process that is merely stopped. No clock, no guess by process id (law M1).
 */
import * as fs from "node:fs"
import * as net from "node:net"
import * as path from "node:path"

/** A port, so that tests can have owners live and die within one process. */
export interface Presence {
  /** Lives under a name in a folder until it is left. */
  readonly enter: (folder: string, name: string) => Promise<{ readonly leave: () => void }>
  readonly isThere: (folder: string, name: string) => Promise<boolean>
}

export const sockets: Presence = {
  enter: async (folder, name) => {
    const place = reach(folder, name)
    // Whoever knocks has heard enough.
    const server = net.createServer((socket) => socket.on("error", () => undefined).destroy())
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject)
      server.listen(place.path, resolve)
    })
    server.unref()
    return {
      leave: () => {
        server.close(() => place.close())
      }
    }
  },

  isThere: async (folder, name) => {
    const place = reach(folder, name)
    try {
      return await new Promise<boolean>((resolve) => {
        const socket = net.connect(place.path)
        socket.once("connect", () => {
          socket.destroy()
          resolve(true)
        })
        // Whatever else is wrong, somebody may be there.
        socket.once("error", ({ code }: NodeJS.ErrnoException) =>
          resolve(code !== "ECONNREFUSED" && code !== "ENOENT")
        )
      })
    } finally {
      place.close()
    }
  }
}

/** The longest path that every system takes for a socket, in bytes. */
const longest = 100

/** A path to a socket in a folder that is short enough, however long the folder's own. */
const reach = (folder: string, name: string): { readonly path: string; readonly close: () => void } => {
  const absolute = path.resolve(folder, name)
  for (const found of [absolute, path.relative(process.cwd(), absolute)]) {
    if (Buffer.byteLength(found) <= longest) return { path: found, close: () => undefined }
  }
  if (process.platform !== "linux") throw new Error("the path of the folder is too long for a socket")
  const fd = fs.openSync(folder, "r")
  return { path: `/proc/self/fd/${fd}/${name}`, close: () => fs.closeSync(fd) }
}
