import { createServer } from 'node:net'
import { ListenError } from './request-threads.ts'

/**
 * Fails when the port is taken. Needed because listeners that share a port by `reusePort` would join another
 * server's without an error, and clients would reach now the one and now the other.
 */
export function probePort(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => {
      reject(new ListenError(host, port, error.code ?? 'unknown', error.message))
    })
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve()))
  })
}
