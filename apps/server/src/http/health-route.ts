import type { ServerResponse } from 'node:http'
import type { ThreadContext } from '../worker/thread-context.ts'

/** `GET /livez`: this thread answers. */
export function readLiveness(thread: ThreadContext, response: ServerResponse): void {
  thread.responder.text(response, 200, 'text/plain; charset=utf-8', 'alive')
}

/** `GET /readyz`: whether to send requests here, and if not, why. */
export function readReadiness(thread: ThreadContext, response: ServerResponse): void {
  const state = serviceState(thread)
  thread.responder.json(response, { state }, state === 'active' ? 200 : 503)
}

/** `GET /health`: the same with everything that it follows from. */
export function readHealth(thread: ThreadContext, response: ServerResponse): void {
  const { board, checkouts, purchases } = thread
  const state = serviceState(thread)
  const sale = thread.shelf.latest()
  thread.responder.json(response, {
    state,
    since: new Date(board.stateSinceMs).toISOString(),
    database: { state: thread.connectionState(), clockOffsetMs: Math.round(thread.clockOffsetMs) },
    lease: { epoch: thread.epoch, instanceId: thread.instanceId },
    sale: sale === undefined ? null : { saleId: sale.terms.saleId, ...sale.engine.stats() },
    queued: { checkouts: checkouts.counts().rowsQueued, purchases: purchases.counts().rowsQueued },
  }, state === 'active' ? 200 : 503)
}

/** The instance's state, unless this thread cannot reach the database. */
function serviceState({ board, checkouts }: ThreadContext): string {
  if (board.state !== 'active') return board.state
  return checkouts.refusal() === 'storage_unavailable' ? 'storage_unavailable' : 'active'
}
