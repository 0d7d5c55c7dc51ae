import type { ServerResponse } from 'node:http'
import type { ThreadContext } from '../worker/thread-context.ts'

/**
 * The answer to a pipelined request waits in this process until those before it on its connection are sent, which may take as
 * long as PostgreSQL does. The lease was proven when it was decided; when its turn comes and it no longer is, the connection ends
 * instead, and the client knows as little as after any broken one. G10, ADR 14.
 *
 * To be called just before the answer is written; costs nothing where no answer is before it.
 */
export function endUnlessProvenAtItsTurn(thread: ThreadContext, response: ServerResponse): void {
  // Node gives a response its socket when its turn comes, tells of it, and only then sends what was written.
  if (response.socket === null) response.once('socket', (socket) => { if (!thread.isActive()) socket.destroy() })
}
