/**
 * Rows: an ordered collection with keys, for the states of projections. What a transcript, a list of tool calls or a
 * table needs: append, and change a row anywhere by its key, in O(1) whatever the length.
 *
 * A handler gets a draft of it and changes that. What readers get is a publication: it never changes while the fold
 * goes on, costs what was changed since the last one, and keeps every unchanged row identical (`===`), so that a list
 * on a screen renders only what is new.
 *
 * ```ts
 * const Messages = Rows.of(Message, (message) => message.id)
 *
 * Projection.make(Session, {
 *   name: "transcript", version: 1,
 *   state: Schema.Struct({ rows: Messages }),
 *   initial: () => ({ rows: Messages.empty() }),
 *   on: {
 *     MessageChunk: ({ rows }, { data: { messageId: id, text } }) => {
 *       if (!rows.update(id, (row) => ({ ...row, text: row.text + text }))) rows.append({ id, text })
 *     }
 *   }
 * })
 * ```
 *
 * Rows are values: replace them, don't change them. In a snapshot they are a plain array.
 */
import { Schema, SchemaTransformation } from "effect"
import { Vector } from "./Vector.ts"

/** Rows as readers get them. */
export interface Rows<A> extends Iterable<A> {
  readonly size: number
  /** The row at a place, from 0; from the end where negative. */
  readonly at: (place: number) => A | undefined
  readonly get: (key: string) => A | undefined
  readonly has: (key: string) => boolean
  /** The rows as an array. O(size). */
  readonly toArray: () => ReadonlyArray<A>
  /** As it is printed and stored: a plain array. */
  readonly toJSON: () => ReadonlyArray<A>
}

/** Rows as handlers get them. */
export interface Draft<A> extends Rows<A> {
  /** Adds a row at the end. False, and nothing done, where its key is taken. */
  readonly append: (row: A) => boolean
  /** Replaces the row with the same key where it stands, or adds it at the end. */
  readonly set: (row: A) => void
  /** Replaces the row of a key by what `change` makes of it. False where there is none. Throws when the key changes. */
  readonly update: (key: string, change: (row: A) => A) => boolean
  /** Takes a row out. False where there is none. O(size): those behind it move up. */
  readonly delete: (key: string) => boolean
}

/** The schema of rows, which also makes them. */
export interface RowsSchema<A> extends Schema.Codec<Rows<A>> {
  readonly empty: () => Draft<A>
  /** Of two rows with one key the later one stays, in the place of the first. */
  readonly from: (rows: Iterable<A>) => Draft<A>
}

type Key<A> = (row: A) => string

/** Both faces in one class: a publication is one that refuses to be changed. */
export class State<A> implements Draft<A> {
  readonly #key: Key<A>
  #rows: Vector<A>
  /** Shared with publications: they ignore the places behind their end. Replaced when rows move. */
  #places: Map<string, number>
  readonly #isDraft: boolean
  /** The last publication, while nothing has changed since. */
  #published: State<A> | undefined

  constructor(
    key: Key<A>,
    rows: Vector<A> = new Vector(),
    places: Map<string, number> = new Map(),
    isDraft = true
  ) {
    this.#key = key
    this.#rows = rows
    this.#places = places
    this.#isDraft = isDraft
  }

  get size(): number {
    return this.#rows.size
  }

  at(place: number): A | undefined {
    const index = place < 0 ? this.size + place : place
    return Number.isInteger(index) && index >= 0 && index < this.size ? this.#rows.at(index) : undefined
  }

  get(key: string): A | undefined {
    const place = this.#place(key)
    return place === undefined ? undefined : this.#rows.at(place)
  }

  has(key: string): boolean {
    return this.#place(key) !== undefined
  }

  toArray(): ReadonlyArray<A> {
    return [...this.#rows]
  }

  toJSON(): ReadonlyArray<A> {
    return this.toArray()
  }

  [Symbol.iterator](): Iterator<A> {
    return this.#rows[Symbol.iterator]()
  }

  append(row: A): boolean {
    const key = this.#key(row)
    if (this.#place(key) !== undefined) return false
    this.#write(this.size, row)
    this.#places.set(key, this.size - 1)
    return true
  }

  set(row: A): void {
    const place = this.#place(this.#key(row))
    if (place === undefined) this.append(row)
    else this.#write(place, row)
  }

  update(key: string, change: (row: A) => A): boolean {
    const place = this.#place(key)
    if (place === undefined) return false
    const row = change(this.#rows.at(place))
    if (this.#key(row) !== key) throw new Error("A row's key cannot change: delete it and append another")
    this.#write(place, row)
    return true
  }

  delete(key: string): boolean {
    const place = this.#place(key)
    if (place === undefined) return false
    this.#change()
    const left = this.toArray().filter((_, index) => index !== place)
    this.#rows = new Vector()
    this.#places = new Map()
    for (const row of left) this.append(row)
    return true
  }

  /** What readers get of a draft. O(what was changed since the last one). */
  publish(): State<A> {
    if (!this.#isDraft) return this
    this.#published ??= new State(this.#key, this.#rows.copy(), this.#places, false)
    return this.#published
  }

  /** A draft of its own with the same rows. O(size). */
  draft(): State<A> {
    const places = new Map<string, number>()
    for (const [key, place] of this.#places) if (place < this.size) places.set(key, place)
    return new State(this.#key, this.#rows.copy(), places)
  }

  #place(key: string): number | undefined {
    const place = this.#places.get(key)
    return place === undefined || place >= this.size ? undefined : place
  }

  #change(): void {
    if (!this.#isDraft) throw new Error("Published rows don't change: a projection's handlers get a draft")
    this.#published = undefined
  }

  #write(place: number, row: A): void {
    this.#change()
    this.#rows.set(place, row)
  }
}

/** The schema of rows, each with the key that `key` tells. Stored rows that share a key are refused. */
export const of = <A, I>(row: Schema.Codec<A, I>, key: (row: A) => string): RowsSchema<A> => {
  const from = (rows: Iterable<A>): Draft<A> => {
    const state = new State(key)
    for (const one of rows) state.set(one)
    return state
  }
  const unique = (rows: ReadonlyArray<A>): boolean => new Set(rows.map(key)).size === rows.length
  const schema = Schema.declare((value): value is Rows<A> => value instanceof State, {
    expected: "Rows",
    toCodec: () =>
      Schema.link<Rows<A>>()(
        Schema.Array(row).check(Schema.makeFilter(unique, { expected: "rows with keys of their own" })),
        SchemaTransformation.transform<Rows<A>, ReadonlyArray<A>>({
          decode: from,
          encode: (rows) => rows.toArray()
        })
      )
  })
  return Object.assign(schema, { empty: () => new State(key), from })
}
