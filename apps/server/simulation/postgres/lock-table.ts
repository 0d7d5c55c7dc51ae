export type LockMode = 'share' | 'exclusive'

interface Held {
  readonly holder: object
  readonly mode: LockMode
  /** Session locks stay until they are given back, transaction locks until the transaction ends. */
  readonly scope: 'session' | 'transaction'
}

interface Waiting {
  readonly holder: object
  readonly mode: LockMode
  readonly granted: () => void
}

/** Advisory and row locks by name. Who waits stands in line: a later compatible request does not overtake. */
export class LockTable {
  readonly #held = new Map<string, Held[]>()
  readonly #waiting = new Map<string, Waiting[]>()

  /** Takes the lock now, or not at all. */
  tryTake(name: string, mode: LockMode, holder: object, scope: Held['scope']): boolean {
    const all = this.#held.get(name) ?? []
    const isOwn = all.some((held) => held.holder === holder && (held.mode === 'exclusive' || mode === 'share'))
    // Who has it already does not stand in line for it again.
    if (isOwn) {
      this.#hold(name, { holder, mode, scope })
      return true
    }
    const others = all.filter((held) => held.holder !== holder)
    const isFree = mode === 'share' ? others.every((held) => held.mode === 'share') : others.length === 0
    const queue = this.#waiting.get(name) ?? []
    if (!isFree || queue.some((waiting) => waiting.holder !== holder && (mode === 'exclusive' || waiting.mode === 'exclusive'))) {
      return false
    }
    this.#hold(name, { holder, mode, scope })
    return true
  }

  /** Stands in line; `granted` is called when the lock is held. Returns how to give up. */
  wait(name: string, mode: LockMode, holder: object, granted: () => void): () => void {
    const waiting: Waiting = { holder, mode, granted }
    const queue = this.#waiting.get(name) ?? []
    this.#waiting.set(name, queue)
    queue.push(waiting)
    return () => {
      const index = queue.indexOf(waiting)
      if (index < 0) return
      queue.splice(index, 1)
      this.#grant(name)
    }
  }

  isHeld(name: string, holder: object): boolean {
    return (this.#held.get(name) ?? []).some((held) => held.holder === holder)
  }

  /** Whether somebody else would have to be waited for. */
  isHeldByOthers(name: string, holder: object): boolean {
    return (this.#held.get(name) ?? []).some((held) => held.holder !== holder)
  }

  release(holder: object, scope: Held['scope'] | 'all', name?: string): void {
    for (const [key, held] of this.#held) {
      if (name !== undefined && name !== key) continue
      const kept = held.filter((one) => one.holder !== holder || (scope !== 'all' && one.scope !== scope))
      if (kept.length === held.length) continue
      this.#held.set(key, kept)
      this.#grant(key)
    }
  }

  #hold(name: string, held: Held): void {
    const all = this.#held.get(name) ?? []
    all.push(held)
    this.#held.set(name, all)
  }

  #grant(name: string): void {
    const queue = this.#waiting.get(name) ?? []
    for (let first = queue[0]; first !== undefined; first = queue[0]) {
      const { holder, mode, granted } = first
      const others = (this.#held.get(name) ?? []).filter((held) => held.holder !== holder)
      if (mode === 'share' ? others.some((held) => held.mode === 'exclusive') : others.length > 0) return
      queue.shift()
      this.#hold(name, { holder, mode, scope: 'transaction' })
      granted()
    }
  }
}
