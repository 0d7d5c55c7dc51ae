import { createServer } from 'node:net'
import { ListenError } from './listen-error.ts'

/**
 * Fails when the public port is taken. Needed because listeners that share a port by `reusePort` would join another
 * server's without an error, and clients would reach now the one and now the other.
 */
export function probePort(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => reject(new ListenError('PORT', host, port, error)))
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve()))
  })
}
