/** docs/laws.md, section 7 as far as names go: any good name is a stream of its own. */
import * as fc from "fast-check"
import { mustEqual } from "../Broken.ts"
import { event } from "../generators/events.ts"
import { hostileNames, streamName } from "../generators/names.ts"
import { law } from "../Law.ts"
import { byCodePoint } from "../Model.ts"

const s1Names = law(
  "S1 names",
  "Any good names live beside each other, none cut, folded, refused or taken for another: paths, devices, case twins, compositions, 1,000 bytes.",
  async (bench) => {
    const store = await bench.store()
    for (const [i, name] of hostileNames.entries()) {
      const { seqs, head } = await store.append(name, [event("e1", { data: `${i}` })])
      mustEqual(
        `The first event of stream ${JSON.stringify(name)}`,
        { seqs, stream: head?.stream },
        { seqs: [1], stream: name }
      )
    }
    mustEqual(
      "All streams",
      (await store.heads({})).map((head) => head.stream),
      hostileNames.toSorted(byCodePoint)
    )
    for (const [i, name] of hostileNames.entries()) {
      const stored = (await store.read(name)).map((e) => [e.stream, e.data])
      mustEqual(`The events of stream ${JSON.stringify(name)}`, stored, [[name, `${i}`]])
    }
  }
)

const s5Parameters = law(
  "S5 parameters",
  "A prefix, a type, an attribute is text and nothing else: `%`, `_`, `*` and quotes match themselves, in their case.",
  (bench) =>
    bench.property(
      fc.tuple(
        fc.uniqueArray(fc.oneof(streamName, fc.constantFrom("ab", "a_b", "a%b", "axb", "AB", "a'b", "a*b")), {
          minLength: 1,
          maxLength: 6
        }),
        fc.constantFrom(
          "a",
          "a_",
          "a%",
          "A",
          "a'",
          "a*",
          "%",
          "_",
          "''",
          "\u00e9",
          "e",
          "a'; DROP TABLE events; --"
        )
      ),
      async (store, [names, text]) => {
        const fits = names
          .map((name) => store.name(name))
          .filter((name) => new TextEncoder().encode(name).length <= 1024)
        for (const stream of fits)
          await store.append(stream, [event("e1", { type: text })], { attributes: { [text]: text } })
        const prefix = store.name(text)
        const wanted = fits.filter((stream) => stream.startsWith(prefix)).toSorted(byCodePoint)
        mustEqual(
          "Heads by this prefix",
          (await store.heads({ prefix })).map((head) => head.stream),
          wanted
        )
        mustEqual(
          "Events by this prefix",
          (await store.events({ prefix })).map((e) => e.stream),
          wanted
        )
        const all = async (query: object) => (await store.events({ ...query, prefix: store.scope })).length
        mustEqual("Events by this type", await all({ types: [text] }), fits.length)
        mustEqual("Events by another type", await all({ types: [`${text}x`, text.slice(0, -1)] }), 0)
        mustEqual("Events by this attribute", await all({ attributes: { [text]: text } }), fits.length)
        mustEqual("Events by another attribute", await all({ attributes: { [text]: `${text} ` } }), 0)
      },
      { share: 0.5 }
    )
)

export const nameLaws = [s1Names, s5Parameters]
