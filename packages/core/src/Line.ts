/** A first-in, first-out line with amortized O(1) at both ends: an array's `shift` moves all of it beyond 16k items. */
export class Line<T> {
  private items: Array<T> = []
  private front = 0

  get length(): number {
    return this.items.length - this.front
  }

  /** The item `index` places behind the front. */
  at(index: number): T | undefined {
    return this.items[this.front + index]
  }

  push(item: T): void {
    this.items.push(item)
  }

  /** Takes `count` items off the front. */
  drop(count: number): void {
    this.front += count
    if (this.front === this.items.length) {
      this.items = []
      this.front = 0
    } else if (this.front > 1024 && this.front * 2 > this.items.length) {
      this.items = this.items.slice(this.front)
      this.front = 0
    }
  }
}
