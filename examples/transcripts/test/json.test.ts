import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { canonical, elements, endOfValue, members, piecesOf } from "../src/json.ts"

const cut = (text: string, spans: Iterable<{ start: number; end: number }>) =>
  Array.from(spans, ({ start, end }) => text.slice(start, end))

describe("cutting JSON text", () => {
  it("finds where a value ends, whatever is in its strings", () => {
    for (const value of [
      '{"a":"}"}',
      '[1,[2,"]"],{}]',
      '"\\\\"',
      '"a\\"b"',
      "-1.5e3",
      "null",
      "{}",
      '"\u2028"'
    ]) {
      expect(endOfValue(`${value}, 7`, 0), value).toBe(value.length)
    }
    expect(endOfValue('{"a":[1', 0)).toBe(-1)
    expect(endOfValue('"open\\"', 0)).toBe(-1)
  })

  it("cuts members and elements, numbers as they were written", () => {
    const text = ' { "id" : 9007199254740993 , "list":[ 1.0, {"b":[]} ,"x,]" ], "e":[] } '
    expect(cut(text, members(text, 1))).toEqual(["9007199254740993", '[ 1.0, {"b":[]} ,"x,]" ]', "[]"])
    expect(Array.from(members(text, 1), ({ name }) => name)).toEqual(["id", "list", "e"])
    expect(cut(text, elements(text, text.indexOf("[")))).toEqual(["1.0", '{"b":[]}', '"x,]"'])
    expect(cut("[ ]", elements("[ ]", 0))).toEqual([])
  })

  it("stops where an opening stops", () => {
    const opening = '{"info":{"id":1},"messages":[{"a":1},{"b"'
    expect(Array.from(members(opening, 0), ({ name, end }) => [name, end])).toEqual([
      ["info", 16],
      ["messages", -1]
    ])
    expect(cut(opening, elements(opening, opening.indexOf("[")))).toEqual(['{"a":1}'])
  })

  it("cuts any document at its values, in any print", () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.constantFrom(0, 2), (values, indent) => {
        const text = JSON.stringify({ before: 1, list: values, after: "]" }, null, indent)
        const list = [...members(text, 0)].find(({ name }) => name === "list")!
        const texts = cut(text, elements(text, list.start))
        expect(texts.map((each) => JSON.stringify(JSON.parse(each)))).toEqual(
          values.map((value) => JSON.stringify(value))
        )
        expect(endOfValue(text, 0)).toBe(text.length)
      })
    )
  })
})

describe("the records of a line", () => {
  const pieces = (line: string) =>
    Array.from(piecesOf(line), (piece) =>
      piece.object === undefined ? piece.reason : line.slice(piece.start, piece.end)
    )

  it("is one as a rule, none in a blank line", () => {
    expect(pieces('  {"a":1} \r')).toEqual(['{"a":1}'])
    expect(pieces("")).toEqual([])
    expect(pieces(" \t\r")).toEqual([])
  })

  it("takes glued records apart", () => {
    expect(pieces('{"a":"}{"}{"b":2} {"c":3}')).toEqual(['{"a":"}{"}', '{"b":2}', '{"c":3}'])
  })

  it("names what is no record, and keeps what is whole before it", () => {
    expect(pieces('{"a":1}{"b":')).toEqual(['{"a":1}', "a record that breaks off"])
    expect(pieces('{"a":1} tail')).toEqual(['{"a":1}', "not a JSON object"])
    expect(pieces("[1]")).toEqual(["not a JSON object"])
    expect(pieces("{a:1}")).toEqual(["not a JSON object"])
    expect(pieces('\0\0{"a":1}')).toEqual(["NUL bytes, a hole that was never written", '{"a":1}'])
  })

  it("does not take other blanks for JSON's", () => {
    expect(pieces('\u00a0{"a":1}')).toEqual(["not a JSON object"])
    expect(pieces('{"a":1}\u2028')).toEqual(['{"a":1}', "not a JSON object"])
    expect(pieces('\ufeff{"a":1}')).toEqual(['{"a":1}'])
  })
})

describe("canonical JSON", () => {
  it("is the same text for the same value", () => {
    const one = JSON.parse('{"b":[1,{"y":null,"x":"\\u00e9"}],"a":true,"__proto__":{"z":1}}')
    const other = JSON.parse('{ "__proto__": {"z":1}, "a":true, "b":[1.0,{"x":"é","y":null}] }')
    expect(canonical(one)).toBe('{"__proto__":{"z":1},"a":true,"b":[1,{"x":"é","y":null}]}')
    expect(canonical(other)).toBe(canonical(one))
  })
})
