/**
 * The events of an application, by type. A class and not a constant, so that its type prints as its name.
 *
 * ```ts
 * export class Session extends EventSet.make({
 *   PromptSubmitted: event({ text: Schema.String }, { barrier: true }),
 *   MessageChunk: { messageId: Schema.String, text: Schema.String },
 *   TurnEnded: event({ stopReason: Schema.String }, { durability: "synced" })
 * }) {}
 *
 * Session.MessageChunk({ messageId: "m1", text: "Hel" })
 * ```
 */
import { type DataOf, EventDefinition, event, type Fields } from "./EventDefinition.ts"
import { InvalidEvent } from "./Errors.ts"
import * as EventId from "./EventId.ts"
import { isPlain, sameJson, Unfit } from "./Json.ts"
import type { LogEvent, Meta, NewEvent, Unrecognized } from "./LogEvent.ts"
import type { EncodedEvent, EventContent, StoredEvent } from "./LogStorage.ts"
import { nameProblem } from "./Name.ts"
import { checkName, invalidEvent } from "./Refusal.ts"

/** Where a set keeps its definitions, out of the way of event types. */
export const Definitions: unique symbol = Symbol.for("@varve/core/EventSet")

/** Any event set: `typeof Session`. */
export interface Any {
  readonly [Definitions]: { readonly [type: string]: EventDefinition<any> }
}

/** The data of one type of event of a set. */
export type Data<E extends Any, Type extends keyof E[typeof Definitions]> =
  E[typeof Definitions][Type] extends EventDefinition<infer A> ? A : never

/** The types of event of a set. */
export type Type<E extends Any> = Extract<keyof E[typeof Definitions], string>

/** The types of a set whose events are stored. */
export type StoredType<E extends Any> = {
  [T in Type<E>]: E[typeof Definitions][T] extends EventDefinition<any, "stored"> ? T : never
}[Type<E>]

/** A new event of a set: what `record` takes. */
export type New<E extends Any> = { [T in Type<E>]: NewEvent<T, Data<E, T>> }[Type<E>]

/** A new event of a set that is stored: what `append` takes. */
export type Appendable<E extends Any> = { [T in StoredType<E>]: NewEvent<T, Data<E, T>> }[StoredType<E>]

/** A new event of a set that is volatile: only listeners hear of it. */
export type Volatile<E extends Any> = Exclude<New<E>, Appendable<E>>

/** A stored event of a set whose definition could read it. */
export type Known<E extends Any> = { [T in StoredType<E>]: LogEvent<T, Data<E, T>> }[StoredType<E>]

/** A stored event: what reads answer. */
export type Stored<E extends Any> = Known<E> | Unrecognized

/** What a maker may be given beside the data; imports bring their own id and time. */
export interface Options {
  readonly id?: string
  /** Integer epoch ms; now by default. */
  readonly at?: number
  readonly meta?: Meta
}

/** Makes an event. `data` may be left out where no field is required. */
export type Maker<T extends string, A> = {} extends A
  ? (data?: A, options?: Options) => NewEvent<T, A>
  : (data: A, options?: Options) => NewEvent<T, A>

type Input = { readonly [type: string]: EventDefinition<any> | Fields }

type Defined<D extends Input> = {
  readonly [T in keyof D]: D[T] extends EventDefinition<any>
    ? D[T]
    : D[T] extends Fields
      ? EventDefinition<DataOf<D[T]>, "stored">
      : never
}

type Makers<D> = {
  readonly [T in keyof D & string]: D[T] extends EventDefinition<infer A> ? Maker<T, A> : never
}

/** The class that {@link make} gives to extend. */
export type Class<D extends { readonly [type: string]: EventDefinition<any> }> = (new () => object) & {
  readonly [Definitions]: D
} & Makers<D>

/** Defines a set of events. Throws on a type name that is ill-formed, reserved, or a property of every class. */
export const make = <const D extends Input>(input: D): Class<Defined<D>> => {
  const definitions: Record<string, EventDefinition<any>> = Object.create(null)
  const Base = class {}
  for (const [type, given] of Object.entries(input)) {
    checkName("type", type)
    if (type.startsWith("varve/") || type in Function.prototype || type === "prototype") {
      throw new Error(`An event cannot be called ${type}: the name is reserved`)
    }
    definitions[type] = given instanceof EventDefinition ? given : event(given)
    const maker = (data: unknown = {}, options?: Options): NewEvent => ({
      type,
      data,
      id: options?.id ?? EventId.make(),
      at: options?.at ?? Date.now(),
      meta: options?.meta
    })
    Object.defineProperty(Base, type, { value: maker, enumerable: true })
  }
  return Object.assign(Base, { [Definitions]: definitions }) as unknown as Class<Defined<D>>
}

/** The definition of a type, if the set has one. */
export const definitionOf = (set: Any, type: unknown): EventDefinition<any> | undefined =>
  typeof type === "string" ? set[Definitions][type] : undefined

/** What is wrong with an event at a glance, or `undefined`: `record` asks it of every event, so it reads no text. */
export const glance = (
  definition: EventDefinition<any> | undefined,
  { id, at }: NewEvent
): string | undefined => {
  if (definition === undefined) return "is of a type that this event set does not define"
  if (typeof id !== "string") return "has an id that is not a string"
  if (!Number.isSafeInteger(at) || Object.is(at, -0))
    return "has a time (at) that is not an integer of epoch ms"
  return undefined
}

/** Encodes an event for a stream, or says what refuses it. What it lets through comes back equal (law A8). */
export const tryEncode = (set: Any, stream: string, event: NewEvent): EncodedEvent | InvalidEvent => {
  const { type, id, at } = event
  const definition = definitionOf(set, type)
  const problem = glance(definition, event) ?? idProblem(id)
  if (definition === undefined || problem !== undefined) return invalidEvent(stream, event, "", problem!)
  try {
    const data = definition.encode(event.data)
    return {
      id,
      type,
      version: definition.version,
      at,
      data,
      meta: encodeMeta(event.meta),
      seals: definition.seals
    }
  } catch (error) {
    const { path, problem } = error instanceof Unfit ? error : new Unfit("", "cannot be encoded")
    return invalidEvent(stream, event, path, problem)
  }
}

/** Data of an event as it comes back once it is stored: what is told live is what a read answers (law O4). */
export const storedData = (set: Any, { data, type }: NewEvent, encoded: EncodedEvent): unknown =>
  definitionOf(set, type)!.stored(data, encoded.data)

/** The same of its meta: entries that are `undefined` aren't stored. */
export const storedMeta = (meta: Meta | undefined): Meta | undefined => {
  if (meta === undefined) return undefined
  const entries = Object.entries(meta)
  return entries.every(([, value]) => value !== undefined)
    ? meta
    : (Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as Meta)
}

const idProblem = (id: string): string | undefined => {
  const problem = nameProblem("id", id)
  return problem === undefined ? undefined : `has an id that ${problem}`
}

/** {@link tryEncode}, throwing {@link InvalidEvent}. */
export const encode = (set: Any, stream: string, event: NewEvent): EncodedEvent => {
  const encoded = tryEncode(set, stream, event)
  if (encoded instanceof InvalidEvent) throw encoded
  return encoded
}

const encodeMeta = (meta: Meta | undefined): string | undefined => {
  if (meta === undefined) return undefined
  if (!isPlain(meta)) throw new Unfit("", "has meta that is not a plain object")
  for (const [key, value] of Object.entries(meta)) {
    if (value === undefined) continue
    const problem = nameProblem("attribute", key) ?? nameProblem("meta", value)
    if (problem !== undefined) throw new Unfit("", `has a meta entry that ${problem}`)
  }
  return JSON.stringify(meta)
}

/** Decodes a stored event, lifting older versions. What it cannot read comes as `varve/Unrecognized`; never throws. */
export const decode = <E extends Any>(set: E, stored: StoredEvent): Stored<E> => {
  const { stream, seq, epoch, id, type, version, at, writtenAt } = stored
  const definition = definitionOf(set, type)
  const problem =
    definition === undefined ? "unknown-type" : definition.reads(version) ? undefined : "unknown-version"
  try {
    const meta = stored.meta === undefined ? undefined : (JSON.parse(stored.meta) as Meta)
    if (problem !== undefined) return unrecognized(stored, problem, meta)
    const data: unknown = definition!.decode(version, stored.data)
    return { stream, seq, epoch, id, type, version, at, data, meta, writtenAt } as Known<E>
  } catch {
    return unrecognized(stored, problem ?? "undecodable", undefined)
  }
}

const unrecognized = (
  stored: StoredEvent,
  problem: Unrecognized["data"]["problem"],
  meta: Meta | undefined
): Unrecognized => {
  const { stream, seq, epoch, id, version, at, writtenAt } = stored
  const data = { type: stored.type, version, json: stored.data, problem }
  return { stream, seq, epoch, id, type: "varve/Unrecognized", version, at, data, meta, writtenAt }
}

/** Whether two events under one id mean the same once both are lifted to the current version (law D2). Never throws. */
export const sameContent =
  (set: Any) =>
  (stored: EventContent, offered: EventContent): boolean => {
    if (stored.type !== offered.type) return false
    try {
      if (stored.version === offered.version) return sameJson(stored.data, offered.data)
      const definition = definitionOf(set, offered.type)
      if (definition === undefined || !definition.reads(stored.version)) return false
      return sameJson(definition.encode(definition.decode(stored.version, stored.data)), offered.data)
    } catch {
      return false
    }
  }
