/** The five programs are what a user could write: each under 150 lines, on what the packages promise. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"

const programs = ["streaming-transcript", "sealed-insight", "many-sessions", "hotspots", "turn-persistence"]
const root = join(import.meta.dirname, "..")
const read = (...path: ReadonlyArray<string>): string => readFileSync(join(root, ...path), "utf8")

const importsOf = (text: string): ReadonlyArray<string> =>
  Array.from(
    text.matchAll(/^(?:import|export|\}).* from "([^"]+)"$|\bimport\("([^"]+)"\)/gm),
    (match) => match[1] ?? match[2]!
  )
/** A whole package of ours, or anybody else's module. */
const isPublic = (name: string): boolean =>
  name.startsWith("@varve/") ? name.split("/").length === 2 : !name.startsWith(".")

describe.each(programs)("%s", (program) => {
  const sources = (folder: string): ReadonlyArray<string> =>
    readdirSync(join(root, "examples", program, folder)).map((file) =>
      read("examples", program, folder, file)
    )

  test("is under 150 lines", () => {
    const lines = sources("src").flatMap((text) => text.trimEnd().split("\n"))
    expect(lines.length).toBeLessThan(150)
  })

  test("imports packages by their names alone, and nothing that only its stage has", () => {
    const program = sources("src").flatMap(importsOf)
    expect(program.filter((name) => !isPublic(name) && !name.startsWith("./"))).toEqual([])
    const beside = ["stage", "test"].flatMap(sources).flatMap(importsOf)
    expect(
      beside.filter((name) => !isPublic(name) && !/^(\.|\.\.\/src|\.\.\/stage)\/\w+\.tsx?$/.test(name))
    ).toEqual([])
    expect([...program, ...beside]).toContain("@varve/core")
  })

  test("has one command, and says which failure it makes impossible", () => {
    expect(JSON.parse(read("package.json")).scripts[program]).toContain(`examples/${program}/stage/start.ts`)
    const readme = read("examples", program, "README.md")
    expect(readme).toContain(`npm run ${program}`)
    expect(readme).toMatch(/^\*\*Makes impossible:\*\* /m)
  })
})
