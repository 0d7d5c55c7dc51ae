import type { Clock } from '../clock.ts'

/** A clock that stands still until a test moves it. For one thread. */
export class ManualClock implements Clock {
  #wallMs: number
  #monotonicMs: number

  /**
   * @param wallMs first wall time, Unix milliseconds; default 0
   * @param monotonicMs first monotonic time, milliseconds; default 0
   */
  constructor(wallMs = 0, monotonicMs = 0) {
    this.#wallMs = wallMs
    this.#monotonicMs = monotonicMs
  }

  wallMs(): number {
    return this.#wallMs
  }

  monotonicMs(): number {
    return this.#monotonicMs
  }

  /** Time passes: both clocks move on by `ms`, 0 or more. No timer fires by this alone. */
  advance(ms: number): void {
    checkForward(ms)
    this.#wallMs += ms
    this.#monotonicMs += ms
  }

  /** Somebody sets the clock: wall time moves by `deltaMs`, either way; monotonic does not. */
  stepWall(deltaMs: number): void {
    this.#wallMs += deltaMs
  }

  /** The machine sleeps: wall time moves on by `ms`, 0 or more; monotonic time stands still. */
  suspend(ms: number): void {
    checkForward(ms)
    this.#wallMs += ms
  }
}

function checkForward(ms: number): void {
  if (!(ms >= 0)) throw new RangeError(`time cannot pass by ${ms} ms`)
}
