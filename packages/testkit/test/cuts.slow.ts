/** The kit is tested too: each cut into the source breaks the law that it names, and the kit says so. */
import { coreCuts } from "./cuts/core.ts"
import { mustBeFound } from "./cuts/mustBeFound.ts"
import { projectionCuts } from "./cuts/projections.ts"

mustBeFound("a cut into core is found", [...coreCuts, ...projectionCuts])
