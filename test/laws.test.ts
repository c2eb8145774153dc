/** docs/laws.md is whole: it has every law that source and kit speak of, and what it says to prove a law speaks of it. */
import { allLaws } from "@varve/testkit"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { root, textOf } from "./Document.ts"

const folders: Record<string, string> = {
  laws: "packages/testkit/src/laws",
  file: "packages/adapter-file/test",
  sqlite: "packages/adapter-sqlite/test",
  core: "packages/core/test",
  testkit: "packages/testkit/test",
  "many-sessions": "examples/many-sessions/test"
}

const text = textOf("docs/laws.md").replace(/\n +/g, " ")
const laws = new Map(
  Array.from(text.matchAll(/^- \*\*([A-Z]\d+) [\w-]+\*\*\. .* \((`[^()]+`)\)$/gm), (row) => [
    row[1]!,
    row[2]!.split(", ").map((proof) => proof.slice(1, -1))
  ])
)

test("every law of the kit, and every one that a comment names, is there", () => {
  const sources = readdirSync(join(root, "packages"), { recursive: true, encoding: "utf8" })
    .filter((name) => /^[\w-]+\/(src|test)\/.*\.ts$/.test(name))
    .map((name) => `packages/${name}`)
  const named = sources.flatMap((file) =>
    Array.from(textOf(file).matchAll(/\blaws? ((?:[A-Z]\d+(?:, | and | to )?)+)/g), (match) =>
      match[1]!.match(/[A-Z]\d+/g)!
    ).flat()
  )
  const kept = allLaws.flatMap(({ name }) => /^[A-Z]\d+/.exec(name) ?? [])
  expect(laws.size).toBeGreaterThan(50)
  expect([...new Set([...named, ...kept])].filter((law) => !laws.has(law))).toEqual([])
})

test("what proves a law is there and speaks of it", () => {
  const silent = [...laws].flatMap(([law, proofs]) =>
    proofs.filter((proof) => {
      const [folder = "", ...path] = proof.split("/")
      const file = `${folders[folder]}/${path.join("/")}`
      const found = [`${file}.ts`, `${file}.test.ts`].map((name) => {
        try {
          return textOf(name)
        } catch {
          return ""
        }
      })
      return !new RegExp(`\\b${law}\\b`).test(found.join(""))
    })
  )
  expect(silent).toEqual([])
})
