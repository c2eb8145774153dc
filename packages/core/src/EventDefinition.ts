/**
 * One kind of event: the fields of its data, its policy, and how older versions lift to the current one.
 *
 * Policy belongs to the definition and not to the call, so that no call site can forget that a prompt is a barrier or
 * that the end of a turn must reach the disk.
 */
import { Schema, SchemaAST, SchemaIssue } from "effect"
import * as Jit from "effect/schema/SchemaJITCompiler"
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

interface Stored {
  /** Handled alone and in its place; flushes what its stream holds. */
  readonly barrier?: boolean
  /** Reaches every client of a live set, whether it follows the stream or not. */
  readonly attention?: boolean
  /** `written` (default) survives the process; `synced` survives power loss and implies `barrier`. */
  readonly durability?: "written" | "synced"
  /** The stream takes no events after this one. Implies `barrier` and `synced`. */
  readonly seals?: boolean
  /** The version of the fields, from 1. Raise it when they change, and say how to lift with `from`. */
  readonly version?: number
}

interface Volatile {
  /** Delivered to live listeners only: no seq, never stored, may be lost. */
  readonly durability: "volatile"
  readonly version?: number
  readonly barrier?: never
  readonly attention?: never
  readonly seals?: never
}

/** How an event is treated. The combinations that make no sense do not compile. */
export type Policy = Stored | Volatile

/** Data to JSON text and back. Both throw: {@link Json.Unfit} with a path, or anything. */
interface Codec<A> {
  readonly encode: (data: A) => string
  readonly decode: (json: string) => A
}

/** A kind of event whose data is an `A`. Made by {@link event}. */
export class EventDefinition<in out A> {
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
  from<const F extends Fields>(version: number, fields: F, lift: (old: DataOf<F>) => A): EventDefinition<A> {
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

  /** Whether data of this version can be read. */
  reads(version: number): boolean {
    return version === this.version || this.lifts.has(version)
  }

  /** Data out of JSON text stored under `version`. Throws when it doesn't fit. */
  decode(version: number, json: string): A {
    return version === this.version ? this.codec.decode(json) : this.lifts.get(version)!(json)
  }
}

const define = <const F extends Fields>(fields: F, policy: Policy = {}): EventDefinition<DataOf<F>> =>
  new EventDefinition(structCodec(fields), policy)

/** An event that is JSON text already, kept byte for byte: for imports that must lose nothing. */
const json = (policy: Policy = {}): EventDefinition<string> =>
  new EventDefinition(
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
        return text
      },
      decode: (text) => text
    },
    policy
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

const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()

/** Goes through the JSON codec, refuses excess properties on write, compiled where the runtime allows it. */
const structCodec = <const F extends Fields>(fields: F): Codec<DataOf<F>> => {
  const schema = Schema.toCodecJson(Schema.Struct(fields)) as Schema.Codec<DataOf<F>, Schema.Json>
  // Decoding is 2 times faster compiled; where `new Function` is forbidden it stays interpreted.
  Jit.enable(schema.ast)
  Jit.enable(SchemaAST.flip(schema.ast))
  const toJson = Schema.encodeUnknownExit(schema, { onExcessProperty: "error" })
  const fromJson = Schema.decodeUnknownSync(schema)
  // Names the field and stops there: deeper keys may be payload (law S6), as an excess property's name is.
  const unfit = (key: unknown, problem: string) =>
    new Json.Unfit(typeof key === "string" && Object.hasOwn(fields, key) ? key : "", problem)
  return {
    encode: (data) => {
      const exit = toJson(data)
      if (exit._tag === "Success") return Json.stringify(exit.value)
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
    decode: (text) => fromJson(JSON.parse(text))
  }
}
