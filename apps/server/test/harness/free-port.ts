import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Below the ports that systems choose for port 0 (Linux: from 32,768), above those that services are known by. */
const PORT_MIN = 20_000
const PORT_MAX = 32_000
const TRIES_MAX = 100
const given = new Set<number>()

/**
 * A free port for a server that gives it up and takes it again: nobody who asks the system for any port is given it
 * meanwhile. Never the same twice in a process.
 */
export async function lastingPort(): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const port = randomInt(PORT_MIN, PORT_MAX)
    if (given.has(port) || !await isFree(port)) continue
    given.add(port)
    return port
  }
  throw new Error(`no free port from ${PORT_MIN} to ${PORT_MAX} in ${TRIES_MAX} tries`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
      .once('error', () => { resolve(false) })
      .listen(port, '127.0.0.1', () => { probe.close(() => { resolve(true) }) })
  })
}
