/**
 * A sequence with cheap copies: a tree of nodes of 32 slots. A copy shares every node; a write copies the few nodes on
 * its way that others may see. So publishing a state costs what was changed since, not what is there.
 */
interface Node {
  /** Who may change it in place. */
  readonly owner: object
  readonly slots: Array<unknown>
}

const bits = 5
const width = 1 << bits
const mask = width - 1

export class Vector<A> {
  size = 0
  private owner: object = {}
  private root: Node = { owner: this.owner, slots: [] }
  /** Bits of an index that select below the root; 0 when the root is a leaf. */
  private shift = 0
  /** The leaf that was written last, and its first index: a transcript's last row is extended again and again. */
  private last = this.root
  private lastFirst = 0

  /** The item at an index that exists. O(log32 size). */
  at(index: number): A {
    return this.leaf(index).slots[index & mask] as A
  }

  /** Replaces the item at an index that exists, or adds one behind the last. */
  set(index: number, item: A): void {
    if (index === this.size) this.grow()
    else if (index - (index & mask) === this.lastFirst && this.last.owner === this.owner) {
      this.last.slots[index & mask] = item
      return
    }
    let node = (this.root = this.own(this.root))
    for (let shift = this.shift; shift > 0; shift -= bits) {
      const slot = (index >>> shift) & mask
      node = node.slots[slot] = this.own(node.slots[slot] as Node | undefined)
    }
    node.slots[index & mask] = item
    this.last = node
    this.lastFirst = index - (index & mask)
  }

  /** Another vector of the same items. From now on both copy what they change. O(1). */
  copy(): Vector<A> {
    const other = new Vector<A>()
    other.root = this.root
    other.shift = this.shift
    other.size = this.size
    other.last = this.last
    other.lastFirst = this.lastFirst
    this.owner = {}
    return other
  }

  *[Symbol.iterator](): Generator<A> {
    let leaf: Node | undefined
    for (let index = 0; index < this.size; index++) {
      if ((index & mask) === 0) leaf = this.leaf(index)
      yield leaf!.slots[index & mask] as A
    }
  }

  private leaf(index: number): Node {
    if (index - (index & mask) === this.lastFirst) return this.last
    let node = this.root
    for (let shift = this.shift; shift > 0; shift -= bits) node = node.slots[(index >>> shift) & mask] as Node
    return node
  }

  private grow(): void {
    if (this.size === width << this.shift) {
      this.root = { owner: this.owner, slots: [this.root] }
      this.shift += bits
    }
    this.size++
  }

  private own(node: Node | undefined): Node {
    if (node === undefined) return { owner: this.owner, slots: [] }
    return node.owner === this.owner ? node : { owner: this.owner, slots: node.slots.slice() }
  }
}
