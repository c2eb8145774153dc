/** Loads the sources anew for each cut and edits them on the way: `import("./x.ts?cut=3")` sees the third. */
import { readFileSync } from "node:fs"
import { registerHooks } from "node:module"
import { fileURLToPath } from "node:url"
import type { Cut } from "./Cut.ts"

const packages = new URL("../../../../packages/", import.meta.url).href
const ownNumber = /\?cut=(\d+)$/

/** `also`: a folder of tests whose modules are loaded anew as well, besides the packages' sources. */
export const plant = (cuts: ReadonlyArray<Cut>, also = "/src/"): void => {
  registerHooks({
    // What a source with a number imports of ours gets that number: each cut has modules of its own.
    resolve: (specifier, context, nextResolve) => {
      const resolved = nextResolve(specifier, context)
      const number = ownNumber.exec(context.parentURL ?? "")
      const { url } = resolved
      const ours = url.startsWith(packages) && (url.includes("/src/") || url.includes(also))
      return number !== null && ours && !ownNumber.test(url)
        ? { ...resolved, url: url + number[0] }
        : resolved
    },
    load: (url, context, nextLoad) => {
      const number = ownNumber.exec(url)
      if (number === null) return nextLoad(url, context)
      const path = fileURLToPath(url.slice(0, number.index))
      const { file, from, name, to } = cuts[Number(number[1])]!
      const source = readFileSync(path, "utf8")
      if (from === "" || !path.endsWith(file))
        return { format: "module-typescript", source, shortCircuit: true }
      if (source.split(from).length !== 2)
        throw new Error(`${name}: the text to cut doesn't stand in ${file} once`)
      return { format: "module-typescript", source: source.replace(from, () => to), shortCircuit: true }
    }
  })
}
