/** Runs a program of bench/programs in a process of its own and answers what it prints, which is JSON. */
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"

export const freshProcess = async <A>(program: string, ...args: ReadonlyArray<string>): Promise<A> => {
  const file = fileURLToPath(new URL(`programs/${program}.ts`, import.meta.url))
  const flags = ["--expose-gc", "--conditions=@varve/source"]
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, file, ...args])
  return JSON.parse(stdout) as A
}
