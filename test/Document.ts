/** What a Markdown document holds that can be proven: programs, shell commands, headings and links. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

export const root = join(import.meta.dirname, "..")

const readmesIn = (folder: string): ReadonlyArray<string> =>
  readdirSync(join(root, folder))
    .map((name) => `${folder}/${name}/README.md`)
    .filter((path) => existsSync(join(root, path)))

/** Paths from the root. */
export const documents: ReadonlyArray<string> = [
  "README.md",
  "ARCHITECTURE.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`),
  ...readmesIn("packages"),
  "packages/adapter-file/FORMAT.md",
  ...readmesIn("examples"),
  "bench/README.md"
]

export const textOf = (path: string): string => readFileSync(join(root, path), "utf8")

/** The blocks of a language, in order. */
export const blocksOf = (text: string, language: string): ReadonlyArray<string> =>
  Array.from(text.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, "gm")), (match) => match[1]!)

/** Whether a program registers tests. */
export const isSuite = (program: string): boolean =>
  /^(conformance|coalescingLaws|projectionLaws)\(/m.test(program)

/** Whether a suite wants a storage that lasts, where a document shows one in memory: the adapters' own tests run such. */
export const needsOwnStorage = (suite: string): boolean => /^ {2}(crash|reopen|secondProcess):/m.test(suite)

const importsOf = (block: string): ReadonlyArray<string> =>
  Array.from(block.matchAll(/^import (?:\* as )?(.*) from/gm), (match) => match[1]!.match(/\w+/g)!).flat()

/**
 * The TypeScript programs of a document. A block goes on where the one before it ended, unless it imports something once
 * more; a suite stands for itself.
 */
export const programsOf = (text: string): ReadonlyArray<string> => {
  const programs: Array<string> = []
  for (const block of blocksOf(text, "ts")) {
    const last = programs.at(-1)
    const begins =
      last === undefined ||
      isSuite(last) ||
      isSuite(block) ||
      importsOf(block).some((name) => importsOf(last).includes(name))
    if (begins) programs.push(block)
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
