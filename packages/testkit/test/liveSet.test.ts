/** The laws of a live set, by schedules: every order of opens, answers, failures and breaks that chance comes to. */
import { test } from "vitest"
import { trySchedules } from "./liveSet/schedules.ts"

/** Many more than in a usual run: `SCHEDULES=100000`. */
const runs = Number(process.env.SCHEDULES ?? 2000)

test(
  `C9 cap, C10 reopen, C11 attention: ${runs} schedules`,
  () => trySchedules(runs),
  Math.max(30_000, runs * 20)
)
