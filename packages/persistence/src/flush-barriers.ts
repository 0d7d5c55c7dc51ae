/** Callers who wait until all rows below a place in the order of submission have settled. */
export class FlushBarriers {
  #waiting: { readonly target: number, readonly done: () => void }[] = []

  get isEmpty(): boolean {
    return this.#waiting.length === 0
  }

  /** Resolves at the first `release` with nothing outstanding below `target`. */
  wait(target: number): Promise<void> {
    return new Promise((done) => {
      this.#waiting.push({ target, done })
    })
  }

  /** `oldest`: the lowest sequence that has not settled. */
  release(oldest: number): void {
    this.#waiting = this.#waiting.filter(({ target, done }) => {
      if (target > oldest) return true
      done()
      return false
    })
  }
}
