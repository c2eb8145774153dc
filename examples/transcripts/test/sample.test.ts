import { expect, it } from "vitest"
import { interpret } from "../src/interpret.ts"
import { sample } from "../src/sample.ts"
import { openSource, type BadLine } from "../src/Source.ts"
import { folderOf } from "./reading.ts"

const read = (folder: string) => {
  sample(folder)
  const bad: Array<BadLine> = []
  const source = openSource(folder, { onBad: (line) => bad.push(line) })
  const records = source.files.flatMap((file) => {
    const found = source.read(file)
    return found._tag === "Transcript" ? [...found.records()] : []
  })
  expect(bad).toEqual([])
  return records
}

it("is a few sessions, one of 3,000 events, the same each time", () => {
  const records = read(folderOf({}))
  const events = new Map<string, number>()
  for (const { stream } of records) events.set(stream, (events.get(stream) ?? 0) + 1)
  expect([...events.values()]).toEqual([29, 131, 3051, 58, 153])
  expect(new Set(records.map(({ stream, id }) => `${stream} ${id}`)).size).toBe(records.length)
  expect(read(folderOf({}))).toEqual(records)
})

it("reads like a session: turns, tools, an answer over two lines counted once", () => {
  const small = read(folderOf({})).filter(({ stream }, _, all) => stream === all[0]!.stream)
  const facts = small.flatMap(({ type, id, text }) => interpret(type, id, text))
  expect(facts.filter((fact) => "turn" in fact)).toHaveLength(2)
  expect(facts.filter((fact) => "tool" in fact)).toHaveLength(8)
  const answers = facts.filter((fact) => "answer" in fact)
  expect(answers).toHaveLength(18)
  const output = new Map(answers.map(({ answer, tokens }) => [answer, tokens.output]))
  expect([...output.values()].reduce((sum, tokens) => sum + tokens)).toBe(8 * 120 + 2 * 240)
})
