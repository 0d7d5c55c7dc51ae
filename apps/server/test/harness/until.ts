import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until a condition holds; fails with `what` when it does not within the time, which the last look comes after. */
export async function until(
  what: string, condition: () => boolean | Promise<boolean>, withinMs = 10_000, everyMs = 10,
): Promise<void> {
  const endsAt = performance.now() + withinMs
  for (;;) {
    const isLast = performance.now() > endsAt
    if (await condition()) return
    if (isLast) throw new Error(`not within ${withinMs} ms: ${what}`)
    await sleep(everyMs)
  }
}

/** The value of a promise, or an error that names what was waited for. */
export async function within<T>(withinMs: number, what: string, promise: Promise<T>): Promise<T> {
  const stop = new AbortController()
  const late = sleep(withinMs, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`not within ${withinMs} ms: ${what}`)
  })
  late.catch(() => {})
  try {
    return await Promise.race([promise, late])
  } finally {
    stop.abort()
  }
}
