/** The daemon: one log of all sessions, handed to whoever connects. */
import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { SqliteStorage } from "@varve/adapter-sqlite"
import { Channel, type PromiseLog, Remote, Varve } from "@varve/core"
import { WebSocketServer } from "ws"
import { Pending, Session, Transcript } from "./Session.ts"

export type SessionLog = PromiseLog<typeof Session>

export const openSessions = (filename: string): Promise<SessionLog> =>
  Varve.open({ events: Session, storage: SqliteStorage.layer({ filename }) })

/** Serves over WebSockets, on any free port of this machine by default; answers which. `source` is asked once a client. */
export const serve = async (source: () => Remote.Served<typeof Session>, port = 0): Promise<number> => {
  const server = new WebSocketServer({ port, host: "127.0.0.1", maxPayload: 2 ** 22 })
  server.on("connection", (socket) => {
    Remote.serve(Session, source(), Channel.fromWebSocket(socket), { projections: [Transcript, Pending] })
  })
  await once(server, "listening")
  return (server.address() as AddressInfo).port
}
