/** Runs programs one after the other in one process, and answers as JSON what each printed or threw. */
import { format } from "node:util"

const printed: Array<{ readonly output: string; readonly error?: string }> = []
for (const file of process.argv.slice(2)) {
  const lines: Array<string> = []
  console.log = (...values: ReadonlyArray<unknown>) => void lines.push(format(...values))
  try {
    await import(file)
    printed.push({ output: lines.join("\n") })
  } catch (error) {
    printed.push({ output: lines.join("\n"), error: format(error) })
  }
}
process.stdout.write(JSON.stringify(printed), () => process.exit())
