/** A live source on the other side of a channel: `serve` where the log is, `connect` where it isn't. */
export { connect, type ConnectOptions, type RemoteSource } from "./RemoteClient.ts"
export { RemoteRefused } from "./RemoteMessage.ts"
export { serve, type Served, type ServeOptions } from "./RemoteServer.ts"
