/** The page as one text of HTML. */
import { fileURLToPath } from "node:url"
import { rolldown } from "rolldown"

/** `development` is what StrictMode needs to mount everything twice; `production` is what users get. */
export type Mode = "development" | "production"

/** From source where this program itself runs from source. */
const conditions = process.execArgv.join(" ").match(/@varve\/source/) ?? []

export const bundle = async (mode: Mode): Promise<string> => {
  const built = await rolldown({
    input: fileURLToPath(new URL("page.tsx", import.meta.url)),
    platform: "browser",
    resolve: { conditionNames: [...conditions, "browser", "import", "module", mode, "default"] },
    transform: {
      define: { "process.env.NODE_ENV": JSON.stringify(mode) },
      jsx: { runtime: "automatic", development: mode === "development" }
    }
  })
  const { output } = await built.generate({
    format: "esm",
    minify: mode === "production",
    codeSplitting: false
  })
  await built.close()
  const code = output.map((chunk) => (chunk.type === "chunk" ? chunk.code : "")).join("")
  return `<!doctype html>
<meta charset="utf-8">
<title>A transcript that streams</title>
<style>
  body { margin: 0; font: 14px/1.4 system-ui; }
  main { max-width: 60rem; margin: auto; }
  section { content-visibility: auto; contain-intrinsic-size: auto 4000px; }
  article { padding: .5rem 1rem; white-space: pre-wrap; overflow-wrap: anywhere; }
  .tool { font: 12px/1.4 monospace; background: #f4f4f4; max-height: 8rem; overflow: hidden; }
</style>
<div id="root"></div>
<script type="module">${code.replaceAll("</script", "<\\/script")}</script>
`
}
