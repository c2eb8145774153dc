import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { bundle, type Mode } from "./bundle.ts"

/** Serves the page on a port of this machine, a free one by default. `?events=30000&seconds=60` says how much it shows. */
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
