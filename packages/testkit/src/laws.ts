/** Every law of the kit, in the order of CONTRACT.md: first those of the seam, then those of a whole log over the storage. */
import type { Law } from "./Law.ts"
import { admissionLaws } from "./laws/admission.ts"
import { appendLaws } from "./laws/append.ts"
import { crashLaws } from "./laws/crash.ts"
import { cursorLaws } from "./laws/cursors.ts"
import { dedupLaws } from "./laws/dedup.ts"
import { headLaws } from "./laws/heads.ts"
import { linearizableLaws } from "./laws/linearizable.ts"
import { liveLaws } from "./laws/live.ts"
import { modelLaws } from "./laws/model.ts"
import { nameLaws } from "./laws/names.ts"
import { orderingLaws } from "./laws/ordering.ts"
import { processLaws } from "./laws/processes.ts"
import { stateLaws } from "./laws/projections.ts"
import { queryLaws } from "./laws/query.ts"
import { readingLaws } from "./laws/reading.ts"
import { refusalLaws } from "./laws/refusals.ts"
import { removeLaws } from "./laws/remove.ts"
import { snapshotLaws } from "./laws/snapshots.ts"
import { supportLaws } from "./laws/supports.ts"
import { writerLaws } from "./laws/writers.ts"

export const allLaws: ReadonlyArray<Law> = [
  ...supportLaws,
  ...appendLaws,
  ...refusalLaws,
  ...admissionLaws,
  ...headLaws,
  ...dedupLaws,
  ...queryLaws,
  ...readingLaws,
  ...cursorLaws,
  ...snapshotLaws,
  ...removeLaws,
  ...nameLaws,
  ...modelLaws,
  ...linearizableLaws,
  ...writerLaws,
  ...processLaws,
  ...crashLaws,
  ...[...orderingLaws, ...stateLaws, ...liveLaws].map((law) => ({ ...law, withLog: true }))
]
