import type { ServerResponse } from 'node:http'
import type { ThreadContext } from '../worker/thread-context.ts'
import { problems } from './problem.ts'

/** `GET /sale`: the current sale and its counts; between two sales, the one that has just ended. */
export function readSale(thread: ThreadContext, response: ServerResponse): void {
  const wallMs = thread.wallMs()
  const sale = thread.shelf.current(wallMs) ?? thread.shelf.latest()
  if (sale === undefined) return thread.responder.problem(response, problems.storage_unavailable)
  const { terms, engine } = sale
  const { available, reserved, sold } = engine.stats()
  thread.responder.json(response, {
    saleId: terms.saleId,
    startsAt: new Date(terms.startsAtMs).toISOString(),
    endsAt: new Date(terms.endsAtMs).toISOString(),
    secondsLeft: Math.max(0, Math.ceil((terms.endsAtMs - wallMs) / 1000)),
    items: terms.itemCount,
    available,
    reserved,
    sold,
    userLimit: terms.userLimit,
    reservationTtlMs: terms.reservationTtlMs,
    // One sale follows the other without a gap.
    nextOpensAt: new Date(terms.endsAtMs).toISOString(),
  })
}
