/**
 * Every law of the kit; docs/laws.md has their promises in order, and those that one storage alone can be held to.
 * First those of the seam, then those of a whole log over the storage.
 */
import type { Law } from "./Law.ts"
import { admissionLaws } from "./laws/admission.ts"
import { appendLaws } from "./laws/append.ts"
import { copyLaws } from "./laws/copies.ts"
import { crashLaws } from "./laws/crash.ts"
import { cursorLaws } from "./laws/cursors.ts"
import { decisionLaws } from "./laws/decisions.ts"
import { dedupLaws } from "./laws/dedup.ts"
import { distrustLaws } from "./laws/distrust.ts"
import { disturbanceLaws } from "./laws/disturbances.ts"
import { exactlyOnceLaws } from "./laws/exactlyOnce.ts"
import { followLaws } from "./laws/follows.ts"
import { growthLaws } from "./laws/growth.ts"
import { headLaws } from "./laws/heads.ts"
import { linearizableLaws } from "./laws/linearizable.ts"
import { modelLaws } from "./laws/model.ts"
import { nameLaws } from "./laws/names.ts"
import { orderingLaws } from "./laws/ordering.ts"
import { processLaws } from "./laws/processes.ts"
import { queryLaws } from "./laws/query.ts"
import { readingLaws } from "./laws/reading.ts"
import { refusalLaws } from "./laws/refusals.ts"
import { removeLaws } from "./laws/remove.ts"
import { sealedStateLaws } from "./laws/sealedStates.ts"
import { snapshotLaws } from "./laws/snapshots.ts"
import { stateLaws } from "./laws/states.ts"
import { supportLaws } from "./laws/supports.ts"
import { underWayLaws } from "./laws/underWay.ts"
import { viewLaws } from "./laws/views.ts"
import { writerLaws } from "./laws/writers.ts"

/** All laws that `conformance` and `checkLaws` try. */
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
  ...underWayLaws,
  ...crashLaws,
  ...[
    ...orderingLaws,
    ...stateLaws,
    ...distrustLaws,
    ...sealedStateLaws,
    ...growthLaws,
    ...decisionLaws,
    ...copyLaws,
    ...exactlyOnceLaws,
    ...followLaws,
    ...disturbanceLaws,
    ...viewLaws
  ].map((law) => ({ ...law, withLog: true }))
]
