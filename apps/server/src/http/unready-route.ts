import type { IncomingMessage, ServerResponse } from 'node:http'
import type { InstanceBoard } from '../instance-board.ts'
import type { Responder } from './respond.ts'

/** Answers what can be answered before the instance is active: whether it lives, and that it is not ready. */
export function answerUnready(
  board: InstanceBoard, responder: Responder, request: IncomingMessage, response: ServerResponse,
): boolean {
  const path = request.url?.split('?', 1)[0]
  if (path === '/livez') {
    responder.text(response, 200, 'text/plain; charset=utf-8', 'alive')
    return true
  }
  if (path !== '/readyz' && path !== '/health') return false
  responder.json(response, { state: board.state, since: new Date(board.stateSinceMs).toISOString() }, 503)
  return true
}
