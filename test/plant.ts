/** Loads sources anew for each cut and edits them on the way: `import("./x.ts?cut=3")` sees the third. */
import { readFileSync } from "node:fs"
import { registerHooks } from "node:module"
import { fileURLToPath } from "node:url"

/** The smallest edit that makes a mistake. */
export interface Edit {
  readonly name: string
  /** How the file's path ends. */
  readonly file: string
  /** Stands in the file once. Where it is empty, nothing is edited: a control. */
  readonly from: string
  readonly to: string
}

const ownNumber = /\?cut=(\d+)$/

/** `anew`: folders of which each cut has modules of its own: what is edited, and what imports it. */
export const plant = (cuts: ReadonlyArray<Edit>, anew: ReadonlyArray<string>): void => {
  const isAnew = (url: string): boolean =>
    !ownNumber.test(url) && anew.some((folder) => url.includes(`/packages/${folder}/`))
  registerHooks({
    // What a source with a number imports gets that number.
    resolve: (specifier, context, nextResolve) => {
      const resolved = nextResolve(specifier, context)
      const number = ownNumber.exec(context.parentURL ?? "")
      const { url } = resolved
      return number !== null && isAnew(url) ? { ...resolved, url: url + number[0] } : resolved
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
