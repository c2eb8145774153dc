/** Puts a session on the screen and keeps it up to date. */
import type { PromiseLog } from "@varve/core"
import { StrictMode } from "react"
import { createRoot } from "react-dom/client"
import type { Session } from "./Session.ts"
import { type ShownRow, TranscriptPage } from "./TranscriptPage.tsx"
import { Transcript } from "./Transcript.ts"

/** Answers the view, live until its last subscriber goes. Rows look as `RowView` draws them, plain by default. */
export const show = (log: PromiseLog<typeof Session>, stream: string, root: Element, RowView?: ShownRow) => {
  const view = log.view(stream, Transcript)
  createRoot(root).render(
    <StrictMode>
      <TranscriptPage view={view} RowView={RowView} />
    </StrictMode>
  )
  return view
}
