/**
 * The numbers that types of events have in a store: an integer is stored, compared and read faster than a name. They are
 * given once and stay, so what is known of them here is right for as long as the transaction stands that it came from.
 */
/** Prepared statements, as far as they are used here. */
interface TypeStatements {
  readonly name: { readonly get: (id: number) => { readonly name: string } | undefined }
  readonly id: { readonly get: (name: string) => { readonly id: number } | undefined }
  readonly add: { readonly run: (name: string) => { readonly lastInsertRowid: number | bigint } }
  readonly drop: { readonly run: (id: number) => unknown }
}

export class Types {
  private readonly sql: TypeStatements
  private readonly names = new Map<number, string>()
  private readonly ids = new Map<string, number>()
  /** The names that were numbered here, in their order. */
  private readonly given: Array<string> = []

  constructor(sql: TypeStatements) {
    this.sql = sql
  }

  /** The name of a number; undefined for one that was never given. */
  nameOf(id: number): string | undefined {
    const known = this.names.get(id)
    if (known !== undefined) return known
    const name = this.sql.name.get(id)?.name
    if (name !== undefined) this.keep(id, name)
    return name
  }

  /** The numbers of those of the names that have one by now. */
  idsOf(names: ReadonlyArray<string>): ReadonlyArray<number> {
    return names.flatMap((name) => this.find(name) ?? [])
  }

  /** The number of a name, given now if it has none. Within a transaction that writes. */
  idOf(name: string): number {
    const known = this.find(name)
    if (known !== undefined) return known
    const id = Number(this.sql.add.run(name).lastInsertRowid)
    this.keep(id, name)
    this.given.push(name)
    return id
  }

  /** How many names were numbered here: what {@link takeBack} goes back to. */
  get numbered(): number {
    return this.given.length
  }

  /** Takes back the numbers that were given last, within the same transaction. */
  takeBack(numbered: number): void {
    for (const name of this.given.splice(numbered)) {
      const id = this.ids.get(name)!
      this.sql.drop.run(id)
      this.ids.delete(name)
      this.names.delete(id)
    }
  }

  /** After a transaction that didn't come to be: a number given in it may be given to another name. */
  forget(): void {
    this.names.clear()
    this.ids.clear()
    this.given.length = 0
  }

  private find(name: string): number | undefined {
    const known = this.ids.get(name)
    if (known !== undefined) return known
    const id = this.sql.id.get(name)?.id
    if (id !== undefined) this.keep(id, name)
    return id
  }

  private keep(id: number, name: string): void {
    this.names.set(id, name)
    this.ids.set(name, id)
  }
}
