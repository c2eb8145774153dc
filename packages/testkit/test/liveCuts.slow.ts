/** The kit is tested too: each cut into follows, views and attention breaks the law that it names. */
import { liveCuts } from "./cuts/live.ts"
import { mustBeFound } from "./cuts/mustBeFound.ts"

mustBeFound("a cut into what is live is found", liveCuts)
