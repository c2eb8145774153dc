/** How a file is opened, as `open(2)` has it. */
import { constants } from "node:fs"

export const { O_CREAT, O_DIRECTORY, O_DSYNC, O_EXCL, O_NOFOLLOW, O_RDWR, O_SYNC, O_TRUNC, O_WRONLY } =
  constants

/** What Node's letters stand for. */
export const flagsOf: Readonly<Record<string, number>> = {
  r: constants.O_RDONLY,
  "r+": O_RDWR,
  w: O_WRONLY | O_CREAT | O_TRUNC,
  "w+": O_RDWR | O_CREAT | O_TRUNC,
  wx: O_WRONLY | O_CREAT | O_EXCL,
  "wx+": O_RDWR | O_CREAT | O_EXCL
}
