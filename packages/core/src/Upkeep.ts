/** What of a state is in storage, and when it is worth a snapshot again. */

/** Events, and characters of their data or of a state. */
interface Extent {
  readonly events: number
  readonly size: number
}

/** A shorter tail is folded faster than a snapshot is read. At the last occasion, such as closing, less is asked for. */
const least: Extent = { events: 256, size: 2 ** 20 }
const leastAtLast: Extent = { events: 32, size: 2 ** 17 }

export class Upkeep {
  /** What was folded since the last snapshot. */
  private tail: Extent = { events: 0, size: 0 }
  /** The last snapshot: the events in it, and its length. */
  private saved: Extent | undefined
  /** What is stored was found to be bad: it is replaced at the next occasion, whether that pays or not. */
  private isBad = false
  /** One for each beginning: what was saved of another one says nothing. */
  private beginning: object = {}

  /** A snapshot was found in storage: this one, or one that mustn't be used. */
  found(saved: Extent | undefined): void {
    this.saved = saved
    this.isBad = saved === undefined
  }

  /** The state begins anew; what is stored, if anything is, is of another history. */
  begin(): void {
    this.isBad ||= this.saved !== undefined
    this.saved = undefined
    this.tail = { events: 0, size: 0 }
    this.beginning = {}
  }

  /** More was folded. */
  grew(events: number, size: number): void {
    this.tail = { events: this.tail.events + events, size: this.tail.size + size }
  }

  /**
   * Whether it is time for a snapshot of so many events: a bad one is mended, the one of a final state is kept for good,
   * others must pay. `last`: this is the last occasion.
   */
  isDue(events: number, { final, last }: { readonly final: boolean; readonly last: boolean }): boolean {
    // Also where nothing is left: what was folded of removed streams doesn't stay.
    if (this.isBad) return true
    if (events === 0) return false
    return final ? this.saved?.events !== events : this.pays(last)
  }

  /** A snapshot is being saved; what to do once it is. */
  saving(saved: Extent): () => void {
    const { beginning, tail } = this
    return () => {
      if (this.beginning !== beginning) return
      this.isBad = false
      this.saved = saved
      this.tail = { events: this.tail.events - tail.events, size: this.tail.size - tail.size }
    }
  }

  /**
   * Whether a snapshot pays (law N7). Either the stream has grown by half: snapshots of a state that grows with its
   * stream then add up to less than three times the last, and with one more at the seal to less than four times. Or it
   * is next to nothing beside what was written since, as the small state of a busy stream is.
   */
  private pays(last: boolean): boolean {
    const { saved, tail } = this
    const { events, size } = last ? leastAtLast : least
    if (tail.events < events && tail.size < size) return false
    if (saved === undefined) return true
    const grown = tail.events * 2 >= saved.events && tail.size * 2 >= saved.size
    return grown || tail.size >= saved.size * 64
  }
}
