import type { Scheduled } from '../world/timeline.ts'
import { fetchFrom } from './http-client.ts'
import type { SimulatedThread } from './simulated-thread.ts'

const DELAY_MS_MAX = 2 ** 31 - 1
/** Node's timers fire up to a millisecond early, and late as soon as the loop is busy. */
const EARLY_MS = 0.9
const LATE_MS = 2

/** A timer as Node hands it out. */
class SimulatedTimer {
  #scheduled: Scheduled | undefined

  set(scheduled: Scheduled | undefined): void {
    this.#scheduled = scheduled
  }

  cancel(): void {
    this.#scheduled?.cancel()
    this.#scheduled = undefined
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }
}

/** The globals of one thread, by the names of `GLOBAL_NAMES`. */
export function threadGlobals(thread: SimulatedThread): Record<string, unknown> {
  const { machine } = thread.process
  const startedAtMs = machine.monotonicMs()
  return {
    ...timerGlobals(thread),
    queueMicrotask: (task: () => void) => queueMicrotask(() => {
      try {
        task()
      } catch (error) {
        thread.process.failed(thread, error)
      }
    }),
    performance: { now: () => machine.monotonicMs() - startedAtMs },
    process: processGlobal(thread),
    Date: simulatedDate(thread),
    AbortSignal: {
      timeout: (ms: number) => {
        const controller = new AbortController()
        thread.after(ms, () => controller.abort(new Error('The operation was aborted due to timeout')))
        return controller.signal
      },
    },
    fetch: fetchFrom(thread),
    crypto: { getRandomValues: randomFill(thread) },
  }
}

function randomFill(thread: SimulatedThread): (into: ArrayBufferView) => unknown {
  return (into) => {
    const bytes = new Uint8Array(into.buffer, into.byteOffset, into.byteLength)
    const words = thread.process.random
    for (let index = 0; index < bytes.length; index += 4) {
      const word = words.word()
      for (let byte = 0; byte < 4 && index + byte < bytes.length; byte++) bytes[index + byte] = word >>> (8 * byte)
    }
    return into
  }
}

function timerGlobals(thread: SimulatedThread): Record<string, unknown> {
  const { random } = thread.process
  const wait = (ms: number): number => {
    const whole = ms >= 1 && ms <= DELAY_MS_MAX ? Math.trunc(ms) : 1
    return Math.max(0.05, whole + random.skewed(0, LATE_MS) - (random.chance(0.5) ? EARLY_MS : 0))
  }
  const once = (task: (...values: unknown[]) => void, ms: number, values: unknown[]): SimulatedTimer => {
    const timer = new SimulatedTimer()
    timer.set(thread.after(ms, () => task(...values)))
    return timer
  }
  return {
    setTimeout: (task: () => void, ms = 1, ...values: unknown[]) => once(task, wait(ms), values),
    setImmediate: (task: () => void, ...values: unknown[]) => once(task, 0.01, values),
    setInterval: (task: () => void, ms = 1) => {
      const timer = new SimulatedTimer()
      const repeat = (): void => timer.set(thread.after(wait(ms), () => {
        repeat()
        task()
      }))
      repeat()
      return timer
    },
    clearTimeout: cancel,
    clearInterval: cancel,
    clearImmediate: cancel,
  }
}

function cancel(timer: unknown): void {
  if (timer instanceof SimulatedTimer) timer.cancel()
}

function processGlobal(thread: SimulatedThread): Record<string, unknown> {
  const { process: simulated, processEvents } = thread
  const hrtime = (): [number, number] => {
    const ms = simulated.machine.monotonicMs()
    const seconds = Math.floor(ms / 1000)
    return [seconds, Math.floor((ms - seconds * 1000) * 1e6)]
  }
  return {
    env: simulated.env,
    argv: ['node', 'main.ts', ...simulated.argv],
    pid: 1,
    hrtime,
    nextTick: (task: (...values: unknown[]) => void, ...values: unknown[]) => process.nextTick(task, ...values),
    on: (name: string, listener: (...values: unknown[]) => void) => processEvents.on(name, listener),
    exit: (status: number) => simulated.exit(status),
    stderr: { write: (text: string) => { simulated.lastWords = text } },
  }
}

function simulatedDate(thread: SimulatedThread): typeof Date {
  const { machine } = thread.process
  return class extends Date {
    constructor(...values: [] | [number | string]) {
      super(values.length === 0 ? machine.wallMs() : values[0])
    }

    static override now(): number {
      return Math.floor(machine.wallMs())
    }
  } as typeof Date
}
