/** What the packages promise: every export has a doc comment, and a log has the same operations in both faces. */
import { EventSet, type Log, MemoryStorage, type PromiseLog, Varve } from "@varve/core"
import { Schema } from "effect"
import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { describe, expect, expectTypeOf, test } from "vitest"
import { root, textOf } from "./Document.ts"

/** A file's exports, by the names that it gives them: each with the file and the name of its declaration. */
const exportsOf = (file: string): ReadonlyArray<{ readonly file: string; readonly name: string }> => {
  const text = textOf(file)
  const from = (path: string): string => join(dirname(file), path)
  const all = Array.from(text.matchAll(/^export \* from "(.+)"/gm), ([, path]) =>
    exportsOf(from(path!))
  ).flat()
  const spaces = Array.from(text.matchAll(/^export \* as \w+ from "(.+)"/gm), ([, path]) =>
    exportsOf(from(path!))
  ).flat()
  const named = Array.from(text.matchAll(/^export (?:type )?\{([^}]+)\} from "(.+)"/gm), ([, names, path]) =>
    names!
      .split(",")
      .map((name) => ({ file: from(path!), name: name.replace("type ", "").split(" as ")[0]!.trim() }))
  ).flat()
  const own = Array.from(
    text.matchAll(/^export (?:declare )?(?:const|class|interface|type|function\*?) (\w+)/gm),
    ([, name]) => ({ file, name: name! })
  )
  return [...all, ...spaces, ...named, ...own]
}

/** Whether a declaration has a doc comment; one that is handed on has that of where it comes from. */
const isDocumented = ({ file, name }: { readonly file: string; readonly name: string }): boolean => {
  const text = textOf(file)
  const handedOn = exportsOf(file).find((one) => one.name === name && one.file !== file)
  if (handedOn !== undefined) return isDocumented(handedOn)
  return new RegExp(`\\*/\nexport (?:declare )?(?:const|class|interface|type|function\\*?) ${name}\\b`).test(
    text
  )
}

describe("every export has a doc comment", () => {
  for (const name of ["core", "adapter-file", "adapter-sqlite", "testkit"]) {
    test(`@varve/${name}`, () => {
      const found = exportsOf(`packages/${name}/src/index.ts`)
      expect(found.length).toBeGreaterThan(2)
      expect(found.every(({ file }) => existsSync(join(root, file)))).toBe(true)
      const bare = found.filter((one) => !isDocumented(one)).map(({ file, name }) => `${name} in ${file}`)
      expect(bare).toEqual([])
    })
  }
})

test("every member of a log has a doc comment, in both faces", () => {
  for (const [file, face] of [
    ["packages/core/src/Log.ts", "Log"],
    ["packages/core/src/LiveSource.ts", "LiveSource"],
    ["packages/core/src/Varve.ts", "PromiseLog"]
  ] as const) {
    const [, body = ""] = new RegExp(`^export interface ${face}<[^]*? \\{\n([^]*?)^\\}`, "m").exec(
      textOf(file)
    )!
    const bare = Array.from(body.matchAll(/^(.*)\n {2}readonly (\w+):/gm), ([, before, name]) =>
      before!.endsWith("*/") ? [] : [name]
    ).flat()
    expect(bare, face).toEqual([])
  }
})

class Session extends EventSet.make({ Said: { text: Schema.String } }) {}
type Effects = Log<typeof Session>
type Promises = PromiseLog<typeof Session>

/** What each face has of its own: the way to the other, the seam, disposal. */
type Operation = Exclude<keyof Effects, symbol | "storage">

describe("the promise face and the Effect face mirror each other", () => {
  test("member by member", async () => {
    await using log = await Varve.open({ events: Session, storage: MemoryStorage.layer })
    const promises = Object.keys(log).filter((name) => name !== "effect")
    const effects = Object.keys(log.effect).filter((name) => name !== "storage")
    expect(promises.toSorted()).toEqual(effects.toSorted())
    expectTypeOf<Exclude<keyof Promises, symbol | "effect">>().toEqualTypeOf<Operation>()
  })

  test("argument by argument", () => {
    // `sync` and `close` take nothing, and are plain effects; a copy's target is a log of the same face.
    type Called = Exclude<Operation, "sync" | "close" | "copy">
    type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
    type Differing = {
      [Name in Called]: Same<Parameters<Effects[Name]>, Parameters<Promises[Name]>> extends true
        ? never
        : Name
    }[Called]
    expectTypeOf<Differing>().toBeNever()
  })
})
