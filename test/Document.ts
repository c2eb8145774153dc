/** What a Markdown document holds that can be proven: programs, shell commands, headings and links. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

export const root = join(import.meta.dirname, "..")

/** Paths from the root. */
export const documents: ReadonlyArray<string> = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`),
  ...readdirSync(join(root, "packages")).map((name) => `packages/${name}/README.md`)
]

export const textOf = (path: string): string => readFileSync(join(root, path), "utf8")

/** The blocks of a language, in order. */
export const blocksOf = (text: string, language: string): ReadonlyArray<string> =>
  Array.from(text.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, "gm")), (match) => match[1]!)

/**
 * The TypeScript programs of a document. A block that imports one of the packages begins one; any other goes on where
 * the block before it ended.
 */
export const programsOf = (text: string): ReadonlyArray<string> => {
  const programs: Array<string> = []
  for (const block of blocksOf(text, "ts")) {
    if (programs.length === 0 || /from "@varve\//.test(block)) programs.push(block)
    else programs[programs.length - 1] += block
  }
  return programs
}

/** What a program says that it prints: the comments behind `console.log`, a line each or several with commas between. */
export const toldBy = (program: string): string =>
  Array.from(program.matchAll(/console\.log\(.*\/\/ (.*)$/gm), (match) => match[1]!).join(", ")

const fences = /^```[\s\S]*?^```/gm

/** The headings, without marks. */
export const headingsOf = (text: string): ReadonlyArray<string> =>
  Array.from(text.replace(fences, "").matchAll(/^#+ (.*)$/gm), (match) => match[1]!.replaceAll("`", ""))

/** Where links within the repository lead. */
export const linksOf = (text: string): ReadonlyArray<string> =>
  Array.from(text.replace(fences, "").matchAll(/\]\((?!https?:)([^)]+)\)/g), (match) => match[1]!)
