/**
 * One kind of event: the fields of its data, its policy, and how older versions lift to the current one.
 *
 * Policy belongs to the definition and not to the call, so that no call site can forget that a prompt is a barrier or
 * that the end of a turn must reach the disk.
 */
import { Equal, Schema, SchemaAST, SchemaIssue } from "effect"
import * as Jit from "effect/schema/SchemaJITCompiler"
import { flat } from "./Flat.ts"
import * as Json from "./Json.ts"

/** The schemas of an event's data, by field. They need no services and no async. */
export type Fields = {
  readonly [field: string]: Schema.Constraint & {
    readonly DecodingServices: never
    readonly EncodingServices: never
  }
}

/** The decoded data of some fields. */
export type DataOf<F extends Fields> = Schema.Struct.Type<F>

interface Common {
  /** The version of the fields, from 1. Raise it when they change, and say how to lift with `from`. */
  readonly version?: number
  /** Reaches every client of a live set, whether it follows the stream or not. */
  readonly attention?: boolean
}

/** Stored so that it survives the death of the process. */
interface Written extends Common {
  readonly durability?: "written"
  /** Handled alone and in its place; flushes what its stream holds. */
  readonly barrier?: boolean
  readonly seals?: false
}

/** Stored so that it survives power loss once acknowledged. A barrier. */
interface Synced extends Common {
  readonly durability: "synced"
  readonly barrier?: true
  readonly seals?: false
}

/** The stream takes no events after this one. Synced, and a barrier. */
interface Sealing extends Common {
  readonly seals: true
  readonly durability?: "synced"
  readonly barrier?: true
}

/** Delivered to live listeners only: no seq, never stored, may be lost. */
interface Volatile extends Pick<Common, "version"> {
  readonly durability: "volatile"
  readonly barrier?: false
  readonly attention?: false
  readonly seals?: false
}

/** How an event is treated. The combinations that make no sense do not compile. */
export type Policy = Written | Synced | Sealing | Volatile

/** Whether events of a policy are stored. */
type KeptBy<P extends Policy> = P extends { readonly durability: "volatile" } ? "volatile" : "stored"

/** Data to JSON text and back. Both throw: {@link Json.Unfit} with a path, or anything. */
interface Codec<A> {
  readonly encode: (data: A) => string
  readonly decode: (json: string) => A
  /** Whether what is encoded comes back another, if as good: a text with its line breaks between tokens replaced. */
  readonly changes?: boolean
}

/** A kind of event whose data is an `A`, stored or volatile. Made by {@link event}. */
export class EventDefinition<in out A, out Kept extends "stored" | "volatile" = "stored" | "volatile"> {
  declare readonly kept: Kept
  readonly version: number
  readonly barrier: boolean
  readonly attention: boolean
  readonly seals: boolean
  readonly durability: "written" | "synced" | "volatile"
  private readonly codec: Codec<A>
  private readonly lifts: ReadonlyMap<number, (json: string) => A>
  private readonly policy: Policy

  constructor(codec: Codec<A>, policy: Policy, lifts: ReadonlyMap<number, (json: string) => A> = new Map()) {
    const { version = 1, durability = "written" } = policy
    if (!Number.isSafeInteger(version) || version < 1)
      throw new Error("An event's version is an integer from 1")
    this.version = version
    this.seals = policy.seals === true
    this.durability = this.seals ? "synced" : durability
    this.barrier = policy.barrier === true || this.durability === "synced"
    this.attention = policy.attention === true
    this.codec = codec
    this.lifts = lifts
    this.policy = policy
  }

  /**
   * How data stored under an older version becomes the current one: the fields it had, and a function from those.
   *
   * ```ts
   * event({ output: Schema.String }, { version: 2 }).from(1, { out: Schema.Number }, (old) => ({ output: String(old.out) }))
   * ```
   */
  from<const F extends Fields>(
    version: number,
    fields: F,
    lift: (old: DataOf<F>) => A
  ): EventDefinition<A, Kept> {
    if (!Number.isSafeInteger(version) || version < 1 || version >= this.version || this.lifts.has(version)) {
      throw new Error(`from(${version}): lifts start at a version from 1 to ${this.version - 1}, each once`)
    }
    const old = structCodec(fields)
    return new EventDefinition(
      this.codec,
      this.policy,
      new Map(this.lifts).set(version, (json) => lift(old.decode(json)))
    )
  }

  /** JSON text of data. Throws {@link Json.Unfit}. */
  encode(data: A): string {
    return this.codec.encode(data)
  }

  /** Data as it comes back once it is stored. `json` is what it was encoded to. */
  stored(data: A, json: string): A {
    return this.codec.changes === true ? this.codec.decode(json) : data
  }

  /** Whether data of this version can be read. */
  reads(version: number): boolean {
    return version === this.version || this.lifts.has(version)
  }

  /** Data out of JSON text stored under `version`. Throws when it doesn't fit. */
  decode(version: number, json: string): A {
    return version === this.version ? this.codec.decode(json) : this.lifts.get(version)!(json)
  }
}

const define = <const F extends Fields, const P extends Policy = {}>(
  fields: F,
  policy?: P
): EventDefinition<DataOf<F>, KeptBy<P>> => new EventDefinition(structCodec(fields), policy ?? {})

/** An event that is JSON text already, kept as it is but for line breaks between tokens: for imports that lose nothing. */
const json = <const P extends Policy = {}>(policy?: P): EventDefinition<string, KeptBy<P>> =>
  new EventDefinition<string, KeptBy<P>>(
    {
      encode: (text) => {
        if (typeof text !== "string" || !text.isWellFormed())
          throw new Json.Unfit("", "is not a well-formed text")
        let value: unknown
        try {
          value = JSON.parse(text)
        } catch {
          throw new Json.Unfit("", "is not JSON text")
        }
        if (Json.isTooDeep(value)) throw new Json.Unfit("", `nests deeper than ${Json.maxDepth}`)
        // Inside strings they are escapes; between tokens they would end the line of a log file.
        return text.replace(/[\r\n]/g, " ")
      },
      decode: (text) => text,
      changes: true
    },
    policy ?? {}
  )

/**
 * Defines a kind of event. Plain fields without policy can be given to `EventSet.make` as they are.
 *
 * ```ts
 * event({ text: Schema.String }, { barrier: true })
 * event.json() // data is JSON text, kept as it is
 * ```
 */
export const event: typeof define & { readonly json: typeof json } = Object.assign(define, { json })

// Both hooks, because a filter's own message may quote what it was given (law S6).
const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) =>
    issue._tag === "InvalidValue" ? "Expected a valid value" : SchemaIssue.defaultLeafHook(issue),
  checkHook: () => "Expected a value that passes its checks"
})

/** Goes through the JSON codec, refuses excess properties on write, compiled where the runtime allows it. */
const structCodec = <const F extends Fields>(fields: F): Codec<DataOf<F>> => {
  const struct = Schema.Struct(fields)
  const schema = Schema.toCodecJson(struct) as Schema.Codec<DataOf<F>, Schema.Json>
  // Decoding is 2 times faster compiled; where `new Function` is forbidden it stays interpreted.
  Jit.enable(schema.ast)
  Jit.enable(SchemaAST.flip(schema.ast))
  const toJson = Schema.encodeUnknownExit(schema, { onExcessProperty: "error" })
  const fromJson = Schema.decodeUnknownSync(schema)
  const { exact, plain } = faithfulness(struct.ast)
  const flatly = flat(struct.ast)
  // Names the field and stops there: deeper keys may be payload (law S6), as an excess property's name is.
  const unfit = (key: unknown, problem: string) =>
    new Json.Unfit(typeof key === "string" && Object.hasOwn(fields, key) ? key : "", problem)
  return {
    encode: (data) => {
      if (flatly?.given(data) === true) return JSON.stringify(data)
      const exit = toJson(data)
      if (exit._tag === "Success") {
        const json = plain ? JSON.stringify(exit.value) : Json.stringify(exit.value)
        if (!exact && !Equal.equals(fromJson(JSON.parse(json)), data)) {
          throw new Json.Unfit(
            "",
            "would come back as another value: its schema has two readings of what is stored"
          )
        }
        return json
      }
      const reason = exit.cause.reasons[0]
      if (reason?._tag !== "Fail") throw new Json.Unfit("", "cannot be encoded")
      // The formatter says what was expected, never what was found.
      const issue = formatIssue(reason.error.issue).issues[0]
      const key = issue?.path?.[0]
      throw unfit(
        typeof key === "object" ? key.key : key,
        `does not fit its definition (${issue?.message ?? "no reason given"})`
      )
    },
    decode: (text) => {
      const json: unknown = JSON.parse(text)
      return flatly?.parsed(json) === true ? (json as DataOf<F>) : fromJson(json)
    }
  }
}

/**
 * What a schema can be trusted with. `exact`: what it encodes decodes to the same value; a union of codecs may not
 * (`Union([Date, String])` reads an ISO-looking text as a date), so its values are tried. `plain`: it holds texts,
 * booleans and nulls alone, which JSON cannot change.
 */
const faithfulness = (ast: SchemaAST.AST): { readonly exact: boolean; readonly plain: boolean } => {
  const all = (parts: ReadonlyArray<SchemaAST.AST>) => {
    const told = parts.map(faithfulness)
    return { exact: told.every((t) => t.exact), plain: told.every((t) => t.plain) }
  }
  if (ast.encoding !== undefined) return { exact: false, plain: false }
  switch (ast._tag) {
    case "String":
    case "Boolean":
    case "Null":
      return { exact: true, plain: true }
    case "Literal":
      return { exact: typeof ast.literal !== "bigint", plain: typeof ast.literal !== "number" }
    case "Number":
      return { exact: true, plain: false }
    case "Objects":
      return all([...ast.propertySignatures.map((p) => p.type), ...ast.indexSignatures.map((i) => i.type)])
    case "Arrays":
      return all([...ast.elements, ...ast.rest])
    case "Union": {
      // Members that no JSON text can confuse: at most one that is neither a literal nor absence.
      const told = all(ast.types.filter((type) => type._tag !== "Undefined"))
      const absent = ast.types.filter((type) => type._tag === "Undefined" || type._tag === "Null")
      const open = ast.types.filter(
        (type) => type._tag !== "Literal" && type._tag !== "Undefined" && type._tag !== "Null"
      )
      const clear =
        absent.length <= 1 &&
        (open.length === 0 || (open.length === 1 && ast.types.length - absent.length === 1))
      return { exact: told.exact && clear, plain: told.plain }
    }
    default:
      return { exact: false, plain: false }
  }
}
