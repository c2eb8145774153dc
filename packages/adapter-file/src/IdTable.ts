/**
 * Which ids a stream has, in bounded memory (law D3): an open-addressing table of 32-bit hashes and seqs. 8 bytes a
 * slot, filled to between 0.4 and 0.8, so 10 to 20 bytes an event and 30 while it grows. A hash says "perhaps"; the
 * event itself, read from the file, says "yes".
 */
export class IdTable {
  /** Pairs of hash and seq; seq 0 marks an empty slot. */
  private slots = new Uint32Array(2 * 16)
  private size = 0
  private readonly salt: number

  /** @param salt makes hashes differ from process to process, so that nobody can choose ids that collide */
  constructor(salt: number) {
    this.salt = salt
  }

  /** Bytes held. */
  get bytes(): number {
    return this.slots.byteLength
  }

  add(id: string, seq: number): void {
    if (10 * (this.size + 1) > 4 * this.slots.length) this.grow()
    put(this.slots, hashOf(id, this.salt), seq)
    this.size++
  }

  /** The first seq under which `isIt` finds the id. O(1), and one `isIt` for nearly every id that is there. */
  find(id: string, isIt: (seq: number) => boolean): number | undefined {
    const { slots } = this
    const hash = hashOf(id, this.salt)
    const mask = slots.length / 2 - 1
    for (let i = hash & mask; ; i = (i + 1) & mask) {
      const seq = slots[2 * i + 1]!
      if (seq === 0) return undefined
      if (slots[2 * i] === hash && isIt(seq)) return seq
    }
  }

  private grow(): void {
    const bigger = new Uint32Array(2 * this.slots.length)
    for (let i = 0; i < this.slots.length; i += 2) {
      if (this.slots[i + 1] !== 0) put(bigger, this.slots[i]!, this.slots[i + 1]!)
    }
    this.slots = bigger
  }
}

const put = (slots: Uint32Array, hash: number, seq: number): void => {
  const mask = slots.length / 2 - 1
  let i = hash & mask
  while (slots[2 * i + 1] !== 0) i = (i + 1) & mask
  slots[2 * i] = hash
  slots[2 * i + 1] = seq
}

/** FNV-1a over the UTF-16 units, mixed at the end so that its low bits may index. */
const hashOf = (id: string, salt: number): number => {
  let hash = salt
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return (hash ^ (hash >>> 13)) >>> 0
}
