/** The tests of the repository over sources with mistakes compiled into them; the environment says which one is made. */
import { readFileSync } from "node:fs"
import { defineConfig, mergeConfig } from "vitest/config"
import own from "../../vitest.config.ts"

const sources = JSON.parse(readFileSync(process.env["VARVE_MUTATED"]!, "utf8")) as Record<string, string>

export default mergeConfig(
  own,
  defineConfig({
    plugins: [{ name: "mistakes", enforce: "pre", load: (id) => sources[id] }],
    // It knows modules by their files, which stay the same.
    test: { fsModuleCache: false }
  })
)
