/**
 * The bytes of one file: what reads answer (cached), what survives a power cut (durable), and the changes between
 * both. Copies share their bytes until one of them is written to, so that a crash state costs next to nothing.
 */
import type { Choose } from "./Choose.ts"

/** A write, or a new size where there are no `bytes`. */
interface Change {
  readonly serial: number
  readonly at: number
  readonly bytes: Uint8Array | undefined
  /** A failed sync took it for written: no later one writes it, though it still reads back. */
  readonly lost: boolean
}

/** Bytes under construction, with room for all that comes. */
interface Image {
  readonly bytes: Uint8Array
  size: number
}

/** What a disk writes as one, and what the page cache does. */
const sector = 512
const page = 4096

export class Content {
  /** Zero beyond `size` as far as they are `own`. */
  private bytes: Uint8Array
  size: number
  /** Whether bytes from `shared` on belong to this content alone. */
  private own = false
  private shared = 0
  private durable: Uint8Array
  private durableSize: number
  private changes: ReadonlyArray<Change> = []

  constructor(durable: Uint8Array = new Uint8Array(0), size = durable.length) {
    this.bytes = this.durable = durable
    this.size = this.durableSize = size
  }

  /** The same, to go its own way from here. */
  copy(): Content {
    const copy = new Content(this.durable, this.durableSize)
    copy.bytes = this.bytes
    copy.size = this.size
    copy.changes = this.changes
    this.shared = Math.max(this.shared, this.size)
    return copy
  }

  /** All bytes, not copied. */
  get all(): Uint8Array {
    return this.bytes.subarray(0, this.size)
  }

  /** Answers how many bytes there were to read. */
  read(into: Uint8Array, at: number): number {
    const length = Math.max(0, Math.min(into.length, this.size - at))
    into.set(this.bytes.subarray(at, at + length))
    return length
  }

  write(serial: number, at: number, bytes: Uint8Array): void {
    const end = at + bytes.length
    // A gap is zeros, and beyond the size all is zero.
    this.makeRoom(Math.min(at, this.size), end)
    this.bytes.set(bytes, at)
    this.size = Math.max(this.size, end)
    // Copied, for the writer may use its bytes again. (A Buffer's `slice` copies nothing.)
    this.changes = [...this.changes, { serial, at, bytes: new Uint8Array(bytes), lost: false }]
  }

  truncate(serial: number, length: number): void {
    const kept = Math.min(length, this.size)
    this.size = kept
    this.own = false
    this.makeRoom(kept, length)
    this.size = length
    this.changes = [...this.changes, { serial, at: length, bytes: undefined, lost: false }]
  }

  private makeRoom(from: number, end: number): void {
    if (this.own && from >= this.shared && end <= this.bytes.length) return
    const bytes = new Uint8Array(Math.max(2 * end, this.size, 1024))
    bytes.set(this.bytes.subarray(0, this.size))
    this.bytes = bytes
    this.own = true
    this.shared = 0
  }

  /** Makes what changed up to `serial` durable, and the size; all but what an earlier failed sync took for written. */
  sync(serial: number): void {
    const done = this.changes.filter((change) => change.serial <= serial)
    const later = this.changes.slice(done.length)
    if (later.length === 0 && !done.some(({ lost }) => lost)) {
      this.durable = this.bytes
      this.durableSize = this.size
      this.shared = Math.max(this.shared, this.size)
      this.changes = []
      return
    }
    const image = this.room()
    for (const change of done) {
      if (change.lost) image.size = Math.max(image.size, endOf(change))
      else apply(image, change)
    }
    this.durable = image.bytes
    this.durableSize = image.size
    this.changes = [
      ...done.flatMap((change, i) => (change.lost ? leftOf(change, done.slice(i + 1)) : [])),
      ...later
    ]
  }

  /** What a failed sync does: it reads back, no later sync writes it, and it may be on the disk or not. */
  failSync(serial: number): void {
    this.changes = this.changes.map((change) =>
      change.serial <= serial && change.bytes !== undefined ? { ...change, lost: true } : change
    )
  }

  /** What a power cut may leave. */
  afterPowerCut(choose: Choose): Content {
    const { changes } = this
    if (changes.length === 0) return new Content(this.durable, this.durableSize)
    const image = this.room()
    const kind = choose(6)
    // 0: nothing of it came to the disk.
    if (kind === 1) for (const change of changes) apply(image, change)
    else if (kind === 2) this.upTo(choose, image)
    else if (kind === 3) some(choose, image, changes)
    else if (kind >= 4) this.mixed(choose, image, kind === 4 ? page : sector)
    // The size can come to the disk without the bytes, which are then zero.
    if (choose(4) === 0) image.size = Math.max(image.size, this.sizeAfter(choose(changes.length + 1)))
    return new Content(image.bytes, image.size)
  }

  /** In order up to some change, and perhaps the next one torn. */
  private upTo(choose: Choose, image: Image): void {
    const whole = choose(this.changes.length + 1)
    for (const change of this.changes.slice(0, whole)) apply(image, change)
    const torn = this.changes[whole]
    if (torn?.bytes !== undefined && choose(2) === 1)
      applyPart(image, torn.at, torn.bytes, 0, choose(torn.bytes.length + 1))
  }

  /** Each page or sector as it was after some change, and a size that there was. */
  private mixed(choose: Choose, image: Image, unit: number): void {
    const { changes } = this
    const running = this.room()
    const from = Math.floor(changes.reduce((least, { at }) => Math.min(least, at), running.size) / unit)
    const versions: Array<number> = []
    for (let at = from * unit; at < image.bytes.length; at += unit) versions.push(choose(changes.length + 1))
    const size = this.sizeAfter(choose(changes.length + 1))
    changes.forEach((change, i) => {
      apply(running, change)
      versions.forEach((version, k) => {
        const at = (from + k) * unit
        if (version === i + 1) image.bytes.set(running.bytes.subarray(at, at + unit), at)
      })
    })
    image.bytes.fill(0, size)
    image.size = size
  }

  private sizeAfter(count: number): number {
    let size = this.durableSize
    for (const change of this.changes.slice(0, count)) {
      size = change.bytes === undefined ? change.at : Math.max(size, endOf(change))
    }
    return size
  }

  /** The durable bytes, with room for every change. */
  private room(): Image {
    const most = this.changes.reduce((end, change) => Math.max(end, endOf(change)), this.durableSize)
    const bytes = zeros(most)
    bytes.set(this.durable.subarray(0, this.durableSize))
    return { bytes, size: this.durableSize }
  }
}

const slabBytes = 1024 * 1024
let slab = new Uint8Array(slabBytes)
let used = 0

/** Zeros. Cut from a slab, since tens of thousands of crash states a second would wait for the allocator. */
const zeros = (length: number): Uint8Array => {
  if (length > slabBytes / 8) return new Uint8Array(length)
  if (used + length > slabBytes) {
    slab = new Uint8Array(slabBytes)
    used = 0
  }
  used += length
  return slab.subarray(used - length, used)
}

const endOf = ({ at, bytes }: Change): number => at + (bytes?.length ?? 0)

const apply = (image: Image, { at, bytes }: Change): void => {
  if (bytes !== undefined) return applyPart(image, at, bytes, 0, bytes.length)
  image.bytes.fill(0, at)
  image.size = at
}

const applyPart = (image: Image, at: number, bytes: Uint8Array, from: number, to: number): void => {
  if (from === to) return
  image.bytes.set(bytes.subarray(from, to), at + from)
  image.size = Math.max(image.size, at + to)
}

/** Any of the changes, in their order or against it: each whole, torn, or with sectors missing. */
const some = (choose: Choose, image: Image, changes: ReadonlyArray<Change>): void => {
  for (const change of choose(8) === 0 ? changes.toReversed() : changes) {
    const { at, bytes } = change
    const kind = choose(4)
    if (kind === 0) continue
    if (kind === 1 || bytes === undefined) apply(image, change)
    else if (kind === 2) applyPart(image, at, bytes, 0, choose(bytes.length + 1))
    else {
      for (let from = 0; from < bytes.length;) {
        const to = Math.min(bytes.length, sector * (Math.floor((at + from) / sector) + 1) - at)
        if (choose(2) === 1) applyPart(image, at, bytes, from, to)
        from = to
      }
    }
  }
}

/** What is left of a lost write where `later` ones, which are durable, didn't replace it. */
const leftOf = (write: Change, later: ReadonlyArray<Change>): ReadonlyArray<Change> => {
  let left = [write]
  for (const change of later) {
    if (change.lost) continue
    const end = change.bytes === undefined ? Infinity : endOf(change)
    left = left.flatMap((part) => [...within(part, 0, change.at), ...within(part, end, Infinity)])
  }
  return left
}

const within = (write: Change, from: number, to: number): ReadonlyArray<Change> => {
  const start = Math.max(write.at, from)
  const end = Math.min(endOf(write), to)
  return start < end
    ? [{ ...write, at: start, bytes: write.bytes!.subarray(start - write.at, end - write.at) }]
    : []
}
