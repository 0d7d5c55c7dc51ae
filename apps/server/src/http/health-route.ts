import type { ServerResponse } from 'node:http'
import type { ThreadContext } from '../worker/thread-context.ts'

/** `GET /livez`: this thread answers. */
export function readLiveness(thread: ThreadContext, response: ServerResponse): void {
  thread.responder.text(response, 200, 'text/plain; charset=utf-8', 'alive')
}

/** `GET /readyz`: whether to send requests here, and if not, why and since when. */
export function readReadiness(thread: ThreadContext, response: ServerResponse): void {
  const { state, sinceMs } = serviceState(thread)
  thread.responder.json(response, { state, since: new Date(sinceMs).toISOString() }, state === 'active' ? 200 : 503)
}

/** `GET /health`: the same with everything that it follows from. */
export function readHealth(thread: ThreadContext, response: ServerResponse): void {
  const { checkouts, purchases, clockOffsetMs } = thread
  const { state, sinceMs } = serviceState(thread)
  const lostSinceMs = thread.connectionLostSinceMs()
  const sale = thread.shelf.latest()
  thread.responder.json(response, {
    state,
    since: new Date(sinceMs).toISOString(),
    database: {
      state: lostSinceMs === undefined ? 'connected' : 'lost',
      ...(lostSinceMs === undefined ? {} : { since: new Date(lostSinceMs).toISOString() }),
      clockOffsetMs: Math.round(clockOffsetMs),
    },
    lease: { epoch: thread.epoch, instanceId: thread.instanceId },
    sale: sale === undefined ? null : { saleId: sale.terms.saleId, ...sale.engine.stats() },
    queued: { checkouts: checkouts.counts().rowsQueued, purchases: purchases.counts().rowsQueued },
  }, state === 'active' ? 200 : 503)
}

/** The instance's state, unless this thread cannot reach the database, or the lease cannot be renewed. */
function serviceState(thread: ThreadContext): { state: string; sinceMs: number } {
  const { board, checkouts } = thread
  const lostSinceMs = thread.connectionLostSinceMs()
  if (board.state === 'active' && checkouts.refusal() === 'storage_unavailable' && lostSinceMs !== undefined) {
    return { state: 'storage_unavailable', sinceMs: lostSinceMs }
  }
  const unprovenMs = thread.unprovenForMs()
  if (board.state === 'active' && unprovenMs >= 0) {
    return { state: 'storage_unavailable', sinceMs: lostSinceMs ?? thread.wallMs() - unprovenMs }
  }
  return { state: board.state, sinceMs: board.stateSinceMs }
}
