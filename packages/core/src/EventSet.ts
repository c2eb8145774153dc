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
import { Unfit } from "./Json.ts"
import type { LogEvent, Meta, NewEvent, Unrecognized } from "./LogEvent.ts"
import type { EncodedEvent, EventContent, StoredEvent } from "./LogStorage.ts"
import { checkName, nameProblem } from "./Name.ts"
import { sameJson } from "./Json.ts"

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

/** A new event of a set: what `append` takes. */
export type New<E extends Any> = { [T in Type<E>]: NewEvent<T, Data<E, T>> }[Type<E>]

/** A stored event of a set whose definition could read it. */
export type Known<E extends Any> = { [T in Type<E>]: LogEvent<T, Data<E, T>> }[Type<E>]

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
      ? EventDefinition<DataOf<D[T]>>
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

/** Encodes an event for a stream. Throws {@link InvalidEvent}; what it lets through comes back equal (law A8). */
export const encode = (set: Any, stream: string, event: NewEvent): EncodedEvent => {
  const { type, id, at } = event
  const definition = Object.hasOwn(set[Definitions], type) ? set[Definitions][type] : undefined
  const refuse = (path: string, problem: string) =>
    new InvalidEvent({
      stream,
      type: nameProblem("type", type) === undefined ? type : "?",
      path,
      problem,
      id: nameProblem("id", id) === undefined ? id : undefined
    })
  if (definition === undefined) throw refuse("", "is of a type that this event set does not define")
  const problem = nameProblem("id", id)
  if (problem !== undefined) throw refuse("", `has an id that ${problem}`)
  if (!Number.isSafeInteger(at) || Object.is(at, -0))
    throw refuse("", "has a time (at) that is not an integer of epoch ms")
  let data: string
  try {
    data = definition.encode(event.data)
  } catch (error) {
    throw error instanceof Unfit ? refuse(error.path, error.problem) : refuse("", "cannot be encoded")
  }
  return {
    id,
    type,
    version: definition.version,
    at,
    data,
    meta: encodeMeta(event.meta, refuse),
    seals: definition.seals
  }
}

const encodeMeta = (
  meta: Meta | undefined,
  refuse: (path: string, problem: string) => InvalidEvent
): string | undefined => {
  if (meta === undefined) return undefined
  for (const [key, value] of Object.entries(meta)) {
    const problem = nameProblem("attribute", key) ?? nameProblem("meta", value)
    if (problem !== undefined) throw refuse("", `has a meta entry that ${problem}`)
  }
  return JSON.stringify(meta)
}

/** Decodes a stored event, lifting older versions. What it cannot read comes as `varve/Unrecognized`; never throws. */
export const decode = <E extends Any>(set: E, stored: StoredEvent): Stored<E> => {
  const { stream, seq, epoch, id, type, version, at, writtenAt } = stored
  const meta = stored.meta === undefined ? undefined : (JSON.parse(stored.meta) as Meta)
  const definition = Object.hasOwn(set[Definitions], type) ? set[Definitions][type] : undefined
  const unrecognized = (problem: Unrecognized["data"]["problem"]): Unrecognized => {
    const data = { type, version, json: stored.data, problem }
    return { stream, seq, epoch, id, type: "varve/Unrecognized", version, at, data, meta, writtenAt }
  }
  if (definition === undefined) return unrecognized("unknown-type")
  if (!definition.reads(version)) return unrecognized("unknown-version")
  try {
    const data: unknown = definition.decode(version, stored.data)
    return { stream, seq, epoch, id, type, version, at, data, meta, writtenAt } as Known<E>
  } catch {
    return unrecognized("undecodable")
  }
}

/** Whether two events under one id mean the same once both are lifted to the current version (law D2). */
export const sameContent =
  (set: Any) =>
  (stored: EventContent, offered: EventContent): boolean => {
    if (stored.type !== offered.type) return false
    if (stored.version === offered.version) return sameJson(stored.data, offered.data)
    const definition = set[Definitions][offered.type]
    if (definition === undefined || !definition.reads(stored.version)) return false
    try {
      return sameJson(definition.encode(definition.decode(stored.version, stored.data)), offered.data)
    } catch {
      return false
    }
  }
