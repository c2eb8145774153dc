/** The worker as one file: loading effect and Varve from their sources takes several times as long as a life lasts. */
import { mkdirSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { rolldown } from "rolldown"

/** Bundles the worker; answers its path. Within `node_modules`, so that it finds better-sqlite3. `Workers` removes it. */
export const bundleWorker = async (): Promise<string> => {
  const folder = fileURLToPath(new URL("../../../../node_modules/.cache/varve-crash", import.meta.url))
  const file = `${folder}/worker-${process.pid}-${Date.now()}.mjs`
  mkdirSync(folder, { recursive: true })
  const bundle = await rolldown({
    input: fileURLToPath(new URL("worker.ts", import.meta.url)),
    platform: "node",
    external: ["better-sqlite3"],
    resolve: { conditionNames: ["@varve/source", "import", "node", "default"] }
  })
  await bundle.write({ file, format: "esm", codeSplitting: false })
  await bundle.close()
  return file
}
