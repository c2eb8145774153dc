/** A store on a disk that loses what it may when the power is cut, for the laws of the kit. */
import { chooseBy, type Crashing, SimulatedDisk } from "@varve/testkit"
import { Layer } from "effect"
import { open } from "../../src/open.ts"
import { alone } from "./opening.ts"

// No timer is to write in the midst of a run.
const options = { directory: "/store", idleTimeout: 2 ** 30, onNotice: () => undefined }
let cuts = 0

export const powerCut = (): Crashing => {
  let disk = new SimulatedDisk()
  return {
    storage: Layer.suspend(() => open(options, { disk, presence: alone() })),
    crash: () => void (disk = disk.crash({ kind: "power", choose: chooseBy(++cuts) })),
    powerCut: true
  }
}
