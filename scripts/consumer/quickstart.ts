// Type-checked and run against the packed packages, outside of this repository.
import * as sqlite from "@varve/adapter-sqlite"
import * as core from "@varve/core"

console.log(Object.keys(core).length, "names in core,", Object.keys(sqlite).length, "in adapter-sqlite")
