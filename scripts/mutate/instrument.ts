/** Compiles all mistakes into sources at once, by Stryker's instrumenter. */
import { readFileSync } from "node:fs"
import { commonTokens } from "@stryker-mutator/api/plugin"
import { createInstrumenter } from "@stryker-mutator/instrumenter"
import { createInjector } from "typed-inject"

export interface Mutant {
  readonly id: string
  readonly file: string
  /** Lines and columns count from 0. */
  readonly location: { readonly start: Place; readonly end: Place }
  readonly replacement: string
}

interface Place {
  readonly line: number
  readonly column: number
}

export interface Instrumented {
  readonly mutants: ReadonlyArray<Mutant>
  /** By path. A mistake is made while `__stryker__.activeMutant` is its id. */
  readonly sources: Readonly<Record<string, string>>
}

export const instrument = async (files: ReadonlyArray<string>): Promise<Instrumented> => {
  const quiet = new Proxy({}, { get: () => () => false })
  const injector = createInjector()
    .provideValue(commonTokens.logger, quiet as never)
    .provideValue(commonTokens.options, {} as never)
  const { files: made, mutants } = await createInstrumenter(injector as never).instrument(
    files.map((name) => ({ name, content: readFileSync(name, "utf8"), mutate: true })),
    { plugins: null, excludedMutations: [], ignorers: [] }
  )
  return {
    mutants: mutants
      .map(({ fileName, id, location, mutatorName, replacement }) => ({
        id,
        file: fileName,
        location: location as Mutant["location"],
        replacement,
        mutatorName
      }))
      .filter((mutant) => mutant.mutatorName !== "StringLiteral" || !isProse(mutant)),
    sources: Object.fromEntries(made.map(({ content, name }) => [name, content]))
  }
}

/** What an error says to people is no promise. */
const isProse = ({ file, location }: Mutant): boolean => {
  const { end, start } = location
  const line = readFileSync(file, "utf8").split("\n")[start.line]!
  return /^["`][a-z][^"`]* [^"`]*["`]$/.test(
    line.slice(start.column, end.line === start.line ? end.column : undefined)
  )
}
