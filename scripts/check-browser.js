// Bundles core for a browser, says how large it is, and fails when anything in it needs Node.
import { isBuiltin } from "node:module"
import { fileURLToPath } from "node:url"
import { stripVTControlCharacters } from "node:util"
import { gzipSync } from "node:zlib"
import { rolldown } from "rolldown"

const entry = fileURLToPath(new URL("../packages/core/src/index.ts", import.meta.url))

/** @type {Set<string>} */
const refused = new Set()

/** Bytes of core, minified: with all that it needs of effect, or alone. @param {boolean} withEffect */
const size = async (withEffect) => {
  const bundle = await rolldown({
    input: entry,
    platform: "browser",
    external: withEffect ? [] : [/^effect($|\/)/],
    resolve: { conditionNames: ["@varve/source", "browser", "import", "module", "default"] },
    onLog: (level, log) => {
      if (level === "warn") refused.add(stripVTControlCharacters(log.message))
    },
    plugins: [
      {
        name: "no-node",
        resolveId: (id, importer) => {
          if (!isBuiltin(id)) return null
          refused.add(`${id}, imported by ${importer}`)
          return { id, external: true }
        }
      }
    ]
  })
  const { output } = await bundle.generate({ format: "esm", minify: true, codeSplitting: false })
  await bundle.close()
  const code = output.map((chunk) => (chunk.type === "chunk" ? chunk.code : "")).join("")
  return `${kilobytes(Buffer.byteLength(code))} minified, ${kilobytes(gzipSync(code).length)} gzipped`
}

const kilobytes = (/** @type {number} */ bytes) => `${(bytes / 1000).toFixed(1)} kB`

const whole = await size(true)
const alone = await size(false)
if (refused.size > 0) {
  for (const reason of refused) console.error(`not for a browser: ${reason}`)
  process.exit(1)
}
console.log(`core with all it needs of effect: ${whole}\ncore alone: ${alone}`)
