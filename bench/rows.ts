/** All rows, in the order of the table. */
import type { Row } from "./measure.ts"
import { appendingRows } from "./rows/appending.ts"
import { hotspotsRows } from "./rows/hotspots.ts"
import { liveRows } from "./rows/live.ts"
import { liveSetRows } from "./rows/liveSet.ts"
import { peerRows } from "./rows/peers.ts"
import { readingRows } from "./rows/reading.ts"
import { recordRows } from "./rows/record.ts"
import { storeRows } from "./rows/stores.ts"
import { turnRows } from "./rows/turns.ts"

export const rows: ReadonlyArray<Row> = [
  ...appendingRows,
  ...turnRows,
  ...recordRows,
  ...readingRows,
  ...peerRows,
  ...hotspotsRows,
  ...liveRows,
  ...liveSetRows,
  ...storeRows
]
