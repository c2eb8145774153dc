/**
 * Opens the page in a real browser while it streams, and looks at what came of it: what the screen must show in the end
 * is worked out from the load alone. Where there is no browser it says so and is skipped.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { chromium } from "playwright-core"
import type { Mode } from "./bundle.ts"
import { expected } from "./expected.ts"
import type { Seen } from "./page.tsx"
import { serve } from "./serve.ts"
import { eventsPerFlush, flushesPerSecond } from "./stream.ts"

const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium"
const events = 30_000

const check = async (mode: Mode, seconds: number): Promise<ReadonlyArray<string>> => {
  const { url, server } = await serve(mode)
  const profile = mkdtempSync(join(tmpdir(), "varve-chromium-"))
  const args = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync"
  ]
  const browser = await chromium.launchPersistentContext(profile, { executablePath, args })
  const problems: Array<string> = []
  try {
    const page = await browser.newPage()
    page.on("pageerror", (error) => problems.push(`The page failed: ${error.message}`))
    page.on("console", (message) => {
      if (message.type() === "error") problems.push(`The page complains: ${message.text()}`)
    })
    await page.goto(`${url}?events=${events}&seconds=${seconds}`)
    const seenIn = "globalThis.seen"
    await page.waitForFunction(`${seenIn}?.state === "done"`, undefined, {
      timeout: 120_000 + seconds * 3000
    })
    const seen = await page.evaluate<Seen>(seenIn)
    const shown = await page.evaluate<ReadonlyArray<readonly [string, string]>>(
      `[...document.querySelectorAll("article")].map((row) => [row.id, row.textContent])`
    )
    const must = (holds: boolean, problem: string): void => {
      if (!holds) problems.push(problem)
    }
    const streamed = seconds * flushesPerSecond * eventsPerFlush
    must(seen.streamed === streamed, `${seen.streamed} of ${streamed} events were streamed`)
    const { changes, rows } = expected(events + streamed, events)
    const wanted = [...rows]
    must(shown.length === wanted.length, `${shown.length} rows are shown, not ${wanted.length}`)
    const wrong = wanted.findIndex(([id, text], i) => shown[i]?.[0] !== id || shown[i]?.[1] !== text)
    must(wrong < 0, `Row ${wrong} is not the row that was streamed, or its text is not complete and in order`)

    const took = (seen.told.at(-1)! - seen.told[0]!) / 1000
    const perSecond = seen.told.length / took
    must(perSecond <= 61, `${perSecond.toFixed(1)} notifications a second`)
    let commits = 0
    let allowed = 0
    for (const [id, count] of Object.entries(seen.commits)) {
      // A row that is new is mounted, in StrictMode of a development build twice.
      const isNew = [...rows.keys()].indexOf(id) >= shownBefore
      const most = (changes.get(id) ?? 0) + (isNew && mode === "development" ? 1 : 0)
      commits += count
      allowed += most
      must(count <= most, `Row ${id} was rendered ${count} times and changed ${most} times`)
    }
    console.log(
      `${mode}: ${shown.length} rows of ${events + streamed} events, ${seconds} s streamed in ${took.toFixed(1)} s, ${perSecond.toFixed(1)} notifications a second, ` +
        `${commits} rows rendered for ${allowed} changes, longest task ` +
        (seen.longestTask === 0 ? "under 50 ms" : `${seen.longestTask.toFixed(0)} ms`) +
        `, longest flush recorded in ${seen.longestRecord.toFixed(2)} ms`
    )
    return problems
  } finally {
    await browser.close()
    server.close()
    rmSync(profile, { recursive: true, force: true })
  }
}

/** Rows that are there before it streams. */
const shownBefore = expected(events, events).rows.size

if (!existsSync(executablePath)) {
  console.log(`skipped: there is no browser at ${executablePath}`)
} else {
  const seconds = Number(process.argv[2] ?? 10)
  const problems = [...(await check("development", seconds)), ...(await check("production", seconds))]
  for (const problem of problems.slice(0, 20)) console.error(problem)
  if (problems.length > 0) process.exitCode = 1
}
