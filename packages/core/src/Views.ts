/** The views of a log: who asks for the same gets the same. */
import type * as EventSet from "./EventSet.ts"
import type { Projection } from "./Projection.ts"
import { StreamView, type View, type Viewing } from "./View.ts"
import { AllView, type ViewAll, type ViewingAll } from "./ViewAll.ts"

export class Views<E extends EventSet.Any> {
  private readonly around: Viewing<E> & ViewingAll<E>
  /** Of each projection its views by stream: only those that are kept up. */
  private readonly views = new Map<Projection<E, any>, Map<string, StreamView<E, any>>>()
  private readonly all = new Map<Projection<E, any>, AllView<E, any>>()

  constructor(around: Viewing<E> & ViewingAll<E>) {
    this.around = around
  }

  view<S>(stream: string, projection: Projection<E, S>): View<S> {
    let view = this.views.get(projection)?.get(stream) as StreamView<E, S> | undefined
    if (view === undefined) {
      const made = new StreamView<E, S>(this.around, stream, projection, (runs) =>
        this.keep(stream, projection, made, runs)
      )
      view = made
    }
    view.use()
    return view
  }

  viewAll<S>(projection: Projection<E, S>): ViewAll<S> {
    let view = this.all.get(projection) as AllView<E, S> | undefined
    if (view === undefined) this.all.set(projection, (view = new AllView(this.around, projection)))
    view.use()
    return view
  }

  close(): void {
    for (const views of this.views.values()) for (const view of views.values()) view.close()
    for (const view of this.all.values()) view.close()
  }

  /** A view that stopped may be used again, when another has taken its place: both are good. */
  private keep<S>(stream: string, projection: Projection<E, S>, view: StreamView<E, S>, runs: boolean): void {
    let views = this.views.get(projection)
    if (runs) {
      if (views === undefined) this.views.set(projection, (views = new Map()))
      if (!views.has(stream)) views.set(stream, view)
    } else if (views?.get(stream) === view) {
      views.delete(stream)
      if (views.size === 0) this.views.delete(projection)
    }
  }
}
