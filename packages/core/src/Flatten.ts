/** Plain iteration, event by event: a promise each is all it costs, where a stream of one costs a microsecond. */

/** The items of batches, one by one. Batches are pulled as they are needed; stopping early stops them. */
export const flatten = <A>(batches: AsyncIterable<ReadonlyArray<A>>): AsyncIterable<A> => ({
  [Symbol.asyncIterator]: () => {
    const source = batches[Symbol.asyncIterator]()
    let batch: ReadonlyArray<A> = []
    let i = 0
    const pull = async (): Promise<IteratorResult<A>> => {
      for (;;) {
        const { done, value } = await source.next()
        if (done === true) return { done, value: undefined }
        if (value.length === 0) continue
        batch = value
        i = 1
        return { done: false, value: value[0]! }
      }
    }
    return {
      next: () => (i < batch.length ? Promise.resolve({ done: false, value: batch[i++]! }) : pull()),
      return: async () => {
        batch = []
        await source.return?.()
        return { done: true, value: undefined }
      }
    }
  }
})
