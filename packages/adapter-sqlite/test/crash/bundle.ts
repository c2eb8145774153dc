/** A program as one file: loading effect and Varve from their sources takes several times as long as a life lasts. */
import { mkdirSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { rolldown } from "rolldown"

/** Bundles the worker; answers its path. `Workers` removes it. */
export const bundleWorker = (): Promise<string> =>
  bundleProgram(fileURLToPath(new URL("worker.ts", import.meta.url)))

/** Bundles a program; answers its path, for the caller to remove. Within `node_modules`, so that it finds better-sqlite3. */
export const bundleProgram = async (input: string): Promise<string> => {
  const folder = fileURLToPath(new URL("../../../../node_modules/.cache/varve-crash", import.meta.url))
  const file = `${folder}/program-${process.pid}-${Date.now()}.mjs`
  mkdirSync(folder, { recursive: true })
  const bundle = await rolldown({
    input,
    platform: "node",
    external: ["better-sqlite3"],
    resolve: { conditionNames: ["@varve/source", "import", "node", "default"] }
  })
  await bundle.write({ file, format: "esm", codeSplitting: false })
  await bundle.close()
  return file
}
