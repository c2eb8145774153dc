/** ARCHITECTURE.md tells the truth: its arrows are the imports, its table has every file of core. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { blocksOf, root, textOf } from "./Document.ts"

type Graph = ReadonlyMap<string, ReadonlySet<string>>

const text = textOf("ARCHITECTURE.md")

/** The files of each group of core, by the table. */
const files = new Map(
  Array.from(text.matchAll(/^\| `([\w-]+)` +\|[^|]+\|([^|]+)\|$/gm), (row) => [
    row[1]!,
    row[2]!.match(/\w+/g)!
  ])
)
const groupOf = new Map([...files].flatMap(([group, names]) => names.map((name) => [name, group])))

/** `a & b --> c & d` lines of the picture. */
const drawn: Graph = (() => {
  const arrows = new Map<string, Set<string>>()
  for (const [, from, to] of blocksOf(text, "mermaid")[0]!.matchAll(/^ +(.+) --> (.+)$/gm))
    for (const one of from!.split(" & "))
      arrows.set(one, new Set([...(arrows.get(one) ?? []), ...to!.split(" & ")]))
  return arrows
})()

const sourcesUnder = (folder: string): ReadonlyArray<string> =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name) && !/(^|\/)(node_modules|dist|test)\//.test(name))
    .map((name) => join(root, folder, name))

const importsOf = (file: string): ReadonlyArray<string> =>
  Array.from(readFileSync(file, "utf8").matchAll(/\bfrom "([^"]+)"/g), (match) => match[1]!)

/** What is imported, by the names of the picture. */
const imported: Graph = (() => {
  const graph = new Map<string, Set<string>>()
  const add = (from: string, to: string | undefined): void => {
    if (to === undefined || from === to) return
    graph.set(from, (graph.get(from) ?? new Set()).add(to))
  }
  for (const [name, group] of groupOf)
    for (const path of importsOf(join(root, `packages/core/src/${name}.ts`)))
      add(group, groupOf.get(/^\.\/(\w+)\.ts$/.exec(path)?.[1] ?? ""))
  const folders = {
    "adapter-file": "packages/adapter-file/src",
    "adapter-sqlite": "packages/adapter-sqlite/src",
    testkit: "packages/testkit/src",
    examples: "examples",
    bench: "bench"
  }
  for (const [from, folder] of Object.entries(folders))
    for (const file of sourcesUnder(folder))
      for (const path of importsOf(file)) {
        const to = /^@varve\/([\w-]+)/.exec(path)?.[1]
        add(from, to === "core" ? "index" : to)
      }
  return graph
})()

/** All that is reached by arrows, one or more. */
const reached = (graph: Graph, from: string, found = new Set<string>()): ReadonlySet<string> => {
  for (const to of graph.get(from) ?? []) {
    if (found.has(to)) continue
    found.add(to)
    reached(graph, to, found)
  }
  return found
}

test("every file of core stands in one row of the table", () => {
  const listed = [...files.values()].flat()
  const there = readdirSync(join(root, "packages/core/src")).map((name) => name.replace(/\.ts$/, ""))
  expect(listed.toSorted()).toEqual(there.toSorted())
})

test("every import is an arrow or follows from arrows, every arrow is an import, and none goes in a circle", () => {
  const names = [...new Set([...drawn.keys(), ...imported.keys()])]
  const arrows = (graph: Graph) =>
    names.flatMap((from) => [...(graph.get(from) ?? [])].map((to) => `${from} --> ${to}`))
  const follows = names.flatMap((from) => [...reached(drawn, from)].map((to) => `${from} --> ${to}`))
  expect(arrows(imported).filter((arrow) => !follows.includes(arrow))).toEqual([])
  expect(arrows(drawn).filter((arrow) => !arrows(imported).includes(arrow))).toEqual([])
  expect(names.filter((name) => reached(drawn, name).has(name))).toEqual([])
})

test("no arrow is drawn that follows from others", () => {
  for (const [from, all] of drawn)
    for (const to of all) {
      const others = new Map([...drawn, [from, new Set([...all].filter((one) => one !== to))]])
      expect(reached(others, from).has(to), `${from} --> ${to}`).toBe(false)
    }
})
