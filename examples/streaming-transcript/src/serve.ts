/** `npm start`: the page on a port of this machine. `?events=30000&seconds=60` says how much. */
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { bundle, type Mode } from "./bundle.ts"

/** Serves the page and answers its address. */
export const serve = async (
  mode: Mode,
  port = 0
): Promise<{ readonly url: string; readonly server: Server }> => {
  const html = await bundle(mode)
  const server = createServer((_, response) => {
    response.setHeader("content-type", "text/html; charset=utf-8")
    response.end(html)
  })
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, server }
}

if (import.meta.main) console.log(`The page is at ${(await serve("production", 4173)).url}`)
