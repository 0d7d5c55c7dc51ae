import type { LoadClock } from '../load-clock.ts'

/** Timers that can all be cancelled, and whose errors do not get lost. */
export class Timers {
  private readonly clock: LoadClock
  private readonly failed: (error: unknown) => void
  private readonly cancels = new Set<() => void>()

  constructor(clock: LoadClock, failed: (error: unknown) => void) {
    this.clock = clock
    this.failed = failed
  }

  /** Calls `run` once after `delayMs`. */
  after(delayMs: number, run: () => void): void {
    this.add(run, (called) => this.clock.setTimer(Math.min(delayMs, 2 ** 31 - 1), called))
  }

  /** Calls `run` once in the next turn of the event loop. */
  soon(run: () => void): void {
    this.add(run, (called) => this.clock.setTurn(called))
  }

  private add(run: () => void, set: (called: () => void) => () => void): void {
    const cancel = set(() => {
      this.cancels.delete(cancel)
      try {
        run()
      } catch (error) {
        this.failed(error)
      }
    })
    this.cancels.add(cancel)
  }

  cancelAll(): void {
    for (const cancel of this.cancels) cancel()
    this.cancels.clear()
  }
}
