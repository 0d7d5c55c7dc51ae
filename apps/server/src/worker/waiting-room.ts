/** How often a waiting request asks again. */
const POLL_MS = 5
const ROOM_MAX = 1_024

/**
 * Where requests wait whose code another request is just using, on this thread or another: they ask again
 * every few milliseconds until that one has its outcome. The timer runs only while somebody waits.
 */
export class WaitingRoom {
  readonly #waiting = new Set<() => boolean>()
  #timer: NodeJS.Timeout | undefined

  get size(): number {
    return this.#waiting.size
  }

  /** `ask` says whether it is done. False: the room is full. */
  add(ask: () => boolean): boolean {
    if (this.#waiting.size >= ROOM_MAX) return false
    this.#waiting.add(ask)
    this.#timer ??= setInterval(() => this.#askAll(), POLL_MS)
    return true
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#waiting.clear()
  }

  #askAll(): void {
    for (const ask of this.#waiting) if (ask()) this.#waiting.delete(ask)
    if (this.#waiting.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
