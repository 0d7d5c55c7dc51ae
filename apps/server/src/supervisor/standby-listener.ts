/** How many connections are opened to find a listener among those that share a port: of 64 listeners one is missed once in 10^4. */
const CONNECTIONS_MAX = 600
const ANSWER_MS_MAX = 2_000

/** Base of the URL under which this machine reaches a port of its own. */
export function localUrl(host: string, port: number): string {
  const reached = successorHost(host)
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`
}

/** The address under which this machine reaches a listener of its own. */
export function successorHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}

/**
 * Whether another instance, which stands by, listens on a port that this active one shares with it: the kernel spreads connections
 * over all listeners, so some of them reach it.
 */
export async function findsStandby(url: string, withinMs = ANSWER_MS_MAX): Promise<boolean> {
  const endsAtMs = performance.now() + withinMs
  for (let tries = 0; tries < CONNECTIONS_MAX && performance.now() < endsAtMs; tries++) {
    if (await stateBehind(url) === 'standby') return true
  }
  return false
}

/** The state that `GET /readyz` tells; undefined when nobody answers. */
export async function stateBehind(url: string): Promise<unknown> {
  try {
    const response = await fetch(`${url}/readyz`, { method: 'GET', headers: { connection: 'close' }, signal: AbortSignal.timeout(ANSWER_MS_MAX) })
    return (JSON.parse(await response.text()) as { state?: unknown }).state
  } catch {
    return undefined
  }
}
